/* The inside of an event queue, shared by event_queue.c (the reader's side),
 * event_queue_put.c (the websocket thread's) and event_queue_index.c.  The
 * lock protects everything that is not marked as one side's alone. */
#ifndef CC_EVENT_QUEUE_OWN_H
#define CC_EVENT_QUEUE_OWN_H

#include <pthread.h>

#include "event_queue.h"

struct cc_event_queue_piece {
    char *bytes;
    size_t room, length;
    bool binary;
};

struct cc_event_queue_slot {
    struct cc_event_queue_message message;
    uint32_t chain; /* the next slot with that bucket, from 1; 0: none */
    bool indexed;
};

struct cc_event_queue {
    pthread_mutex_t lock;
    unsigned references;
    struct ccaas_waker *waker;
    struct cc_update_form form;
    size_t capacity;
    bool block;

    struct cc_event_queue_slot *slots; /* a ring */
    size_t room, first, count, bytes;
    size_t rooms;      /* of all slots' buffers, in use or not */
    uint32_t *buckets; /* slots by hash, from 1; NULL: no index was needed */
    size_t bucket_count;
    size_t looked; /* messages at the front that were looked at for it */

    /* Written by the reader with the lock held, and read by the reader
     * without it. */
    struct cc_event_queue_piece *batch; /* NULL: none was needed */
    size_t batched,
        batched_bytes; /* they count as waiting until all are read */
    size_t batch_next; /* the reader's alone */

    bool shut, held; /* the reader is gone; the sender waits */
    bool broken;     /* a message was lost: memory is out */
    bool closed;
    struct cc_ws_end end;
    double opened_at, closed_at, lost_at; /* epoch seconds; < 0: not */
    double opened_then, closed_then;      /* the same two, monotonic */
    int64_t conflated, stale;

    /* The websocket thread's alone.  Apart from what the reader writes for
     * each message, so that the two threads do not share cache lines. */
    struct cc_event_queue_piece
        *carry; /* messages that are not in the queue yet */
    size_t carry_room, carried, carried_bytes;
    double carried_at; /* since when, epoch seconds */
    /* At least this many may still be collected: the reader only makes more
     * room.  0: none, each message goes in at once. */
    size_t left, bytes_left;
    bool unrung; /* the reader was not woken for them yet */
};

/* The message in that place, counted from the oldest. */
static inline struct cc_event_queue_slot *
cc_event_queue_slot_at(const struct cc_event_queue *queue, size_t place)
{
    return &queue->slots[(queue->first + place) % queue->room];
}

/* Parses a message. */
void cc_event_queue_look(const struct cc_event_queue *queue,
                         struct cc_event_queue_message *message);

/* The slot where an update with that hash waits; NULL: there is none, or memory
 * is out.  The index is made and brought up to date by this. */
struct cc_event_queue_slot *
cc_event_queue_index_find(struct cc_event_queue *queue, uint64_t hash);
/* A slot's message leaves: takes it out of the index. */
void cc_event_queue_index_remove(struct cc_event_queue *queue,
                                 struct cc_event_queue_slot *slot);
/* The slots are about to move: drops the index. */
void cc_event_queue_index_forget(struct cc_event_queue *queue);

/* The websocket thread's side: see ws.h. */
struct cc_ws_sink cc_event_queue_put_sink(struct cc_event_queue *queue);

/* Releases a reference, and unlocks. */
void cc_event_queue_release(struct cc_event_queue *queue);

#endif
