/* A lease in a store: see lease.h. */
#include "lease.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "clock.h"
#include "secret.h"
#include "sha256.h"

/* A hash in hexadecimal digits, ended by a NUL. */
#define DIGITS (2 * CC_SHA256_SIZE + 1)

static void write_hex(char *to, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sprintf(to + 2 * i, "%02x", bytes[i]);
}

static bool hash(const char *const *parts, char digits[DIGITS])
{
    uint8_t digest[CC_SHA256_SIZE];
    struct cc_buffer all = {0};
    bool done = true;

    for (; *parts && done; parts++)
        done = cc_buffer_add(&all, *parts, strlen(*parts) + 1);
    if (done)
        cc_sha256(all.bytes, all.length, digest);
    if (all.bytes)
        cc_secret_wipe(all.bytes, all.length);
    cc_buffer_free(&all);
    if (done)
        write_hex(digits, digest, sizeof digest);
    return done;
}

bool cc_lease_start(struct cc_lease *lease, struct ccaas_engine *engine,
                    struct ccaas_waker *waker, const char *kind, bool has_value,
                    const char *const *parts)
{
    char digits[DIGITS];

    *lease = (struct cc_lease){.engine = engine, .waker = waker};
    if (!hash(parts, digits))
        return false;
    if (asprintf(&lease->name, "ccaas:%s%s:%s", kind, has_value ? "-lease" : "",
                 digits) < 0) {
        lease->name = NULL;
        return false;
    }
    if (has_value && asprintf(&lease->key, "ccaas:%s:%s", kind, digits) < 0) {
        lease->key = NULL;
        return false;
    }
    return true;
}

void cc_lease_end(struct cc_lease *lease)
{
    if (lease->request)
        cc_store_request_forget(lease->engine, lease->request);
    free(lease->key);
    free(lease->name);
    memset(lease, 0, sizeof *lease);
}

/* The store has a value under the key. */
static bool found(void *self, struct ccaas_client *client, const char *value,
                  size_t length)
{
    struct cc_lease *lease = self;

    if (!lease->look || !lease->look(lease->self, client, value, length))
        return false;
    lease->request = NULL;
    lease->state = CC_LEASE_NONE;
    cc_waker_wake(lease->waker);
    return true;
}

/* Random, so that engines that wait do not look all at once.  The first pause
 * is short: the lease may be our own, which is about to expire. */
static double next_pause(unsigned polls)
{
    double seconds =
        CC_LEASE_PAUSE_LEAST +
        (CC_LEASE_PAUSE_MOST - CC_LEASE_PAUSE_LEAST) * cc_random_unit();

    return polls ? seconds : seconds * CC_LEASE_PAUSE_FIRST;
}

static void answered(void *self, enum ccaas_store_request_kind kind,
                     enum ccaas_store_reply reply, double asked_at)
{
    struct cc_lease *lease = self;
    double now = cc_clock_now(), until = asked_at + lease->seconds;

    lease->request = NULL;
    if (reply == CCAAS_STORE_DONE && now < until) {
        lease->state = CC_LEASE_HELD;
        lease->at = now + (until - now) / 3;
        lease->until = until;
    } else if (kind == CCAAS_STORE_HOLD) {
        /* Lost, or unknown: what is under way goes on. */
        lease->at = INFINITY;
    } else if (reply == CCAAS_STORE_BUSY) {
        lease->at = now + next_pause(lease->polls++);
    } else {
        lease->state = CC_LEASE_ALONE;
    }
    cc_waker_wake(lease->waker);
}

/* The request needs another caller: wake one. */
static void waits(void *self)
{
    struct cc_lease *lease = self;

    cc_waker_wake(lease->waker);
}

static const struct cc_store_request_maker maker = {
    .found = found, .answered = answered, .waits = waits};

/* Makes a request, for the next caller that waits; false: memory is out. */
static bool request(struct cc_lease *lease, enum ccaas_store_request_kind kind)
{
    const struct ccaas_store_request what = {.kind = kind,
                                             .key = lease->key,
                                             .lease = lease->name,
                                             .owner = lease->owner,
                                             .seconds = lease->seconds};

    lease->request = cc_store_request_new(lease->engine, lease->store, &what,
                                          INFINITY, &maker, lease);
    if (lease->request)
        cc_waker_wake(lease->waker);
    return lease->request != NULL;
}

