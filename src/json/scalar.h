/* One JSON string, number or literal, checked strictly while it arrives byte
 * by byte.  scan.h reads the same from bytes that are whole.
 *
 * PURE.
 */
#ifndef CC_SCALAR_H
#define CC_SCALAR_H

#include <stdbool.h>

enum cc_scalar_step {
    CC_SCALAR_MORE,  /* the byte belongs to it, and more may */
    CC_SCALAR_LAST,  /* the byte was its last */
    CC_SCALAR_AFTER, /* it ended before the byte */
    CC_SCALAR_BAD    /* the byte is wrong: `reason` */
};

struct cc_scalar {
    unsigned char state; /* scalar.c's own */
    unsigned char left;  /* bytes or digits to come in this character */
    unsigned char least; /* the next byte of UTF-8 is at least ... */
    unsigned char most;  /* ... and at most this */
    unsigned code;       /* what the digits of \u said so far */
    const char *word;    /* what is left of a literal */
    const char *wanted;  /* what is left of the text to compare with */
    const char *reason;  /* static */
};

/* Starts a scalar at its first byte; false when none starts so.  A string's
 * text is compared with `wanted` (may be NULL) as it comes. */
bool cc_scalar_start(struct cc_scalar *scalar, char first, const char *wanted);

/* Takes one more byte. */
enum cc_scalar_step cc_scalar_feed(struct cc_scalar *scalar, char byte);

/* Is it in the plain text of a string that nobody wants to compare?  Then bytes
 * that are plain (cc_scan_plain) may be passed over instead of fed. */
bool cc_scalar_in_text(const struct cc_scalar *scalar);

/* Would it be whole if no more bytes came? */
bool cc_scalar_may_end(const struct cc_scalar *scalar);

/* Was the string, now whole, the wanted one? */
bool cc_scalar_matches(const struct cc_scalar *scalar);

#endif
