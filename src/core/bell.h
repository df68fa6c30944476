/* A wake descriptor: whoever waits sleeps on it, whoever has news rings it.
 *
 * A bell may be rung from any thread; one thread waits.  Counted references.
 * Ringing costs a system call only when somebody sleeps.
 */
#ifndef CC_BELL_H
#define CC_BELL_H

#include <stdbool.h>

struct ccaas_bell;

/* A new bell with one reference; NULL: memory is out. */
struct ccaas_bell *cc_bell_new(void);
struct ccaas_bell *cc_bell_hold(struct ccaas_bell *bell);
void cc_bell_release(struct ccaas_bell *bell);

/* The waiter's: the descriptor to wait for (made with the first call), or -1
 * when the process has no more of them, or after cc_bell_quit. */
int cc_bell_fd(struct ccaas_bell *bell);

/* The waiter's: it will wait no more; closes the descriptor.  Whoever still
 * rings, rings in vain. */
void cc_bell_quit(struct ccaas_bell *bell);

/* The waiter's: from now on a ring makes the descriptor readable.  Look for
 * news once more after this, then wait. */
void cc_bell_arm(struct ccaas_bell *bell);

/* The waiter's: is it armed, and was not rung since? */
bool cc_bell_is_armed(struct ccaas_bell *bell);

/* The waiter's: takes back what a ring did to the descriptor. */
void cc_bell_disarm(struct ccaas_bell *bell);

/* The waiter's, of an armed bell: the next ring sends a byte to this socket,
 * too; -1: no more.  False: it was rung since it was armed. */
bool cc_bell_wake_by(struct ccaas_bell *bell, int socket);

/* The waiter's: nobody will wait for it any more, though it may still be rung.
 */
void cc_bell_finish(struct ccaas_bell *bell);

/* Any thread's: did the waiter finish or quit, or let go of it? */
bool cc_bell_over(struct ccaas_bell *bell);

/* Any thread's: the waiter is gone without a word.  What is done for it is done
 * for nobody.  Rings. */
void cc_bell_cut(struct ccaas_bell *bell);

/* Any thread's: was it cut off? */
bool cc_bell_is_cut(struct ccaas_bell *bell);

/* The waiter's: when the bell is cut off, this is called, with the bell locked,
 * on whichever thread does it; NULL: no more. */
void cc_bell_at_cut(struct ccaas_bell *bell, void (*call)(void *self),
                    void *self);

/* The waiter's: whoever waits for `owner` waits for `bell`, and nobody else
 * does: it is cut off with its owner.  Nobody may own in a circle.  False:
 * memory is out. */
bool cc_bell_own(struct ccaas_bell *owner, struct ccaas_bell *bell);
void cc_bell_disown(struct ccaas_bell *owner, struct ccaas_bell *bell);

/* Any thread's: there is news.  Rings those that follow, too. */
void cc_bell_ring(struct ccaas_bell *bell);

/* `follower` is rung whenever `bell` is, and so are those that follow it, until
 * it unfollows.  Nobody may follow in a circle.  False: memory is
 * out.  Following twice is the same as once. */
bool cc_bell_follow(struct ccaas_bell *bell, struct ccaas_bell *follower);
/* The same, and each ring leaves that mark (0 or more) with the follower, who
 * learns by it who rang; one mark once until it is taken. */
bool cc_bell_follow_as(struct ccaas_bell *bell, struct ccaas_bell *follower,
                       int mark);

/* The follower's: the oldest mark that was left; -1: none. */
int cc_bell_mark(struct ccaas_bell *follower);
void cc_bell_unfollow(struct ccaas_bell *bell, struct ccaas_bell *follower);

#endif
