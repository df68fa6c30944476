/* Retry-After: what an answer says of it, and what the error says where it is
 * not waited for.  For calls, for the token, and for subscriptions alike. */
#ifndef CC_RETRY_AFTER_H
#define CC_RETRY_AFTER_H

#include <stddef.h>

#include "ccaas.h"

/* Seconds to wait, counted from when the answer arrived; < 0: it does not say.
 * A date is measured against the answer's own Date, and against `wall`, our
 * clock when the answer arrived (epoch seconds), only where it has none.  The
 * headers are as cc_header reads them; of a repeated one the first counts.
 */
double cc_retry_after_of(const char *headers, size_t length, double wall);

/* Adds to the message why an answer's Retry-After (error->retry_after) is not
 * waited for, and what to do.  `pause` is what cc_retry_wait gave. */
void cc_retry_after_tell(struct ccaas_error *error, double pause,
                         double max_retry_after);

#endif
