/* Takes the content coding off a body while it arrives: gzip, deflate.
 *
 * libcurl's own decoding gives success for a body that ends before its gzip
 * stream does.  Here the end, the checksum and the length are checked, and
 * decoding can stop after any piece of output: a few bytes may hold gigabytes.
 *
 * The caller owns the struct and calls from one thread at a time.
 */
#ifndef CC_DECODE_H
#define CC_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

/* What an answer's headers say of its body's coding. */
enum cc_coding {
    CC_CODING_NONE,
    CC_CODING_GZIP,
    CC_CODING_DEFLATE, /* with zlib's header or without it */
    CC_CODING_OTHER,   /* one that is not decoded here */
    CC_CODING_SEVERAL  /* one on top of another */
};

/* Adds one more value of the header Content-Encoding, a list of names, to what
 * the ones before it said. */
enum cc_coding cc_coding_add(enum cc_coding before, const char *value);

enum cc_decode_state {
    CC_DECODE_MORE,  /* all is well so far */
    CC_DECODE_BAD,   /* not of that coding, or damaged: `reason` */
    CC_DECODE_MEMORY /* memory is out */
};

struct cc_decode {
    const char *reason; /* static, when BAD */

    /* The rest is decode.c's own. */
    enum cc_coding coding;
    z_stream stream;
    bool ready;            /* `stream` is set up */
    bool whole;            /* the present member has ended */
    bool again;            /* it is not the first one */
    unsigned char head[2]; /* the first bytes of a deflate body ... */
    unsigned got;          /* ... and how many of them are here */
};

/* Starts a body of coding GZIP or DEFLATE; allocates nothing yet. */
void cc_decode_start(struct cc_decode *decode, enum cc_coding coding);

/* Decodes from *bytes, and moves *bytes and *length on behind what was taken.
 * Writes at most `room` bytes (16 at least) to `out`, *made of them.  There may
 * be more output without more input only where *made is `room`.  BAD and MEMORY
 * make nothing and stay so. */
enum cc_decode_state cc_decode_step(struct cc_decode *decode,
                                    const char **bytes, size_t *length,
                                    char *out, size_t room, size_t *made);

/* The body is over: was it whole?  A body without a byte is. */
bool cc_decode_finish(const struct cc_decode *decode);

/* Frees what it holds; safe to call twice, and on a struct of zeros. */
void cc_decode_end(struct cc_decode *decode);

#endif
