/* One JSON string, number or literal, checked strictly while it arrives byte
 * by byte.  scan.h reads the same from bytes that are whole.
 *
 * PURE.
 */
#ifndef CCAAS_TOKEN_H
#define CCAAS_TOKEN_H

#include <stdbool.h>

enum ccaas_token_step {
    CCAAS_TOKEN_MORE,  /* the byte belongs to it, and more may */
    CCAAS_TOKEN_LAST,  /* the byte was its last */
    CCAAS_TOKEN_AFTER, /* it ended before the byte */
    CCAAS_TOKEN_BAD    /* the byte is wrong: `reason` */
};

struct ccaas_token {
    unsigned char state; /* token.c's own */
    unsigned char left;  /* bytes or digits to come in this character */
    unsigned char least; /* the next byte of UTF-8 is at least ... */
    unsigned char most;  /* ... and at most this */
    unsigned code;       /* what the digits of \u said so far */
    const char *word;    /* what is left of a literal */
    const char *wanted;  /* what is left of the text to compare with */
    const char *reason;  /* static */
};

/* Starts a token at its first byte; false when none starts so.  A string's
 * text is compared with `wanted` (may be NULL) as it comes. */
bool ccaas_token_start(struct ccaas_token *token, char first,
                       const char *wanted);

/* Takes one more byte. */
enum ccaas_token_step ccaas_token_feed(struct ccaas_token *token, char byte);

/* Is it in the plain text of a string that nobody wants to compare?  Then bytes
 * that are plain (ccaas_scan_plain) may be passed over instead of fed. */
bool ccaas_token_in_text(const struct ccaas_token *token);

/* Would it be whole if no more bytes came? */
bool ccaas_token_may_end(const struct ccaas_token *token);

/* Was the string, now whole, the wanted one? */
bool ccaas_token_matches(const struct ccaas_token *token);

#endif
