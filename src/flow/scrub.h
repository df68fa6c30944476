/* Takes a secret out of a text that somebody else wrote: a server may well
 * echo what it was sent.  No threads. */
#ifndef CCAAS_SCRUB_H
#define CCAAS_SCRUB_H

#include <stddef.h>

#define CCAAS_SCRUB_LEAST 4 /* what is shorter is no secret, but a letter */

/* Replaces every place where the secret stands in `text`, in place, by "***":
 * as it is, within base64 of any alignment and either alphabet, and either of
 * them percent-encoded or escaped as in JSON, HTML or XML, in whole or in
 * part.  The new length; what follows it is unchanged. */
size_t ccaas_scrub(char *text, size_t length, const char *secret);

#endif
