/* Messages on their way from the websocket thread to the reader's: a bounded
 * queue.  When it is full, it either makes the sender wait, or keeps only the
 * newest message for each metric and category.
 *
 * The websocket thread collects the messages of one turn of its loop, up to 64,
 * and puts them in when the turn ends or the queue may be full.  So the reader
 * may see and count that many fewer messages than have arrived.
 *
 * Reference-counted: the reader has one reference, and each open socket one.
 */
#ifndef CC_EVENT_QUEUE_H
#define CC_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "update.h"
#include "waker.h"
#include "ws.h"

/* Bytes of messages that wait.  Newer messages in their places may add a
 * quarter, and the last one to arrive adds its own length.  (Each message is
 * copied before it is known whether it must wait.) */
#ifdef CCAAS_TINY
#define CC_EVENT_QUEUE_BYTES 2048
#else
#define CC_EVENT_QUEUE_BYTES (4 * 1024 * 1024)
#endif
#define CC_EVENT_QUEUE_KEPT 65536 /* a larger buffer is not reused */

struct cc_event_queue;

/* A message that was taken.  Its buffer is the reader's until the next take. */
struct cc_event_queue_message {
    char *bytes;
    size_t room, length;
    bool binary;
    bool looked; /* `update` is filled in */
    struct cc_update update;
};

/* Takes ownership of the form's `pick`, even on failure (NULL: memory is
 * out), and holds the waker. */
struct cc_event_queue *cc_event_queue_new(struct ccaas_waker *waker,
                                          size_t capacity, bool block,
                                          const struct cc_update_form *form);

/* Reader: releases its reference.  Messages that arrive from now on are
 * dropped. */
void cc_event_queue_shut(struct cc_event_queue *queue);

/* Reader, before each socket is opened: the sink for it.  If the socket
 * cannot be opened, call the sink's `closed`. */
struct cc_ws_sink cc_event_queue_sink(struct cc_event_queue *queue);

/* Reader: when the socket was opened (epoch seconds); < 0: not yet. */
double cc_event_queue_opened(struct cc_event_queue *queue);

/* Reader: the oldest message, swapped for the one at hand.  *resume: the
 * sender waits, and the caller must resume it.  *last: nothing more is
 * there, and the waker is armed for the next message.  False: there is none. */
bool cc_event_queue_take(struct cc_event_queue *queue,
                         struct cc_event_queue_message *message, bool *resume,
                         bool *last);

/* Reader: was a message lost because memory is out?  Then the socket must be
 * closed; no later message is taken. */
bool cc_event_queue_broken(struct cc_event_queue *queue);

/* Reader, when there are no messages: has the socket ended?  *end says how,
 * *at when, and *from since when messages may be missing. */
bool cc_event_queue_closed(struct cc_event_queue *queue, struct cc_ws_end *end,
                           double *at, double *from);

/* Reader, after the socket has ended: when, in monotonic seconds.  Returns
 * how many seconds it was open.  (The wall clock may be set meanwhile.) */
double cc_event_queue_lasted(struct cc_event_queue *queue, double *ended);

/* Reader: has the socket ended, even if messages still wait? */
bool cc_event_queue_over(struct cc_event_queue *queue);

/* Reader: how many messages wait, and how many were conflated or stale. */
void cc_event_queue_counts(struct cc_event_queue *queue, int64_t *waiting,
                           int64_t *conflated, int64_t *stale);

#endif
