/* What receives one attempt's answer: splits it into records while it arrives
 * and hands it over by a mailbox.
 *
 * The sink's side works on the engine's thread, the mailbox's reading side on
 * the flow's; each holds one reference.
 */
#ifndef CCAAS_READER_H
#define CCAAS_READER_H

#include "ccaas.h"
#include "http.h"
#include "mailbox.h"
#include "split.h"

#ifdef CCAAS_TINY /* small enough for every border to be met in a test */
#define CCAAS_READER_BLOCK 64
#define CCAAS_READER_SPANS 3
#else
#define CCAAS_READER_BLOCK (20 * 1024) /* a piece of libcurl's and a rest */
#define CCAAS_READER_SPANS 64
#endif
#define CCAAS_READER_ERROR (64 * 1024)  /* of an error's body is kept */
#define CCAAS_READER_AHEAD (256 * 1024) /* of an only answer waits */

enum ccaas_mail_kind { CCAAS_MAIL_HEAD, CCAAS_MAIL_BLOCK, CCAAS_MAIL_END };

struct ccaas_head_mail {
    struct ccaas_mail mail;
    double came_at; /* monotonic: paces and pauses count from it */
    int status;
    char moved[256]; /* where a redirect led to, without query; "": nowhere */
    size_t length;
    char headers[]; /* name NUL value NUL ... */
};

/* Bytes of the body, and the records that are whole in them. */
struct ccaas_block {
    struct ccaas_mail mail;
    uint64_t base; /* offset of bytes[0] in the body */
    size_t length, room;
    size_t count;
    struct ccaas_span spans[CCAAS_READER_SPANS];
    char bytes[];
};

struct ccaas_end_mail {
    struct ccaas_mail mail;
    double came_at;   /* likewise */
    double came_wall; /* the same moment in epoch seconds, as the clock was */
    struct ccaas_http_end http;
    char moved[256];              /* as in the head */
    bool empty;                   /* the body had not one byte */
    enum ccaas_split_state state; /* DONE: the body was whole */
    const char *reason;           /* when BAD or LARGE */
    uint64_t offset;              /* where */
    char *body;                   /* of an answer that is no 2xx */
    size_t length;
};

struct ccaas_reader;

/* A reader for one attempt, with two references: the caller's, and one that
 * the sink's last call drops.  From `limit` bytes on that wait in the mailbox
 * the sender waits, too; where there is one answer only, from
 * CCAAS_READER_AHEAD on.  NULL: memory is out. */
struct ccaas_reader *ccaas_reader_new(const struct ccaas_plan *plan,
                                      struct ccaas_bell *bell, size_t limit);

/* The side that is given to the engine. */
struct ccaas_http_sink ccaas_reader_sink(struct ccaas_reader *reader);
/* Where the mails come out: the flow's side. */
struct ccaas_mailbox *ccaas_reader_box(struct ccaas_reader *reader);

/* The flow's side is done with it: whatever still comes is freed. */
void ccaas_reader_release(struct ccaas_reader *reader);

/* Drops the sink's reference where the sink was never given away. */
void ccaas_reader_unsent(struct ccaas_reader *reader);

#endif
