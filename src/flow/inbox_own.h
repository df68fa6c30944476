/* An inbox from within, as inbox.c (the reader's side), inbox_put.c (the
 * engine's) and inbox_index.c share it.  All of it with the lock held, but for
 * what is said to be somebody's alone. */
#ifndef CCAAS_INBOX_OWN_H
#define CCAAS_INBOX_OWN_H

#include <pthread.h>

#include "inbox.h"

struct ccaas_inbox_piece {
    char *bytes;
    size_t room, length;
    bool binary;
};

struct ccaas_inbox_slot {
    struct ccaas_inbox_message message;
    uint32_t chain; /* the next slot with that bucket, from 1; 0: none */
    bool indexed;
};

struct ccaas_inbox {
    pthread_mutex_t lock;
    unsigned references;
    struct ccaas_bell *bell;
    struct ccaas_update_form form;
    size_t queue;
    bool block;

    struct ccaas_inbox_slot *slots; /* a ring */
    size_t room, first, count, bytes;
    size_t rooms;      /* of all slots' buffers, in use or not */
    uint32_t *buckets; /* slots by hash, from 1; NULL: no index was needed */
    size_t bucket_count;
    size_t looked; /* messages at the front that were looked at for it */

    /* Written by the reader with the lock held, read by it without. */
    struct ccaas_inbox_piece *batch; /* NULL: none was needed */
    size_t batched,
        batched_bytes; /* they count as waiting until all are read */
    size_t batch_next; /* the reader's alone */

    bool shut, held; /* the reader is gone; the sender waits */
    bool broken;     /* a message was lost, for want of memory */
    bool closed;
    struct ccaas_ws_end end;
    double opened_at, closed_at, lost_at; /* epoch seconds; < 0: not */
    double opened_then, closed_then;      /* the same two, monotonic */
    int64_t conflated, stale;

    /* The engine's alone, and away from what the reader writes for each message
     * lest they wait for each other's cache lines. */
    struct ccaas_inbox_piece *carry; /* messages that are not put in yet */
    size_t carry_room, carried, carried_bytes;
    double carried_at; /* since when, epoch seconds */
    /* So many may be carried, at the least: the reader only makes more room.
     * 0: none, for each is to be put in. */
    size_t left, bytes_left;
    bool unrung; /* what came first was not told yet */
};

/* The message in that place, counted from the oldest. */
static inline struct ccaas_inbox_slot *
ccaas_inbox_slot_at(const struct ccaas_inbox *inbox, size_t place)
{
    return &inbox->slots[(inbox->first + place) % inbox->room];
}

/* Finds out what a message says. */
void ccaas_inbox_look(const struct ccaas_inbox *inbox,
                      struct ccaas_inbox_message *message);

/* The slot where an update with that hash waits; NULL: there is none, or memory
 * is out.  The index is made and brought up to date by this. */
struct ccaas_inbox_slot *ccaas_inbox_index_find(struct ccaas_inbox *inbox,
                                                uint64_t hash);
/* A slot whose message leaves. */
void ccaas_inbox_index_remove(struct ccaas_inbox *inbox,
                              struct ccaas_inbox_slot *slot);
/* The slots are about to move. */
void ccaas_inbox_index_forget(struct ccaas_inbox *inbox);

/* The engine's side of it: see ws.h. */
struct ccaas_ws_sink ccaas_inbox_put_sink(struct ccaas_inbox *inbox);

/* Lets go of a reference; the lock is not held any more after it. */
void ccaas_inbox_release(struct ccaas_inbox *inbox);

#endif
