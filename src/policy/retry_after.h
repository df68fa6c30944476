/* Retry-After, for calls, tokens and subscriptions alike: what an answer says,
 * and what the error says if the wait is too long.
 *
 * PURE.
 */
#ifndef CC_RETRY_AFTER_H
#define CC_RETRY_AFTER_H

#include <stddef.h>

#include "ccaas.h"

/* Seconds to wait, counted from when the answer arrived; < 0: it does not
 * say.  A date is measured against the answer's own Date, and if it has none
 * against `wall`, our clock when the answer arrived (epoch seconds).  The
 * headers are as cc_header reads them; the first of a repeated header
 * counts. */
double cc_retry_after_of(const char *headers, size_t length, double wall);

/* Adds to the message why the call does not wait for Retry-After
 * (error->retry_after), and what to do.  `pause` is what cc_retry_wait
 * returned. */
void cc_retry_after_tell(struct ccaas_error *error, double pause,
                         double max_retry_after);

#endif
