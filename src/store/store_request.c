/* Requests to stores: see store_request.h. */
#include "store_request.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "secret.h"
#include "text.h"

struct cc_store_request {
    struct cc_store_request *next;
    const struct cc_store_request_maker *maker; /* NULL: none */
    void *self;                                 /* the maker's */
    struct ccaas_store_request what;            /* its strings are in `text` */
    unsigned store;
    pid_t pid;
    bool claimed;
    double claimed_at;
    double until;
    size_t room;
    char text[]; /* wiped when it is freed: it may hold a token */
};

static void free_request(struct cc_store_request *request)
{
    cc_secret_wipe(request->text, request->room);
    free(request);
}

/* Takes it out of the list; NULL: it is not in it. */
static struct cc_store_request *take_out(struct ccaas_engine *engine,
                                         const struct cc_store_request *which)
{
    struct cc_store_request **link = &engine->requests, *request;

    while ((request = *link) != NULL && request != which)
        link = &request->next;
    if (request)
        *link = request->next;
    return request;
}

static const char *keep_text(char **at, const char *text)
{
    const char *kept = *at;

    if (!text)
        return NULL;
    *at = stpcpy(*at, text) + 1;
    return kept;
}

struct cc_store_request *
cc_store_request_new(struct ccaas_engine *engine, unsigned store,
                     const struct ccaas_store_request *what, double until,
                     const struct cc_store_request_maker *maker, void *self)
{
    const char *const texts[] = {what->key, what->lease, what->owner,
                                 what->value};
    struct cc_store_request *request, **link;
    size_t room = 0, i;
    char *at;

    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        room += texts[i] ? strlen(texts[i]) + 1 : 0;
    request = calloc(1, sizeof *request + room);
    if (!request)
        return NULL;
    at = request->text;
    request->room = room;
    request->what = *what;
    request->what.id = ++engine->asked;
    request->what.key = keep_text(&at, what->key);
    request->what.lease = keep_text(&at, what->lease);
    request->what.owner = keep_text(&at, what->owner);
    request->what.value = keep_text(&at, what->value);
    request->maker = maker;
    request->self = self;
    request->store = store;
    request->pid = getpid();
    request->until = until;
    for (link = &engine->requests; *link;)
        link = &(*link)->next;
    *link = request;
    return request;
}

void cc_store_request_forget(struct ccaas_engine *engine,
                             struct cc_store_request *request)
{
    if (request->claimed && request->pid == getpid())
        request->maker = NULL;
    else if (take_out(engine, request))
        free_request(request);
}

double cc_store_request_due(const struct cc_store_request *request)
{
    return request->claimed ? request->claimed_at + CC_STORE_REQUEST_PATIENCE
                            : INFINITY;
}

static bool is_for(const struct cc_store_request *request,
                   const struct ccaas_client *client)
{
    return !client->closed && !request->claimed &&
           request->store == client->store && request->pid == getpid();
}

bool cc_store_request_pending(const struct ccaas_client *client)
{
    const struct cc_store_request *request;

    if (!client->store)
        return false;
    for (request = client->engine->requests; request; request = request->next)
        if (is_for(request, client))
            return true;
    return false;
}

void cc_store_request_free_all(struct ccaas_engine *engine)
{
    struct cc_store_request *request;

    while ((request = engine->requests) != NULL) {
        engine->requests = request->next;
        free_request(request);
    }
}

/* -- Answering ------------------------------------------------------------- */

bool ccaas_client_store_request(struct ccaas_client *client,
                                struct ccaas_store_request *what)
{
    struct cc_store_request *request;
    double now = cc_clock_now();

    for (request = client->engine->requests; request; request = request->next) {
        if (!client->store || !is_for(request, client))
            continue;
        request->claimed = true;
        request->claimed_at = now;
        *what = request->what;
        if (what->kind == CCAAS_STORE_KEEP || what->kind == CCAAS_STORE_TELL ||
            what->kind == CCAAS_STORE_LEAVE)
            what->seconds = fmax(request->until - now, 0);
        return true;
    }
    return false;
}

static struct cc_store_request *find(const struct ccaas_client *client,
                                     uint64_t id)
{
    struct cc_store_request *request = client->engine->requests;

    while (request && (request->what.id != id || !request->claimed))
        request = request->next;
    return request;
}

bool ccaas_client_store_found(struct ccaas_client *client, uint64_t id,
                              const char *value, size_t length)
{
    struct cc_store_request *request = find(client, id);

    if (!request || !request->maker ||
        !request->maker->found(request->self, client, value, length))
        return false;
    free_request(take_out(client->engine, request));
    return true;
}

void cc_store_request_failed(struct ccaas_client *client,
                             const struct cc_store_request *request,
                             const char *reason)
{
    struct ccaas_event *event =
        cc_client_note(client, request->what.key ? "token" : "wait", "", "");
    const struct cc_secrets *secrets;
    char text[1024], *said = text;
    size_t length;
    bool cut;

    if (!event)
        return;
    said = stpcpy(text, "store: ");
    if (!reason || !*reason)
        reason = "it failed";
    cut = strlen(reason) >= sizeof text - (size_t)(said - text);
    snprintf(said, sizeof text - (size_t)(said - text), "%s", reason);
    /* The store may repeat what it was given. */
    length = strlen(text);
    for (secrets = client->engine->secrets; secrets; secrets = secrets->next)
        length = cc_secrets_scrub(secrets, text, length, cut);
    snprintf(event->code, sizeof event->code, "%s", ccaas_code_name(CCAAS_IO));
    cc_text_show(event->reason, sizeof event->reason, text, length);
}

void ccaas_client_store_reply(struct ccaas_client *client, uint64_t id,
                              enum ccaas_store_reply reply, const char *reason)
{
    struct cc_store_request *request = find(client, id);
    const struct cc_store_request_maker *maker;
    enum ccaas_store_request_kind kind;
    double asked_at;
    void *self;

    if (!request)
        return;
    maker = request->maker;
    self = request->self;
    kind = request->what.kind;
    asked_at = request->claimed_at;
    if (reply == CCAAS_STORE_FAILED)
        cc_store_request_failed(client, request, reason);
    if (!maker && reply == CCAAS_STORE_DONE &&
        (kind == CCAAS_STORE_FIND || kind == CCAAS_STORE_ENTER)) {
        /* The lease is ours, and is not needed any more: give it back. */
        request->what.kind = CCAAS_STORE_LEAVE;
        request->claimed = false;
        return;
    }
    free_request(take_out(client->engine, request));
    if (maker)
        maker->answered(self, kind, reply, asked_at);
}

void ccaas_client_store_abandon(struct ccaas_client *client, uint64_t id)
{
    struct cc_store_request *request = find(client, id);

    if (!request)
        return;
    request->claimed = false;
    if (request->maker)
        request->maker->waits(request->self);
}
