/* Messages from a socket, on their way from the websocket engine's thread to
 * the reader's: a bounded queue that tells the sender to wait when it is full,
 * or keeps the newest for each metric and category.
 *
 * What comes within one turn of the engine is carried by it, up to 64 messages,
 * and put into the queue as the turn ends or the queue may be full: what the
 * reader can see or count may be so many messages less than have come.
 *
 * Counted references: the reader's, and one for each socket that is open.
 */
#ifndef CCAAS_INBOX_H
#define CCAAS_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bell.h"
#include "update.h"
#include "ws.h"

/* Of messages that wait.  Newer ones in their places may make it a quarter
 * more, and the last one to come as much as it is long.  (Any new one is copied
 * before it is known whether it is to wait.) */
#ifdef CCAAS_TINY
#define CCAAS_INBOX_BYTES 2048
#else
#define CCAAS_INBOX_BYTES (4 * 1024 * 1024)
#endif
#define CCAAS_INBOX_KEPT 65536 /* a larger buffer is not used again */

struct ccaas_inbox;

/* A message that was taken.  Its buffer is the reader's until the next take. */
struct ccaas_inbox_message {
    char *bytes;
    size_t room, length;
    bool binary;
    bool looked; /* `update` is filled in */
    struct ccaas_update update;
};

/* Takes the form over, also when it fails (NULL: memory is out), and holds the
 * bell. */
struct ccaas_inbox *ccaas_inbox_new(struct ccaas_bell *bell, size_t queue,
                                    bool block,
                                    const struct ccaas_update_form *form);

/* The reader's: lets go; what comes from now on is dropped. */
void ccaas_inbox_shut(struct ccaas_inbox *inbox);

/* The reader's, before each socket is opened: the sink for it.  If the socket
 * cannot be opened, call its `closed`. */
struct ccaas_ws_sink ccaas_inbox_sink(struct ccaas_inbox *inbox);

/* The reader's: when the socket was opened (epoch seconds); < 0: not yet. */
double ccaas_inbox_opened(struct ccaas_inbox *inbox);

/* The reader's: the oldest message, swapped for the one at hand.  *resume: the
 * sender waits and is to be told to go on.  *last: nothing more is there, and
 * the bell is armed for what comes next.  False: there is none. */
bool ccaas_inbox_take(struct ccaas_inbox *inbox,
                      struct ccaas_inbox_message *message, bool *resume,
                      bool *last);

/* The reader's: was a message lost, for want of memory?  Then the socket is to
 * be closed: nothing that comes after it is taken. */
bool ccaas_inbox_broken(struct ccaas_inbox *inbox);

/* The reader's, when there are no messages: has the socket ended?  *end says
 * how, *at when, and *from since when messages may be missed. */
bool ccaas_inbox_closed(struct ccaas_inbox *inbox, struct ccaas_ws_end *end,
                        double *at, double *from);

/* The reader's, once the socket has ended: when, in monotonic seconds, and how
 * many seconds it was open before.  (Wall clocks are set now and then.) */
double ccaas_inbox_lasted(struct ccaas_inbox *inbox, double *ended);

/* The reader's: has the socket ended, whatever waits to be read? */
bool ccaas_inbox_over(struct ccaas_inbox *inbox);

/* The reader's: how many messages wait, and what became of others so far. */
void ccaas_inbox_counts(struct ccaas_inbox *inbox, int64_t *waiting,
                        int64_t *conflated, int64_t *stale);

#endif
