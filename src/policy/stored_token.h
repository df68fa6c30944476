/* What a store keeps under a token's key, as text: the token, or why there is
 * none.
 *
 * PURE: time is an argument, from the wall clock (epoch seconds), for
 * machines share a store.  Their clocks differ.  So a value never lives
 * longer from now than its whole life, nor longer than a token or an error
 * can.
 */
#ifndef CC_STORED_TOKEN_H
#define CC_STORED_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "ccaas.h"

#define CC_STORED_TOKEN_MOST (16 * 1024) /* a longer one is not a token */

struct cc_stored_token {
    enum ccaas_code code; /* CCAAS_OK: `text` is a token; else the error's */
    int status;           /* of the answer to the token request; 0: none */
    bool transient;       /* of an error: another attempt may succeed */
    double retry_after;   /* of an error: seconds; < 0: the server named none */
    double left;          /* seconds until it expires */
    double life;          /* seconds in all */
    const char *text;     /* the token, or the error's message */
    size_t length;        /* bytes; no NUL need follow */
};

/* Returns the text, which the caller wipes and frees; NULL: memory is out. */
char *cc_stored_token_write(const struct cc_stored_token *stored, double wall);

/* Reads a value.  False: it has expired, is damaged, or is not ours.
 * `stored->text` points into `bytes`; a token's bytes are all printable. */
bool cc_stored_token_read(const char *bytes, size_t length, double wall,
                          struct cc_stored_token *stored);

#endif
