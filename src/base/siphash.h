/* SipHash-1-3: a hash under a key that nobody can foresee.  Any thread. */
#ifndef CC_SIPHASH_H
#define CC_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of these bytes; `bytes` may be NULL when `length` is 0. */
uint64_t cc_siphash(const uint64_t key[2], const void *bytes, size_t length);

#endif
