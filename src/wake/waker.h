/* A waker: one thread waits for its descriptor, any thread wakes it.
 *
 * Reference counted.  A wake costs a system call only while the waiter is
 * armed.  "The waiter" below is the one thread that waits; what it alone may
 * call says so.
 */
#ifndef CC_WAKER_H
#define CC_WAKER_H

#include <stdbool.h>

struct ccaas_waker;

/* A new waker with one reference; NULL: no memory. */
struct ccaas_waker *cc_waker_new(void);
struct ccaas_waker *cc_waker_hold(struct ccaas_waker *waker);
void cc_waker_release(struct ccaas_waker *waker);

/* Waiter only: the descriptor to wait for, made by the first call.  -1: the
 * process has no descriptor left, or cc_waker_close was called. */
int cc_waker_fd(struct ccaas_waker *waker);

/* Waiter only: closes the descriptor.  Later wakes have no effect. */
void cc_waker_close(struct ccaas_waker *waker);

/* Waiter only: from now on a wake makes the descriptor readable.  Look for
 * news once more after this call, then wait. */
void cc_waker_arm(struct ccaas_waker *waker);

/* Waiter only: is it armed, and not woken since? */
bool cc_waker_is_armed(struct ccaas_waker *waker);

/* Waiter only: makes the descriptor unreadable again. */
void cc_waker_disarm(struct ccaas_waker *waker);

/* Waiter only, of an armed waker: the next wake also sends a byte to this
 * socket; -1: no more.  False: it was woken since it was armed. */
bool cc_waker_notify(struct ccaas_waker *waker, int socket);

/* Waiter only: it waits no more, though others may still wake it. */
void cc_waker_finish(struct ccaas_waker *waker);

/* Any thread: did the waiter finish, close it or release it? */
bool cc_waker_is_finished(struct ccaas_waker *waker);

/* Any thread: the waiter has gone without a word, so what is done for it has no
 * reader.  Wakes. */
void cc_waker_cancel(struct ccaas_waker *waker);

/* Any thread: was it cancelled? */
bool cc_waker_is_cancelled(struct ccaas_waker *waker);

/* Waiter only: `call` is called when the waker is cancelled, under its lock, on
 * the thread that cancels; NULL: no more. */
void cc_waker_on_cancel(struct ccaas_waker *waker, void (*call)(void *self),
                        void *self);

/* Waiter only: only the waiter of `owner` waits for `waker`, which is cancelled
 * with its owner.  Owners must not form a circle.  False: no memory. */
bool cc_waker_own(struct ccaas_waker *owner, struct ccaas_waker *waker);
void cc_waker_disown(struct ccaas_waker *owner, struct ccaas_waker *waker);

/* Any thread: there is news.  Wakes its followers, too. */
void cc_waker_wake(struct ccaas_waker *waker);

/* `follower`, and all that follow it, are woken whenever `waker` is, until it
 * unfollows.  Followers must not form a circle.  Following twice is the same as
 * once.  False: no memory. */
bool cc_waker_follow(struct ccaas_waker *waker, struct ccaas_waker *follower);
/* The same, and each wake leaves this mark (0 or more) with the follower, which
 * tells it who woke it.  A mark is kept once until it is taken. */
bool cc_waker_follow_as(struct ccaas_waker *waker, struct ccaas_waker *follower,
                        int mark);

/* Follower only: the oldest mark that was left; -1: none. */
int cc_waker_mark(struct ccaas_waker *follower);
void cc_waker_unfollow(struct ccaas_waker *waker, struct ccaas_waker *follower);

#endif
