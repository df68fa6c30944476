/* For call_test.c: a call whose HTTP engine and clock are played by the
 * program, so that an answer comes when it is least expected: between the look
 * at the clock and the look at what has come. */
#ifndef CC_SPEC_CALL_PEER_H
#define CC_SPEC_CALL_PEER_H

#include "ccaas.h"

#include "check.h"

#include <math.h>

#include "http.h"
#include "played_clock.h"

/* -- The engine: one transfer at a time ------------------------------------ */

struct cc_http {
    int unused;
};

struct cc_transfer {
    int unused;
};

static struct cc_transfer transfer;
static struct cc_http_sink sink;
static int sent;
static bool under_way;
static double sent_at, answered_at;

struct cc_http *cc_http_new(void)
{
    return calloc(1, sizeof(struct cc_http));
}

void cc_http_stop(struct cc_http *http)
{
    (void)http;
}

void cc_http_free(struct cc_http *http)
{
    free(http);
}

bool cc_http_forked(const struct cc_http *http)
{
    (void)http;
    return false;
}

bool cc_http_attend(struct cc_http *http, int fd, void (*attend)(void *self),
                    void *self)
{
    (void)http, (void)fd, (void)attend, (void)self;
    return true;
}

void cc_http_stay(struct cc_http *http)
{
    (void)http;
}

struct cc_transfer *cc_http_send(struct cc_http *http,
                                 const struct cc_http_request *request,
                                 const struct cc_http_sink *with)
{
    (void)http, (void)request;
    CHECK(!under_way);
    sink = *with;
    under_way = true;
    sent++;
    sent_at = now;
    return &transfer;
}

void cc_http_cancel(struct cc_transfer *of)
{
    (void)of;
}

void cc_http_resume(struct cc_transfer *of)
{
    (void)of;
}

void cc_http_release(struct cc_transfer *of)
{
    (void)of;
}

static void ends(struct cc_http_end end)
{
    under_way = false;
    sink.end(sink.self, &end);
}

#define ENDS(...) ends((struct cc_http_end){__VA_ARGS__})

/* The answer comes, half a second after the look at the clock. */
static void answers(int status, const char *headers, size_t length)
{
    struct cc_http_head head = {
        .status = status, .headers = headers, .length = length};

    now += 0.5;
    answered_at = now;
    sink.head(sink.self, &head);
    sink.bytes(sink.self, "bytes", 5);
    ENDS(.code = CCAAS_OK, .sent = true);
}

static void answers_well(void)
{
    answers(200, "", 0);
}

static void answers_too_fast(void)
{
    static const char headers[] = "retry-after\0002";

    answers(429, headers, sizeof headers);
}

/* Asks for twenty seconds from the start on, by a date. */
static void asks_for_a_date(void)
{
    static const char headers[] = "retry-after\0Sun, 09 Sep 2001 02:03:40 GMT";

    answers(503, headers, sizeof headers);
}

static void says_not_ready_until_a_date(void)
{
    static const char headers[] = "retry-after\0Sun, 09 Sep 2001 02:03:40 GMT";

    answers(202, headers, sizeof headers);
}

static void answers_far_too_fast(void)
{
    static const char headers[] = "retry-after\00020";

    answers(429, headers, sizeof headers);
}

static void answers_absurdly(void)
{
    static const char headers[] = "retry-after\00031536000";

    answers(429, headers, sizeof headers);
}

static void brings_token(void)
{
    static const char reply[] = "{\"access_token\":\"T\",\"expires_in\":2}";
    struct cc_http_head head = {.status = 200, .headers = ""};

    sink.head(sink.self, &head);
    sink.bytes(sink.self, reply, strlen(reply));
    ENDS(.code = CCAAS_OK, .sent = true);
}

/* It ends without an answer. */
static void breaks_off(void)
{
    now += 0.5;
    answered_at = now;
    ENDS(.code = CCAAS_NETWORK, .transient = true, .sent = true,
         .message = "reset");
}

static void cannot_connect(void)
{
    now += 0.5;
    ENDS(.code = CCAAS_NETWORK, .transient = true, .message = "refused");
}

/* -- The calls ------------------------------------------------------------- */

static struct ccaas_engine *engine;
static struct ccaas_client *client;
static unsigned token_retries = 3, store;

static void start(const char *token)
{
    struct ccaas_settings settings = {.token = token,
                                      .token_url =
                                          token ? NULL : "http://h/token",
                                      .key = token ? NULL : "K",
                                      .secret = "S",
                                      .retries = token_retries,
                                      .store = store,
                                      .user_agent = "spec"};

    now = 1000;
    sent = 0;
    engine = ccaas_engine_new();
    client = ccaas_client_new(engine, &settings);
}

/* What is under way ends only then. */
static void finish(void)
{
    if (under_way)
        ENDS(.code = CCAAS_CANCELLED);
    ccaas_client_free(client);
    ccaas_engine_free(engine);
}

static bool patient; /* of calls that are made from now on */

static struct ccaas_call *call_with(const char *pace, unsigned retries,
                                    double deadline)
{
    static const char *const urls[] = {"http://h/audio"};
    static const char *const headers[] = {NULL};
    struct ccaas_call_plan plan = {.method = "GET",
                                   .urls = urls,
                                   .url_count = 1,
                                   .headers = headers,
                                   .idempotent = true,
                                   .body = CCAAS_BODY_CHUNKS,
                                   .patient = patient,
                                   .pace = pace,
                                   .pace_seconds = 3,
                                   .limit = -1,
                                   .concurrency = 1,
                                   .retries = retries,
                                   .timeout = 30,
                                   .deadline = deadline,
                                   .max_retry_after = INFINITY,
                                   .max_record = 1000,
                                   .max_body = 1000};

    return ccaas_call_new(client, &plan);
}

/* Without a gate it is sent at will. */
static struct ccaas_call *new_call(const char *pace)
{
    return call_with(pace, 3, INFINITY);
}

/* Takes what there is. */
static enum ccaas_take take(struct ccaas_call *call)
{
    struct ccaas_record record;
    enum ccaas_take taken;

    do {
        taken = ccaas_call_take(call, &record);
    } while (taken == CCAAS_TAKE_RECORD || taken == CCAAS_TAKE_PAGE);
    return taken;
}

/* Looks again, always when it is said to be due, until one more is sent. */
static void wait_for_sending(struct ccaas_call *call, int count)
{
    enum ccaas_take taken = CCAAS_TAKE_WAIT;
    int looks;

    for (looks = 0; looks < 1000; looks++) {
        taken = take(call);
        if (taken != CCAAS_TAKE_WAIT || sent >= count)
            break;
        now += fmin(fmax(ccaas_call_timeout(call), 0.001), 0.1);
    }
    CHECK_INT(taken, CCAAS_TAKE_WAIT);
    CHECK_INT(sent, count);
}

#endif
