/* Stores: how engines share tokens and paces.
 *
 * A store is the user's: a few operations on names and values, which the caller
 * carries out.  A lease is a name in the store that belongs for some seconds to
 * the engine that added it.
 */
#ifndef CCAAS_STORE_H
#define CCAAS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ccaas_client;

enum ccaas_store_request_kind {
    CCAAS_STORE_FIND,  /* get `key`; if it does not serve, add `lease` */
    CCAAS_STORE_ENTER, /* add `lease` */
    CCAAS_STORE_HOLD,  /* if `lease` is still the owner's, set it again */
    CCAAS_STORE_TELL,  /* if `lease` is still the owner's, set `key` to `value`
                        */
    CCAAS_STORE_KEEP,  /* set `key` to `value`; delete the owner's `lease` */
    CCAAS_STORE_LEAVE  /* if `lease` is still the owner's, set it again; delete
                          it if `seconds` is 0 */
};

struct ccaas_store_request {
    uint64_t id;
    enum ccaas_store_request_kind kind;
    const char *key;   /* NULL: none */
    const char *lease; /* the name of the lease */
    const char *owner; /* its value */
    const char *value; /* what `key` is set to; may hold a token */
    double seconds;    /* for which it is added or set */
};

/* After CCAAS_TAKE_ASK: a request to the client's store, which the caller
 * carries out.  It must end it by ccaas_client_store_found (true), _reply or
 * _abandon.  The strings live until then, or until the client's end.  False:
 * there is none. */
bool ccaas_client_store_request(struct ccaas_client *client,
                                struct ccaas_store_request *request);

/* FIND: the value under `key`.  True: it serves, and the request is over.
 * False: go on. */
bool ccaas_client_store_found(struct ccaas_client *client, uint64_t id,
                              const char *value, size_t length);

enum ccaas_store_reply {
    CCAAS_STORE_DONE,  /* FIND, ENTER: the lease is ours */
    CCAAS_STORE_BUSY,  /* another engine has the lease */
    CCAAS_STORE_FAILED /* the store failed, with the reason given */
};
/* The outcome of a request.  `reason` may be NULL. */
void ccaas_client_store_reply(struct ccaas_client *client, uint64_t id,
                              enum ccaas_store_reply reply, const char *reason);

/* The caller will not answer: another one gets the request. */
void ccaas_client_store_abandon(struct ccaas_client *client, uint64_t id);

#endif
