/* The secrets of a client's token, and how they are taken out of every text
 * that leaves: errors, events, what a server said.
 *
 * Owned by the token; the engine has a list of all of them.  Used on the thread
 * that the engine belongs to.
 */
#ifndef CC_SECRETS_H
#define CC_SECRETS_H

#include "ccaas.h"
#include "secret.h"

struct cc_secrets {
    struct cc_secrets *next, **link; /* the engine's list; link NULL: not yet */
    struct cc_secret *key, *secret;  /* the credentials; NULL: none */
    struct cc_secret *bearer;        /* the token; NULL: none */
    struct cc_secret *former; /* the one before: a late answer may repeat it */
};

/* Adds them to the engine's list. */
void cc_secrets_add(struct cc_secrets **list, struct cc_secrets *secrets);

/* Takes them out of the list, and releases the secrets. */
void cc_secrets_end(struct cc_secrets *secrets);

/* Takes the secrets (NULL: none) out of a text of `length` bytes, in place;
 * returns its new length.  `cut`: see cc_scrub. */
size_t cc_secrets_scrub(const struct cc_secrets *secrets, char *text,
                        size_t length, bool cut);

/* The same for all texts of an error. */
void cc_secrets_scrub_error(const struct cc_secrets *secrets,
                            struct ccaas_error *error);

#endif
