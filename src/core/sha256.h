/* SHA-256 (FIPS 180-4): names for things that nobody can make two of, or read
 * back.  Any thread. */
#ifndef CCAAS_SHA256_H
#define CCAAS_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define CCAAS_SHA256_SIZE 32

/* `bytes` may be NULL when `length` is 0. */
void ccaas_sha256(const void *bytes, size_t length,
                  uint8_t digest[CCAAS_SHA256_SIZE]);

#endif
