/* Is it UTF-8?  (RFC 3629: no surrogates, nothing overlong, nothing past
 * U+10FFFF.) */
#ifndef CCAAS_UTF8_H
#define CCAAS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool ccaas_utf8_valid(const char *bytes, size_t length);

#endif
