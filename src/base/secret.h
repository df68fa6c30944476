/* A secret: nothing outside gets at its bytes but by cc_secret_reveal, and
 * they are wiped when it goes.  Counted references, any thread. */
#ifndef CC_SECRET_H
#define CC_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct cc_secret;

/* A copy of `length` bytes; NULL: memory is out. */
struct cc_secret *cc_secret_new(const char *bytes, size_t length);
struct cc_secret *cc_secret_hold(struct cc_secret *secret);
void cc_secret_release(struct cc_secret *secret);

/* The bytes, ended by a NUL: only for what goes over the wire. */
const char *cc_secret_reveal(const struct cc_secret *secret);

/* Overwrites bytes that held a secret, in a way that is not optimised away. */
void cc_secret_wipe(void *bytes, size_t length);

#endif
