/* A secret: nothing outside gets at its bytes but by ccaas_secret_reveal, and
 * they are wiped when it goes.  Counted references, any thread. */
#ifndef CCAAS_SECRET_H
#define CCAAS_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct ccaas_secret;

/* A copy of `length` bytes; NULL: memory is out. */
struct ccaas_secret *ccaas_secret_new(const char *bytes, size_t length);
struct ccaas_secret *ccaas_secret_hold(struct ccaas_secret *secret);
void ccaas_secret_release(struct ccaas_secret *secret);

/* The bytes, ended by a NUL: only for what goes over the wire. */
const char *ccaas_secret_reveal(const struct ccaas_secret *secret);

/* Overwrites bytes that held a secret, in a way that is not optimised away. */
void ccaas_secret_wipe(void *bytes, size_t length);

#endif
