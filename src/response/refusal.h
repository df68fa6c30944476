/* What an answer that is no 2xx means, by the client's dialect; and what the
 * end of a request without an answer says.
 *
 * On the thread that the client belongs to.
 */
#ifndef CC_REFUSAL_H
#define CC_REFUSAL_H

#include "context.h"

/* Fills in code, message, status, request id and body of the error, without
 * the client's secrets.  Changes `body`.  Returns true when another attempt may
 * succeed. */
bool cc_refusal_read(const struct ccaas_client *client, int status,
                     const char *headers, size_t headers_length, char *body,
                     size_t length, struct ccaas_error *error);

#define CC_REFUSAL_OUTCOME 32

/* The outcome of an attempt, in a word: its status, or the code's name. */
void cc_refusal_outcome(char to[CC_REFUSAL_OUTCOME], enum ccaas_code code,
                        int status);

/* The number of pages in the words of an answer to a page past the end; < 0: it
 * is no such answer. */
int64_t cc_refusal_past_end(const struct ccaas_dialect *dialect, int status,
                            const char *body, size_t length);

/* Writes the message of a request for `url` that ended so, and names the proxy
 * where that is to blame; `proxy` is the option. */
void cc_refusal_blame(const char *url, const char *proxy,
                      const struct cc_http_end *end, char *to, size_t room);

#endif
