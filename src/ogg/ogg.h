/* Is a body made of whole Ogg pages (RFC 3533), undamaged and in order?  The
 * bytes are looked at as they pass, in any cuts, and none is kept.
 *
 * PURE, and nothing here allocates.  The caller owns the struct and calls from
 * one thread at a time.  A copy of the struct goes on from where it was made.
 *
 * What is checked: the capture pattern, the version, the checksum of each page,
 * that every logical stream begins with its first page, and that its pages are
 * numbered without a gap.  What is not: what the pages hold; that a stream's
 * last page says so (a recorder that was interrupted leaves none).
 */
#ifndef CC_OGG_H
#define CC_OGG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CC_OGG_HEADER 27  /* bytes of a page before its segment table */
#define CC_OGG_STREAMS 16 /* logical streams whose numbers are followed */

enum cc_ogg_state {
    CC_OGG_MORE,  /* all is well so far */
    CC_OGG_BAD,   /* it is not what it should be; it stays so */
    CC_OGG_WHOLE, /* it ended behind a page */
    CC_OGG_CUT,   /* it ended within a page */
    CC_OGG_EMPTY  /* it ended before it began */
};

/* A logical stream: its serial number, and the number of its next page. */
struct cc_ogg_stream {
    uint32_t serial, next;
};

/* One body.  `state`, `reason`, `offset` and `pages` are for reading. */
struct cc_ogg {
    enum cc_ogg_state state;
    const char *reason; /* static; NULL while all is well */
    uint64_t offset;    /* bytes fed; once BAD, where it went wrong: the byte,
                           or the first byte of the page */
    uint64_t pages;     /* that were whole and good */

    uint64_t begin; /* the present page's first byte */
    uint32_t crc;   /* of its bytes so far */
    uint32_t want;  /* what its header says */
    unsigned got;   /* bytes of its header that are here */
    unsigned table; /* bytes of its segment table that are not here yet */
    uint32_t body;  /* bytes of its segments that are not here yet */
    unsigned char head[CC_OGG_HEADER];
    long open;      /* streams that began, less those that ended */
    unsigned count; /* streams that began, at most as many as are followed */
    unsigned old;   /* the stream that makes room for the next one */
    struct cc_ogg_stream streams[CC_OGG_STREAMS];
};

/* Starts a body. */
void cc_ogg_start(struct cc_ogg *ogg);

/* Looks at the next bytes (NULL when `length` is 0): MORE, or BAD with reason
 * and offset.  Not to be called after cc_ogg_finish. */
enum cc_ogg_state cc_ogg_feed(struct cc_ogg *ogg, const void *bytes,
                              size_t length);

/* Does it end here by its own word: behind the last page of every stream? */
bool cc_ogg_ended(const struct cc_ogg *ogg);

/* The body is over: WHOLE, or CUT, EMPTY or BAD with a reason. */
enum cc_ogg_state cc_ogg_finish(struct cc_ogg *ogg);

#endif
