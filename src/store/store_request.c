/* Questions to stores: see store_request.h. */
#include "store_request.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "lease.h"
#include "secret.h"
#include "text.h"

struct cc_ask {
    struct cc_ask *next;
    struct cc_lease *lease;         /* is told the answer; NULL: nobody */
    struct ccaas_question question; /* its strings are in `text` */
    unsigned store;
    pid_t pid;
    bool claimed;
    double claimed_at;
    double until;
    size_t room;
    char text[]; /* wiped when it goes: it may hold a token */
};

static void free_ask(struct cc_ask *ask)
{
    cc_secret_wipe(ask->text, ask->room);
    free(ask);
}

/* Takes it out of the list; NULL: it is not there. */
static struct cc_ask *take_out(struct ccaas_engine *engine,
                               const struct cc_ask *which)
{
    struct cc_ask **link = &engine->asks, *ask;

    while ((ask = *link) != NULL && ask != which)
        link = &ask->next;
    if (ask)
        *link = ask->next;
    return ask;
}

static const char *keep_text(char **at, const char *text)
{
    const char *kept = *at;

    if (!text)
        return NULL;
    *at = stpcpy(*at, text) + 1;
    return kept;
}

struct cc_ask *cc_ask_new(struct ccaas_engine *engine, unsigned store,
                          const struct ccaas_question *question, double until,
                          struct cc_lease *lease)
{
    const char *const texts[] = {question->key, question->lease,
                                 question->owner, question->value};
    struct cc_ask *ask, **link;
    size_t room = 0, i;
    char *at;

    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        room += texts[i] ? strlen(texts[i]) + 1 : 0;
    ask = calloc(1, sizeof *ask + room);
    if (!ask)
        return NULL;
    at = ask->text;
    ask->room = room;
    ask->question = *question;
    ask->question.id = ++engine->asked;
    ask->question.key = keep_text(&at, question->key);
    ask->question.lease = keep_text(&at, question->lease);
    ask->question.owner = keep_text(&at, question->owner);
    ask->question.value = keep_text(&at, question->value);
    ask->lease = lease;
    ask->store = store;
    ask->pid = getpid();
    ask->until = until;
    for (link = &engine->asks; *link;)
        link = &(*link)->next;
    *link = ask;
    return ask;
}

void cc_ask_forget(struct ccaas_engine *engine, struct cc_ask *ask)
{
    if (ask->claimed && ask->pid == getpid())
        ask->lease = NULL;
    else if (take_out(engine, ask))
        free_ask(ask);
}

double cc_ask_due(const struct cc_ask *ask)
{
    return ask->claimed ? ask->claimed_at + CC_ASK_PATIENCE : INFINITY;
}

static bool is_for(const struct cc_ask *ask, const struct ccaas_client *client)
{
    return !client->closed && !ask->claimed && ask->store == client->store &&
           ask->pid == getpid();
}

bool cc_ask_pending(const struct ccaas_client *client)
{
    const struct cc_ask *ask;

    if (!client->store)
        return false;
    for (ask = client->engine->asks; ask; ask = ask->next)
        if (is_for(ask, client))
            return true;
    return false;
}

void cc_ask_free_all(struct ccaas_engine *engine)
{
    struct cc_ask *ask;

    while ((ask = engine->asks) != NULL) {
        engine->asks = ask->next;
        free_ask(ask);
    }
}

/* -- Answering
 * ------------------------------------------------------------------ */

bool ccaas_client_question(struct ccaas_client *client,
                           struct ccaas_question *question)
{
    struct cc_ask *ask;
    double now = cc_clock_now();

    for (ask = client->engine->asks; ask; ask = ask->next) {
        if (!client->store || !is_for(ask, client))
            continue;
        ask->claimed = true;
        ask->claimed_at = now;
        *question = ask->question;
        if (question->kind == CCAAS_QUESTION_KEEP ||
            question->kind == CCAAS_QUESTION_TELL ||
            question->kind == CCAAS_QUESTION_LEAVE)
            question->seconds = fmax(ask->until - now, 0);
        return true;
    }
    return false;
}

static struct cc_ask *find(const struct ccaas_client *client, uint64_t id)
{
    struct cc_ask *ask = client->engine->asks;

    while (ask && (ask->question.id != id || !ask->claimed))
        ask = ask->next;
    return ask;
}

bool ccaas_client_found(struct ccaas_client *client, uint64_t id,
                        const char *value, size_t length)
{
    struct cc_ask *ask = find(client, id);

    if (!ask || !ask->lease ||
        !cc_lease_found(ask->lease, client, value, length))
        return false;
    free_ask(take_out(client->engine, ask));
    return true;
}

void cc_ask_tell(struct ccaas_client *client, const struct cc_ask *ask,
                 const char *reason)
{
    struct ccaas_event *event =
        cc_client_note(client, ask->question.key ? "token" : "wait", "", "");
    const struct cc_token *token;
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
    /* It may well say what it was given. */
    length = strlen(text);
    for (token = client->engine->tokens; token; token = cc_token_next(token))
        length = cc_token_scrub_text(token, text, length, cut);
    snprintf(event->code, sizeof event->code, "%s", ccaas_code_name(CCAAS_IO));
    cc_text_show(event->reason, sizeof event->reason, text, length);
}

void ccaas_client_reply(struct ccaas_client *client, uint64_t id,
                        enum ccaas_reply reply, const char *reason)
{
    struct cc_ask *ask = find(client, id);
    enum ccaas_question_kind kind;
    struct cc_lease *lease;
    double asked_at;

    if (!ask)
        return;
    lease = ask->lease;
    kind = ask->question.kind;
    asked_at = ask->claimed_at;
    if (reply == CCAAS_REPLY_FAILED)
        cc_ask_tell(client, ask, reason);
    if (!lease && reply == CCAAS_REPLY_DONE &&
        (kind == CCAAS_QUESTION_FIND || kind == CCAAS_QUESTION_ENTER)) {
        /* Whoever wanted the lease is gone. */
        ask->question.kind = CCAAS_QUESTION_LEAVE;
        ask->claimed = false;
        return;
    }
    free_ask(take_out(client->engine, ask));
    if (lease)
        cc_lease_answered(lease, kind, reply, asked_at);
}

void ccaas_client_abandon(struct ccaas_client *client, uint64_t id)
{
    struct cc_ask *ask = find(client, id);

    if (!ask)
        return;
    ask->claimed = false;
    if (ask->lease)
        cc_lease_ring(ask->lease);
}
