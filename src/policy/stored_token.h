/* What a store keeps under a token's key, as text: the token, or why there is
 * none.
 *
 * PURE: time is an argument, the wall clock's (epoch seconds), for machines
 * share a store.  Their clocks differ: what is read is never believed to live
 * longer from now than it was given to live in all, nor than such a thing can.
 */
#ifndef CC_STORED_TOKEN_H
#define CC_STORED_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "ccaas.h"

#define CC_STORED_TOKEN_MOST (16 * 1024) /* a longer one is no token */

struct cc_stored_token {
    enum ccaas_code code; /* CCAAS_OK: `text` is a token; else the error's */
    int status;           /* of the answer to the token request; 0: none */
    bool transient;       /* of an error: another attempt may do better */
    double retry_after;   /* of an error: seconds, < 0: the server said none */
    double left;          /* seconds from now to its end */
    double life;          /* seconds in all */
    const char *text;     /* the token, or the error's message */
    size_t length;        /* bytes; no NUL need follow */
};

/* The text, in memory that is the caller's to free (and to wipe); NULL: memory
 * is out. */
char *cc_stored_token_write(const struct cc_stored_token *stored, double wall);

/* Reads what is neither over nor foreign nor damaged.  `stored->text` points
 * into `bytes`; a token's are all printable. */
bool cc_stored_token_read(const char *bytes, size_t length, double wall,
                          struct cc_stored_token *stored);

#endif
