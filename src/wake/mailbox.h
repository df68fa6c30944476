/* A bounded queue from one thread to another, with a waker.
 *
 * The sender never waits: put tells it that the box is full, and it stops
 * reading from its source until the reader, having drained the box, lets it
 * go on.  Mails are the sender's until put, the reader's after take; what is
 * left when the reader shuts the box is freed there.
 */
#ifndef CC_MAILBOX_H
#define CC_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "waker.h"

/* The head of every mail; the sender's struct has it first, and is freed by
 * its `free`. */
struct cc_mail {
    struct cc_mail *next;
    void (*free)(struct cc_mail *mail);
    size_t size; /* bytes that count against the limit */
    int kind;    /* the sender's and the reader's own */
};

struct cc_mailbox {
    pthread_mutex_t lock;
    struct cc_mail *head, *tail;
    struct ccaas_waker *waker;
    size_t bytes, limit;
    bool quiet; /* the reader does not wait for what is no news */
    bool last;  /* the last mail has been put */
    bool held;  /* the sender was told that the box is full */
    bool shut;  /* the reader is gone */
};

/* Opens a box that is full at `limit` bytes, and holds the waker. */
void cc_mailbox_open(struct cc_mailbox *box, struct ccaas_waker *waker,
                     size_t limit);

/* Frees what is in it; both threads must be done with it. */
void cc_mailbox_destroy(struct cc_mailbox *box);

/* The sender's: adds a mail and wakes the reader (unless the reader wants to
 * hear of `news` only and this is none).  False: the box is full now; send no
 * more until told to go on.  In a box that is shut the mail is freed. */
bool cc_mailbox_put(struct cc_mailbox *box, struct cc_mail *mail, bool news);

/* The reader's: from now on it waits for all mails (false), or only for those
 * that are news (true). */
void cc_mailbox_quiet(struct cc_mailbox *box, bool quiet);

/* The reader's: the oldest mail, or NULL.  *resume becomes true when the
 * sender is to be told to go on. */
struct cc_mail *cc_mailbox_take(struct cc_mailbox *box, bool *resume);

/* The reader's: the kind of the oldest mail; -1: the box is empty. */
int cc_mailbox_peek(struct cc_mailbox *box);

/* The sender's: the mail that was put is the last one. */
void cc_mailbox_finish(struct cc_mailbox *box);

/* The reader's: has the last mail been put? */
bool cc_mailbox_finished(struct cc_mailbox *box);

/* The reader's: frees what is in the box and whatever will be put there. */
void cc_mailbox_shut(struct cc_mailbox *box);

#endif
