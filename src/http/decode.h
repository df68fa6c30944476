/* Takes the content coding off a body while it arrives: gzip, deflate.
 *
 * libcurl's own decoding gives success for a body that ends before its gzip
 * stream does.  Here the end, the checksum and the length are checked, and
 * decoding can stop after any piece of output: a few bytes may hold gigabytes.
 *
 * The caller owns the struct and calls from one thread at a time.
 */
#ifndef CCAAS_DECODE_H
#define CCAAS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

/* What an answer's headers say of its body's coding. */
enum ccaas_coding {
    CCAAS_CODING_NONE,
    CCAAS_CODING_GZIP,
    CCAAS_CODING_DEFLATE, /* with zlib's header or without it */
    CCAAS_CODING_OTHER,   /* one that is not decoded here */
    CCAAS_CODING_SEVERAL  /* one on top of another */
};

/* Adds one more value of the header Content-Encoding, a list of names, to what
 * the ones before it said. */
enum ccaas_coding ccaas_coding_add(enum ccaas_coding before, const char *value);

enum ccaas_decode_state {
    CCAAS_DECODE_MORE,  /* all is well so far */
    CCAAS_DECODE_BAD,   /* not of that coding, or damaged: `reason` */
    CCAAS_DECODE_MEMORY /* memory is out */
};

struct ccaas_decode {
    const char *reason; /* static, when BAD */

    /* The rest is decode.c's own. */
    enum ccaas_coding coding;
    z_stream stream;
    bool ready;            /* `stream` is set up */
    bool whole;            /* the present member has ended */
    bool again;            /* it is not the first one */
    unsigned char head[2]; /* the first bytes of a deflate body ... */
    unsigned got;          /* ... and how many of them are here */
};

/* Starts a body of coding GZIP or DEFLATE; allocates nothing yet. */
void ccaas_decode_start(struct ccaas_decode *decode, enum ccaas_coding coding);

/* Decodes from *bytes, and moves *bytes and *length on behind what was taken.
 * Writes at most `room` bytes (16 at least) to `out`, *made of them.  There may
 * be more output without more input only where *made is `room`.  BAD and MEMORY
 * make nothing and stay so. */
enum ccaas_decode_state ccaas_decode_step(struct ccaas_decode *decode,
                                          const char **bytes, size_t *length,
                                          char *out, size_t room, size_t *made);

/* The body is over: was it whole?  A body without a byte is. */
bool ccaas_decode_finish(const struct ccaas_decode *decode);

/* Frees what it holds; safe to call twice, and on a struct of zeros. */
void ccaas_decode_end(struct ccaas_decode *decode);

#endif
