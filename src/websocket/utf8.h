/* Is it UTF-8?  (RFC 3629: no surrogates, nothing overlong, nothing past
 * U+10FFFF.) */
#ifndef CC_UTF8_H
#define CC_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True when the bytes are whole and valid UTF-8 (RFC 3629).  Pure. */
bool cc_utf8_valid(const char *bytes, size_t length);

#endif
