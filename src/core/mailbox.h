/* A bounded queue from one thread to another, with a bell.
 *
 * The sender never waits: put tells it that the box is full, and it stops
 * reading from its source until the reader, having drained the box, lets it
 * go on.  Mails are the sender's until put, the reader's after take; what is
 * left when the reader shuts the box is freed there.
 */
#ifndef CCAAS_MAILBOX_H
#define CCAAS_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "bell.h"

/* The head of every mail; the sender's struct has it first, and is freed by
 * its `free`. */
struct ccaas_mail {
    struct ccaas_mail *next;
    void (*free)(struct ccaas_mail *mail);
    size_t size; /* bytes that count against the limit */
    int kind;    /* the sender's and the reader's own */
};

struct ccaas_mailbox {
    pthread_mutex_t lock;
    struct ccaas_mail *head, *tail;
    struct ccaas_bell *bell;
    size_t bytes, limit;
    bool quiet; /* the reader does not wait for what is no news */
    bool last;  /* the last mail has been put */
    bool held;  /* the sender was told that the box is full */
    bool shut;  /* the reader is gone */
};

/* Opens a box that is full at `limit` bytes, and holds the bell. */
void ccaas_mailbox_open(struct ccaas_mailbox *box, struct ccaas_bell *bell,
                        size_t limit);

/* Frees what is in it; both threads must be done with it. */
void ccaas_mailbox_destroy(struct ccaas_mailbox *box);

/* The sender's: adds a mail and rings (unless the reader wants to hear of
 * `news` only and this is none).  False: the box is full now; send no more
 * until told to go on.  In a box that is shut the mail is freed. */
bool ccaas_mailbox_put(struct ccaas_mailbox *box, struct ccaas_mail *mail,
                       bool news);

/* The reader's: from now on it waits for all mails (false), or only for those
 * that are news (true). */
void ccaas_mailbox_quiet(struct ccaas_mailbox *box, bool quiet);

/* The reader's: the oldest mail, or NULL.  *resume becomes true when the
 * sender is to be told to go on. */
struct ccaas_mail *ccaas_mailbox_take(struct ccaas_mailbox *box, bool *resume);

/* The reader's: the kind of the oldest mail; -1: the box is empty. */
int ccaas_mailbox_peek(struct ccaas_mailbox *box);

/* The sender's: the mail that was put is the last one. */
void ccaas_mailbox_finish(struct ccaas_mailbox *box);

/* The reader's: has the last mail been put? */
bool ccaas_mailbox_finished(struct ccaas_mailbox *box);

/* The reader's: frees what is in the box and whatever will be put there. */
void ccaas_mailbox_shut(struct ccaas_mailbox *box);

#endif
