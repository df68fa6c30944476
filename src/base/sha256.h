/* SHA-256 (FIPS 180-4): names for things that nobody can make two of, or read
 * back.  Any thread. */
#ifndef CC_SHA256_H
#define CC_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define CC_SHA256_SIZE 32

/* `bytes` may be NULL when `length` is 0. */
void cc_sha256(const void *bytes, size_t length,
               uint8_t digest[CC_SHA256_SIZE]);

#endif
