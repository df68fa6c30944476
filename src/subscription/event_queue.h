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
#ifndef CC_EVENT_QUEUE_H
#define CC_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "update.h"
#include "waker.h"
#include "ws.h"

/* Of messages that wait.  Newer ones in their places may make it a quarter
 * more, and the last one to come as much as it is long.  (Any new one is copied
 * before it is known whether it is to wait.) */
#ifdef CCAAS_TINY
#define CC_EVENT_QUEUE_BYTES 2048
#else
#define CC_EVENT_QUEUE_BYTES (4 * 1024 * 1024)
#endif
#define CC_EVENT_QUEUE_KEPT 65536 /* a larger buffer is not used again */

struct cc_event_queue;

/* A message that was taken.  Its buffer is the reader's until the next take. */
struct cc_event_queue_message {
    char *bytes;
    size_t room, length;
    bool binary;
    bool looked; /* `update` is filled in */
    struct cc_update update;
};

/* Takes the form over, also when it fails (NULL: memory is out), and holds the
 * waker. */
struct cc_event_queue *cc_event_queue_new(struct ccaas_waker *waker,
                                          size_t capacity, bool block,
                                          const struct cc_update_form *form);

/* The reader's: lets go; what comes from now on is dropped. */
void cc_event_queue_shut(struct cc_event_queue *queue);

/* The reader's, before each socket is opened: the sink for it.  If the socket
 * cannot be opened, call its `closed`. */
struct cc_ws_sink cc_event_queue_sink(struct cc_event_queue *queue);

/* The reader's: when the socket was opened (epoch seconds); < 0: not yet. */
double cc_event_queue_opened(struct cc_event_queue *queue);

/* The reader's: the oldest message, swapped for the one at hand.  *resume: the
 * sender waits and is to be told to go on.  *last: nothing more is there, and
 * the waker is armed for what comes next.  False: there is none. */
bool cc_event_queue_take(struct cc_event_queue *queue,
                         struct cc_event_queue_message *message, bool *resume,
                         bool *last);

/* The reader's: was a message lost, for want of memory?  Then the socket is to
 * be closed: nothing that comes after it is taken. */
bool cc_event_queue_broken(struct cc_event_queue *queue);

/* The reader's, when there are no messages: has the socket ended?  *end says
 * how, *at when, and *from since when messages may be missed. */
bool cc_event_queue_closed(struct cc_event_queue *queue, struct cc_ws_end *end,
                           double *at, double *from);

/* The reader's, once the socket has ended: when, in monotonic seconds, and how
 * many seconds it was open before.  (Wall clocks are set now and then.) */
double cc_event_queue_lasted(struct cc_event_queue *queue, double *ended);

/* The reader's: has the socket ended, whatever waits to be read? */
bool cc_event_queue_over(struct cc_event_queue *queue);

/* The reader's: how many messages wait, and what became of others so far. */
void cc_event_queue_counts(struct cc_event_queue *queue, int64_t *waiting,
                           int64_t *conflated, int64_t *stale);

#endif
