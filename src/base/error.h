/* Making errors: filled in once, where they happen.
 *
 * An error belongs to whoever holds the struct; cc_error_clear frees what
 * it points to.  No threads.
 */
#ifndef CC_ERROR_H
#define CC_ERROR_H

#include "ccaas.h"

/* What an HTTP status that is no 2xx means. */
enum ccaas_code cc_error_code(int status);

/* Sets the code and the message (printf; where that gives nothing, the code's
 * own), which is made fit to be shown: cc_text_show; everything else is
 * kept. */
__attribute__((format(printf, 3, 4))) void
cc_error_set(struct ccaas_error *error, enum ccaas_code code,
             const char *format, ...);

/* Writes the URL without user, query and fragment. */
void cc_error_url(char *to, size_t room, const char *url);

/* Sets the body to the first bytes of one; JSON members and form fields whose
 * names speak of secrets lose their values. */
void cc_error_body(struct ccaas_error *error, const char *body, size_t length);

/* Drops what the answer of an attempt said: body, request id, status. */
void cc_error_blank(struct ccaas_error *error);

#define CC_ERROR_ATTEMPTS 64 /* listed at most */

/* Adds an attempt; without memory it is left out. */
void cc_error_attempt(struct ccaas_error *error, double at, double seconds,
                      const char *outcome);

/* Makes *to a copy of *from (whatever *to held is freed). */
void cc_error_copy(struct ccaas_error *to, const struct ccaas_error *from);

/* Frees what the error points to, and makes it CCAAS_OK. */
void cc_error_clear(struct ccaas_error *error);

#endif
