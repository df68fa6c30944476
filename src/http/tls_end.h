/* Did the server end a TLS connection in good order, by a close_notify?  A body
 * without a length is whole only then: anybody on the way can cut a connection.
 * libcurl does not say, so OpenSSL is asked.
 *
 * On the engine's thread.
 */
#ifndef CC_TLS_END_H
#define CC_TLS_END_H

#include "transfer.h"

/* Has the connections that this transfer makes watched; where libcurl has
 * another TLS library than OpenSSL, nothing is known of them. */
void cc_tls_end_watch(struct cc_transfer *transfer);

/* The transfer's answer lasts until its connection ends: notes which one. */
void cc_tls_end_expect(struct cc_transfer *transfer);

/* What libcurl's result means for such an answer.  Since 8.14 libcurl fails
 * where there was no close_notify, before it did not: CURLE_OK for both, for
 * the format may prove the end. */
CURLcode cc_tls_end_result(const struct cc_transfer *transfer, CURLcode result);

#endif
