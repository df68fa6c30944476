/* What receives one attempt's answer: splits it into records while it arrives
 * and hands it over by a mailbox.
 *
 * The sink's side works on the engine's thread, the mailbox's reading side on
 * the call's; each holds one reference.
 */
#ifndef CC_BODY_READER_H
#define CC_BODY_READER_H

#include "ccaas.h"
#include "http.h"
#include "mailbox.h"
#include "split.h"

#ifdef CCAAS_TINY /* small enough for every border to be met in a test */
#define CC_BODY_BLOCK 64
#define CC_BODY_SPANS 3
#else
#define CC_BODY_BLOCK (20 * 1024) /* a piece of libcurl's and a rest */
#define CC_BODY_SPANS 64
#endif
#define CC_BODY_ERROR (64 * 1024)  /* of an error's body is kept */
#define CC_BODY_AHEAD (256 * 1024) /* of an only answer waits */

enum cc_mail_kind { CC_MAIL_HEAD, CC_MAIL_BLOCK, CC_MAIL_END };

struct cc_head_mail {
    struct cc_mail mail;
    double came_at; /* monotonic: paces and pauses count from it */
    int status;
    char moved[256]; /* where a redirect led to, without query; "": nowhere */
    size_t length;
    char headers[]; /* name NUL value NUL ... */
};

/* Bytes of the body, and the records that are whole in them. */
struct cc_block {
    struct cc_mail mail;
    uint64_t base; /* offset of bytes[0] in the body */
    size_t length, room;
    size_t count;
    struct cc_span spans[CC_BODY_SPANS];
    char bytes[];
};

struct cc_end_mail {
    struct cc_mail mail;
    double came_at;   /* likewise */
    double came_wall; /* the same moment in epoch seconds, as the clock was */
    struct cc_http_end http;
    char moved[256];           /* as in the head */
    bool empty;                /* the body had not one byte */
    enum cc_split_state state; /* DONE: the body was whole */
    const char *reason;        /* when BAD or LARGE */
    uint64_t offset;           /* where */
    char *body;                /* of an answer that is no 2xx */
    size_t length;
};

struct cc_body_reader;

/* A reader for one attempt, with two references: the caller's, and one that
 * the sink's last call drops.  From `limit` bytes on that wait in the mailbox
 * the sender waits, too; where there is one answer only, from
 * CC_BODY_AHEAD on.  NULL: memory is out. */
struct cc_body_reader *cc_body_reader_new(const struct ccaas_call_plan *plan,
                                          struct ccaas_waker *waker,
                                          size_t limit);

/* The side that is given to the engine. */
struct cc_http_sink cc_body_reader_sink(struct cc_body_reader *reader);
/* Where the mails come out: the call's side. */
struct cc_mailbox *cc_body_reader_box(struct cc_body_reader *reader);

/* The call's side is done with it: whatever still comes is freed. */
void cc_body_reader_release(struct cc_body_reader *reader);

/* Drops the sink's reference where the sink was never given away. */
void cc_body_reader_unsent(struct cc_body_reader *reader);

#endif