static void want(struct cc_lease *lease)
{
    uint8_t random[(sizeof lease->owner - 1) / 2];

    lease->state = CC_LEASE_WANTED;
    lease->polls = 0;
    lease->pid = getpid();
    cc_random_bytes(random, sizeof random);
    write_hex(lease->owner, random, sizeof random);
    if (!request(lease, lease->key ? CCAAS_STORE_FIND : CCAAS_STORE_ENTER))
        lease->state = CC_LEASE_ALONE;
}

static void drop_request(struct cc_lease *lease)
{
    if (lease->request)
        cc_store_request_forget(lease->engine, lease->request);
    lease->request = NULL;
}

/* The store has not answered in time. */
static void give_up_waiting(struct cc_lease *lease, struct ccaas_client *client)
{
    char text[64];

    snprintf(text, sizeof text, "it did not answer within %d s",
             (int)CC_STORE_REQUEST_PATIENCE);
    cc_store_request_failed(client, lease->request, text);
    drop_request(lease);
    if (lease->state == CC_LEASE_WANTED)
        lease->state = CC_LEASE_ALONE;
    lease->at = INFINITY;
}

bool cc_lease_ready(struct cc_lease *lease, struct ccaas_client *client,
                    double now, bool at_work)
{
    if (!lease->store)
        return true;
    if (lease->state != CC_LEASE_NONE && lease->pid != getpid()) {
        drop_request(lease);
        lease->state = CC_LEASE_NONE;
    }
    if (lease->request && now >= cc_store_request_due(lease->request))
        give_up_waiting(lease, client);
    if (lease->state == CC_LEASE_HELD && !at_work && now >= lease->until) {
        /* It expired: no take came to renew it. */
        drop_request(lease);
        lease->state = CC_LEASE_NONE;
    }
    if (lease->state == CC_LEASE_NONE && !at_work)
        want(lease);
    else if (lease->state == CC_LEASE_WANTED && !lease->request &&
             now >= lease->at &&
             !request(lease, lease->key ? CCAAS_STORE_FIND : CCAAS_STORE_ENTER))
        lease->state = CC_LEASE_ALONE;
    else if (lease->state == CC_LEASE_HELD && !lease->request &&
             now >= lease->at && !request(lease, CCAAS_STORE_HOLD))
        lease->at = now + 1;
    return lease->state == CC_LEASE_HELD || lease->state == CC_LEASE_ALONE;
}

void cc_lease_tell(struct cc_lease *lease, const char *value, double until)
{
    const struct ccaas_store_request what = {.kind = CCAAS_STORE_TELL,
                                             .key = lease->key,
                                             .lease = lease->name,
                                             .owner = lease->owner,
                                             .value = value};

    if (lease->state == CC_LEASE_HELD && lease->pid == getpid() &&
        cc_store_request_new(lease->engine, lease->store, &what, until, NULL,
                             NULL))
        cc_waker_wake(lease->waker);
}

void cc_lease_leave(struct cc_lease *lease, const char *value, double until)
{
    struct ccaas_store_request what = {.kind = value ? CCAAS_STORE_KEEP
                                                     : CCAAS_STORE_LEAVE,
                                       .key = lease->key,
                                       .lease = lease->name,
                                       .owner = lease->owner,
                                       .value = value};

    drop_request(lease);
    /* Without memory it expires by itself, in seconds. */
    if (lease->state == CC_LEASE_HELD && lease->pid == getpid() &&
        cc_store_request_new(lease->engine, lease->store, &what, until, NULL,
                             NULL))
        cc_waker_wake(lease->waker);
    lease->state = CC_LEASE_NONE;
}

double cc_lease_due(const struct cc_lease *lease)
{
    if (!lease->store)
        return INFINITY;
    if (lease->request)
        return cc_store_request_due(lease->request);
    return lease->state == CC_LEASE_WANTED || lease->state == CC_LEASE_HELD
               ? lease->at
               : INFINITY;
}
