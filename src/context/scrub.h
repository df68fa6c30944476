/* Takes secrets out of a text that somebody else wrote: a server may well echo
 * what it was sent.  No threads. */
#ifndef CC_SCRUB_H
#define CC_SCRUB_H

#include <stdbool.h>
#include <stddef.h>

#define CC_SCRUB_LEAST 4 /* what is shorter is no secret, but a letter */
/* A text is searched as it is, and after each of so many decodings. */
#define CC_SCRUB_LAYERS 6

/* Replaces every place where a secret stands in `text`, in place, by "***": as
 * it is; in base64, base32 or hexadecimal, between any other bytes and in
 * either case; and each of these percent-encoded or escaped as in JSON, HTML
 * or XML, in whole or in part, several times over.  Control characters between
 * its letters (line ends, the NULs of UTF-16) do not hide it.
 *
 * `cut`: the text was cut at its end; then what may be the beginning of a
 * secret there goes, too.  So cut first and scrub then, with a text that is
 * long enough, and cut again as you like.
 *
 * Gives the new length; what follows it is unchanged.  The time is linear in
 * the length of the text and of the secrets, whatever they are; without
 * memory, the length is 0. */
size_t cc_scrub(char *text, size_t length, bool cut, const char *const *secrets,
                size_t count);

#endif
