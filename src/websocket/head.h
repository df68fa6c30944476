/* The answer to a websocket's handshake, as its bytes come.
 *
 * PURE: no socket, no clock.  Answers of 1xx before the last one are passed
 * over; all of their headers together have a limit.
 */
#ifndef CC_HEAD_H
#define CC_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

#define CC_HEAD_MOST (256 * 1024) /* bytes of headers */
#define CC_HEAD_ACCEPT 29         /* of the key's answer, with its NUL */

struct cc_head {
    char accept[CC_HEAD_ACCEPT]; /* that the server has to send */
    struct cc_buffer bytes;      /* of the answer so far */
    size_t line;                 /* where its last line begins */
    size_t passed;               /* bytes of answers that were passed over */
    int status;
    char kept[256]; /* Retry-After and Date, the first of each: a name in lower
                       case and a value, ended by NULs */
    size_t kept_length;
    const char *wrong; /* why it makes no websocket; NULL: it does */
};

enum cc_head_state {
    CC_HEAD_MORE,      /* not all of it is there */
    CC_HEAD_WHOLE,     /* `status`, what is kept and `wrong` are set */
    CC_HEAD_NO_HTTP,   /* it is no answer of HTTP/1 */
    CC_HEAD_TOO_LARGE, /* CC_HEAD_MOST is passed */
    CC_HEAD_NO_MEMORY
};

/* The answer to this key (24 characters) is waited for. */
void cc_head_begin(struct cc_head *head, const char *key);

/* Takes bytes, and says how many of them belonged to headers. */
enum cc_head_state cc_head_take(struct cc_head *head, const char *bytes,
                                size_t length, size_t *used);

/* Frees what it holds; it may be begun anew. */
void cc_head_free(struct cc_head *head);

#endif
