/* Secrets: see secret.h. */
#include "secret.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct cc_secret {
    atomic_int references;
    size_t length;
    char bytes[];
};

struct cc_secret *cc_secret_new(const char *bytes, size_t length)
{
    struct cc_secret *secret = malloc(sizeof *secret + length + 1);

    if (!secret)
        return NULL;
    atomic_init(&secret->references, 1);
    secret->length = length;
    memcpy(secret->bytes, bytes, length);
    secret->bytes[length] = '\0';
    return secret;
}

struct cc_secret *cc_secret_hold(struct cc_secret *secret)
{
    if (secret)
        atomic_fetch_add(&secret->references, 1);
    return secret;
}

void cc_secret_release(struct cc_secret *secret)
{
    if (!secret || atomic_fetch_sub(&secret->references, 1) != 1)
        return;
    cc_secret_wipe(secret->bytes, secret->length);
    free(secret);
}

const char *cc_secret_reveal(const struct cc_secret *secret)
{
    return secret->bytes;
}

void cc_secret_wipe(void *bytes, size_t length)
{
    explicit_bzero(bytes, length);
}
