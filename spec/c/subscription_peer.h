/* For subscription_test.c and its neighbours: a subscription whose websocket
 * engine and clock are played by the program, so that anything comes in any
 * order. */
#ifndef CC_SPEC_SUBSCRIPTION_PEER_H
#define CC_SPEC_SUBSCRIPTION_PEER_H

#include "subscription.h"

#include "check.h"

#include <math.h>

#include "played_clock.h"

/* -- The engine: one socket at a time -------------------------------------- */

struct cc_ws {
    bool refuses;
};

struct cc_socket {
    struct cc_ws_sink sink;
    char url[200];
    char bearer[64];
    bool closed, released, over;
    int resumed;
};

static struct cc_socket sockets[40], *last;
static int opened;
static bool engine_refuses;

struct cc_ws *cc_ws_new(void)
{
    return calloc(1, sizeof(struct cc_ws));
}

void cc_ws_stop(struct cc_ws *ws)
{
    ws->refuses = true;
}

void cc_ws_free(struct cc_ws *ws)
{
    free(ws);
}

bool cc_ws_forked(const struct cc_ws *ws)
{
    (void)ws;
    return false;
}

struct cc_socket *cc_ws_open(struct cc_ws *ws,
                             const struct cc_ws_request *request,
                             const struct cc_ws_sink *sink)
{
    if (ws->refuses || engine_refuses)
        return NULL;
    last = &sockets[opened++ % 40];
    memset(last, 0, sizeof *last);
    last->sink = *sink;
    snprintf(last->url, sizeof last->url, "%s", request->url);
    snprintf(last->bearer, sizeof last->bearer, "%s",
             request->bearer ? cc_secret_reveal(request->bearer) : "");
    return last;
}

void cc_ws_close(struct cc_socket *socket)
{
    socket->closed = true;
}

void cc_ws_resume(struct cc_socket *socket)
{
    socket->resumed++;
}

void cc_ws_release(struct cc_socket *socket)
{
    socket->released = true;
}

/* What the socket tells. */
static bool open_unseen; /* comes between the two looks at the event queue */

static void opens(void)
{
    last->sink.opened(last->sink.self);
}

__attribute__((unused)) static void says(const char *text)
{
    last->sink.message(last->sink.self, text, strlen(text), false);
    last->sink.flush(last->sink.self);
}

static void ends(struct cc_ws_end end)
{
    last->over = true;
    last->sink.closed(last->sink.self, &end);
}

#define ENDS(...) ends((struct cc_ws_end){__VA_ARGS__})

double __real_cc_event_queue_opened(struct cc_event_queue *queue);
double __wrap_cc_event_queue_opened(struct cc_event_queue *queue);

double __wrap_cc_event_queue_opened(struct cc_event_queue *queue)
{
    double at = __real_cc_event_queue_opened(queue);

    if (open_unseen) {
        open_unseen = false;
        opens();
        ENDS(.code = CCAAS_OK, .close_code = 1001, .opened = true);
    }
    return at;
}

/* Memory for a message's bytes is out. */
static bool memory_is_out;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    return memory_is_out ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return memory_is_out ? NULL : __real_realloc(memory, size);
}

/* -- A subscription -------------------------------------------------------- */

static struct ccaas_engine *engine;
static struct ccaas_client *client;
static struct ccaas_subscription *sub;
static struct ccaas_news news;

static struct ccaas_subscription_plan usual_plan(void)
{
    static const char *const paths[CCAAS_UPDATE_PARTS] = {"k", "c", "t",
                                                          "n", "u", "v"};

    return (struct ccaas_subscription_plan){.url = "wss://host/live?ids=1",
                                            .paths = paths,
                                            .queue = 4,
                                            .silence = 60,
                                            .reconnects = -1,
                                            .pause_first = 1,
                                            .pause_most = 30,
                                            .deadline = INFINITY,
                                            .max_retry_after = 120,
                                            .max_message = 1000};
}

static void begin(const struct ccaas_subscription_plan *plan,
                  const struct ccaas_settings *settings)
{
    static const struct ccaas_settings none = {.connect_timeout = 10};

    luck = 0;
    opened = 0;
    last = NULL;
    engine_refuses = false;
    engine = ccaas_engine_new();
    client = ccaas_client_new(engine, settings ? settings : &none);
    sub = ccaas_subscription_new(client, plan);
}

static void begin_usual(void)
{
    struct ccaas_subscription_plan plan = usual_plan();

    begin(&plan, NULL);
}

/* Frees it; a socket that is left ends only then. */
static void finish(void)
{
    ccaas_subscription_free(sub);
    CHECK(!last || last->released);
    if (last && !last->over) {
        CHECK(last->closed);
        ENDS(.code = CCAAS_CANCELLED);
    }
    ccaas_client_free(client);
    ccaas_engine_free(engine);
}

static enum ccaas_news_kind take(void)
{
    return ccaas_subscription_take(sub, &news);
}

#define TAKES(what) CHECK_INT(take(), CCAAS_NEWS_##what)

static void open_it(void)
{
    TAKES(WAIT);
    opens();
    TAKES(OPEN);
    TAKES(WAIT);
}

static const struct ccaas_error *error(void)
{
    return ccaas_subscription_error(sub);
}

/* It is over, for this reason, and stays so. */
static void failed(enum ccaas_code code)
{
    TAKES(ERROR);
    CHECK_INT(error()->code, code);
    CHECK(!last || last->released);
    now += 1000;
    TAKES(ERROR);
    CHECK_INT(error()->code, code);
}

/* It was open, and had brought something. */
__attribute__((unused)) static void lose(void)
{
    ENDS(.code = CCAAS_NETWORK, .transient = true, .opened = true,
         .received = true, .message = "lost");
}

__attribute__((unused)) static void refuse(int status)
{
    bool transient = status >= 500;

    ENDS(.code = status == 401 ? CCAAS_AUTH
                 : transient   ? CCAAS_SERVER
                               : CCAAS_BAD_REQUEST,
         .status = status, .transient = transient, .message = "refused");
}

#endif
