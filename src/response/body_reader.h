/* The body reader of one attempt: receives a response, splits its body into
 * records while it arrives, and hands them over through a mailbox.
 *
 * The sink works on the http thread, the mailbox is read on the client's
 * thread; each side holds one reference.  A full mailbox pauses the
 * transfer, so memory is bounded.
 */
#ifndef CC_BODY_READER_H
#define CC_BODY_READER_H

#include "ccaas.h"
#include "http.h"
#include "mailbox.h"
#include "split.h"

#ifdef CCAAS_TINY /* so small that tests meet every border */
#define CC_BODY_BLOCK 64
#define CC_BODY_SPANS 3
#else
#define CC_BODY_BLOCK (20 * 1024) /* a piece from libcurl and a remainder */
#define CC_BODY_SPANS 64
#endif
#define CC_BODY_ERROR (64 * 1024)  /* of an error's body are kept */
#define CC_BODY_AHEAD (256 * 1024) /* of a single answer wait */

enum cc_mail_kind { CC_MAIL_HEAD, CC_MAIL_BLOCK, CC_MAIL_END };

struct cc_head_mail {
    struct cc_mail mail;
    double came_at; /* monotonic; paces and pauses count from it */
    int status;
    char moved[256]; /* where a redirect led to, without query; "": nowhere */
    size_t length;
    char headers[]; /* name NUL value NUL ... */
};

/* Replaces *to by a copy of the head's headers; false: memory is out. */
bool cc_head_mail_keep(const struct cc_head_mail *mail, char **to,
                       size_t *length);

/* Bytes of the body, and the complete records in them. */
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
    bool empty;                /* the body has no byte */
    enum cc_split_state state; /* DONE: the body was complete */
    const char *reason;        /* when BAD or LARGE */
    uint64_t offset;           /* where */
    char *body;                /* of an answer that is no 2xx */
    size_t length;
};

struct cc_body_reader;

/* A reader for one attempt, with two references: the caller's, and one that
 * the sink's last call releases.  The sender pauses when `limit` bytes wait
 * in the mailbox (CC_BODY_AHEAD at most, if there are no pages).  NULL:
 * memory is out. */
struct cc_body_reader *cc_body_reader_new(const struct ccaas_call_plan *plan,
                                          struct ccaas_waker *waker,
                                          size_t limit);

/* The sink, for the http room. */
struct cc_http_sink cc_body_reader_sink(struct cc_body_reader *reader);
/* Where the mails come out: the client's side. */
struct cc_mailbox *cc_body_reader_box(struct cc_body_reader *reader);

/* The client's side is done: what still arrives is freed. */
void cc_body_reader_release(struct cc_body_reader *reader);

/* Releases the sink's reference, if the sink was never given away. */
void cc_body_reader_unsent(struct cc_body_reader *reader);

#endif
