/* A name in a store that one of many has at a time: see lease.h. */
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
#define DIGITS (2 * CCAAS_SHA256_SIZE + 1)

static void write_hex(char *to, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sprintf(to + 2 * i, "%02x", bytes[i]);
}

static bool hash(const char *const *parts, char digits[DIGITS])
{
    uint8_t digest[CCAAS_SHA256_SIZE];
    struct ccaas_buffer all = {0};
    bool done = true;

    for (; *parts && done; parts++)
        done = ccaas_buffer_add(&all, *parts, strlen(*parts) + 1);
    if (done)
        ccaas_sha256(all.bytes, all.length, digest);
    if (all.bytes)
        ccaas_secret_wipe(all.bytes, all.length);
    ccaas_buffer_free(&all);
    if (done)
        write_hex(digits, digest, sizeof digest);
    return done;
}

bool ccaas_lease_start(struct ccaas_lease *lease, struct ccaas_engine *engine,
                       struct ccaas_bell *bell, const char *kind,
                       bool has_value, const char *const *parts)
{
    char digits[DIGITS];

    *lease = (struct ccaas_lease){.engine = engine, .bell = bell};
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

void ccaas_lease_end(struct ccaas_lease *lease)
{
    if (lease->ask)
        ccaas_ask_forget(lease->engine, lease->ask);
    free(lease->key);
    free(lease->name);
    memset(lease, 0, sizeof *lease);
}

void ccaas_lease_ring(struct ccaas_lease *lease)
{
    ccaas_bell_ring(lease->bell);
}

/* Puts a question, to be answered by whoever waits; false: memory is out. */
static bool ask(struct ccaas_lease *lease, enum ccaas_question_kind kind)
{
    const struct ccaas_question question = {.kind = kind,
                                            .key = lease->key,
                                            .lease = lease->name,
                                            .owner = lease->owner,
                                            .seconds = lease->seconds};

    lease->ask =
        ccaas_ask_new(lease->engine, lease->store, &question, INFINITY, lease);
    if (lease->ask)
        ccaas_lease_ring(lease);
    return lease->ask != NULL;
}

static void want(struct ccaas_lease *lease)
{
    uint8_t random[(sizeof lease->owner - 1) / 2];

    lease->state = CCAAS_LEASE_WANTED;
    lease->polls = 0;
    lease->pid = getpid();
    ccaas_random_bytes(random, sizeof random);
    write_hex(lease->owner, random, sizeof random);
    if (!ask(lease, lease->key ? CCAAS_QUESTION_FIND : CCAAS_QUESTION_ENTER))
        lease->state = CCAAS_LEASE_ALONE;
}

static void drop_ask(struct ccaas_lease *lease)
{
    if (lease->ask)
        ccaas_ask_forget(lease->engine, lease->ask);
    lease->ask = NULL;
}

/* The one who was asked does not answer. */
static void give_up_waiting(struct ccaas_lease *lease,
                            struct ccaas_client *client)
{
    char text[64];

    snprintf(text, sizeof text, "it did not answer within %d s",
             (int)CCAAS_ASK_PATIENCE);
    ccaas_ask_tell(client, lease->ask, text);
    drop_ask(lease);
    if (lease->state == CCAAS_LEASE_WANTED)
        lease->state = CCAAS_LEASE_ALONE;
    lease->at = INFINITY;
}

bool ccaas_lease_ready(struct ccaas_lease *lease, struct ccaas_client *client,
                       double now, bool at_work)
{
    if (!lease->store)
        return true;
    if (lease->state != CCAAS_LEASE_NONE && lease->pid != getpid()) {
        drop_ask(lease);
        lease->state = CCAAS_LEASE_NONE;
    }
    if (lease->ask && now >= ccaas_ask_due(lease->ask))
        give_up_waiting(lease, client);
    if (lease->state == CCAAS_LEASE_HELD && !at_work && now >= lease->until) {
        /* Nobody was there to hold it. */
        drop_ask(lease);
        lease->state = CCAAS_LEASE_NONE;
    }
    if (lease->state == CCAAS_LEASE_NONE && !at_work)
        want(lease);
    else if (lease->state == CCAAS_LEASE_WANTED && !lease->ask &&
             now >= lease->at &&
             !ask(lease,
                  lease->key ? CCAAS_QUESTION_FIND : CCAAS_QUESTION_ENTER))
        lease->state = CCAAS_LEASE_ALONE;
    else if (lease->state == CCAAS_LEASE_HELD && !lease->ask &&
             now >= lease->at && !ask(lease, CCAAS_QUESTION_HOLD))
        lease->at = now + 1;
    return lease->state == CCAAS_LEASE_HELD ||
           lease->state == CCAAS_LEASE_ALONE;
}

void ccaas_lease_tell(struct ccaas_lease *lease, const char *value,
                      double until)
{
    const struct ccaas_question question = {.kind = CCAAS_QUESTION_TELL,
                                            .key = lease->key,
                                            .lease = lease->name,
                                            .owner = lease->owner,
                                            .value = value};

    if (lease->state == CCAAS_LEASE_HELD && lease->pid == getpid() &&
        ccaas_ask_new(lease->engine, lease->store, &question, until, NULL))
        ccaas_lease_ring(lease);
}

void ccaas_lease_leave(struct ccaas_lease *lease, const char *value,
                       double until)
{
    struct ccaas_question question = {.kind = value ? CCAAS_QUESTION_KEEP
                                                    : CCAAS_QUESTION_LEAVE,
                                      .key = lease->key,
                                      .lease = lease->name,
                                      .owner = lease->owner,
                                      .value = value};

    drop_ask(lease);
    /* Without memory it is left to itself, and is over in seconds. */
    if (lease->state == CCAAS_LEASE_HELD && lease->pid == getpid() &&
        ccaas_ask_new(lease->engine, lease->store, &question, until, NULL))
        ccaas_lease_ring(lease);
    lease->state = CCAAS_LEASE_NONE;
}

double ccaas_lease_due(const struct ccaas_lease *lease)
{
    if (!lease->store)
        return INFINITY;
    if (lease->ask)
        return ccaas_ask_due(lease->ask);
    return lease->state == CCAAS_LEASE_WANTED ||
                   lease->state == CCAAS_LEASE_HELD
               ? lease->at
               : INFINITY;
}

bool ccaas_lease_found(struct ccaas_lease *lease, struct ccaas_client *client,
                       const char *value, size_t length)
{
    if (!lease->look || !lease->look(lease->self, client, value, length))
        return false;
    lease->ask = NULL;
    lease->state = CCAAS_LEASE_NONE;
    ccaas_lease_ring(lease);
    return true;
}

/* Random, so that those who wait do not come at once; the first one is short,
 * for the lease may be our own, which is just about to run out. */
static double next_pause(unsigned polls)
{
    double seconds = CCAAS_LEASE_PAUSE_LEAST +
                     (CCAAS_LEASE_PAUSE_MOST - CCAAS_LEASE_PAUSE_LEAST) *
                         ccaas_random_unit();

    return polls ? seconds : seconds * CCAAS_LEASE_PAUSE_FIRST;
}

void ccaas_lease_answered(struct ccaas_lease *lease,
                          enum ccaas_question_kind kind, enum ccaas_reply reply,
                          double asked_at)
{
    double now = ccaas_clock_now(), until = asked_at + lease->seconds;

    lease->ask = NULL;
    if (reply == CCAAS_REPLY_DONE && now < until) {
        lease->state = CCAAS_LEASE_HELD;
        lease->at = now + (until - now) / 3;
        lease->until = until;
    } else if (kind == CCAAS_QUESTION_HOLD) {
        /* Lost, or who knows: what is under way goes on. */
        lease->at = INFINITY;
    } else if (reply == CCAAS_REPLY_BUSY) {
        lease->at = now + next_pause(lease->polls++);
    } else {
        lease->state = CCAAS_LEASE_ALONE;
    }
    ccaas_lease_ring(lease);
}
