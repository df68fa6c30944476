/* Takes secrets out of a text that a server or a store wrote: it may echo what
 * it was sent.
 *
 * PURE.
 */
#ifndef CC_SCRUB_H
#define CC_SCRUB_H

#include <stdbool.h>
#include <stddef.h>

#define CC_SCRUB_LEAST 4 /* a shorter text is not taken for a secret */
/* A text is searched as it is, and after each of so many rounds of decoding. */
#define CC_SCRUB_LAYERS 6

/* Replaces each occurrence of a secret in `text` by "***", in place.  It finds
 * a secret as it is; in base64, base32 or hexadecimal, between any other bytes
 * and in either case; and each of these percent-encoded or escaped as in JSON,
 * HTML or XML, in whole or in part, several times over.  Control characters
 * between its letters (line ends, the NULs of UTF-16) do not hide it.
 *
 * `cut`: the text was cut at its end.  Then the beginning of a secret at that
 * end is replaced, too.  So cut a long text first, then scrub it, and then cut
 * it to the wanted length.
 *
 * Returns the new length; the bytes after it are unchanged.  The time is
 * linear in the lengths of the text and of the secrets.  Without memory the
 * length is 0.
 */
size_t cc_scrub(char *text, size_t length, bool cut, const char *const *secrets,
                size_t count);

#endif
