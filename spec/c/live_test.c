/* A subscription's states, with the websocket engine and the clock played by
 * this program: whatever comes, and in whatever order. */
#include "live.h"

#include "check.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

/* -- The clock --------------------------------------------------------------
 */

static double now = 1000, luck;

double ccaas_clock_now(void)
{
    return now;
}

double ccaas_clock_wall(void)
{
    return now + 1e9;
}

void ccaas_random_bytes(void *bytes, size_t length)
{
    memset(bytes, 7, length);
}

double ccaas_random_unit(void)
{
    return luck;
}

/* -- The engine: one socket at a time ----------------------------------------
 */

struct ccaas_ws {
    bool refuses;
};

struct ccaas_socket {
    struct ccaas_ws_sink sink;
    char url[200];
    char bearer[64];
    bool closed, released, over;
    int resumed;
};

static struct ccaas_socket sockets[40], *last;
static int opened;
static bool engine_refuses;

struct ccaas_ws *ccaas_ws_new(void)
{
    return calloc(1, sizeof(struct ccaas_ws));
}

void ccaas_ws_stop(struct ccaas_ws *ws)
{
    ws->refuses = true;
}

void ccaas_ws_free(struct ccaas_ws *ws)
{
    free(ws);
}

bool ccaas_ws_forked(const struct ccaas_ws *ws)
{
    (void)ws;
    return false;
}

struct ccaas_socket *ccaas_ws_open(struct ccaas_ws *ws,
                                   const struct ccaas_ws_request *request,
                                   const struct ccaas_ws_sink *sink)
{
    if (ws->refuses || engine_refuses)
        return NULL;
    last = &sockets[opened++ % 40];
    memset(last, 0, sizeof *last);
    last->sink = *sink;
    snprintf(last->url, sizeof last->url, "%s", request->url);
    snprintf(last->bearer, sizeof last->bearer, "%s",
             request->bearer ? ccaas_secret_reveal(request->bearer) : "");
    return last;
}

void ccaas_ws_close(struct ccaas_socket *socket)
{
    socket->closed = true;
}

void ccaas_ws_resume(struct ccaas_socket *socket)
{
    socket->resumed++;
}

void ccaas_ws_release(struct ccaas_socket *socket)
{
    socket->released = true;
}

/* What the socket tells. */
static bool open_unseen; /* comes between the two looks at the inbox */

static void opens(void)
{
    last->sink.opened(last->sink.self);
}

static void says(const char *text)
{
    last->sink.message(last->sink.self, text, strlen(text), false);
}

static void ends(struct ccaas_ws_end end)
{
    last->over = true;
    last->sink.closed(last->sink.self, &end);
}

#define ENDS(...) ends((struct ccaas_ws_end){__VA_ARGS__})

double __real_ccaas_inbox_opened(struct ccaas_inbox *inbox);
double __wrap_ccaas_inbox_opened(struct ccaas_inbox *inbox);

double __wrap_ccaas_inbox_opened(struct ccaas_inbox *inbox)
{
    double at = __real_ccaas_inbox_opened(inbox);

    if (open_unseen) {
        open_unseen = false;
        opens();
        ENDS(.code = CCAAS_OK, .close_code = 1001, .opened = true);
    }
    return at;
}

/* -- A subscription -----------------------------------------------------------
 */

static struct ccaas_engine *engine;
static struct ccaas_client *client;
static struct ccaas_live *live;
static struct ccaas_news news;

static struct ccaas_live_plan usual_plan(void)
{
    static const char *const paths[CCAAS_LIVE_PARTS] = {"k", "c", "t",
                                                        "n", "u", "v"};

    return (struct ccaas_live_plan){.url = "wss://host/live?ids=1",
                                    .paths = paths,
                                    .queue = 4,
                                    .silence = 60,
                                    .reconnects = -1,
                                    .pause_first = 1,
                                    .pause_most = 30,
                                    .deadline = INFINITY,
                                    .max_message = 1000};
}

static void begin(const struct ccaas_live_plan *plan,
                  const struct ccaas_settings *settings)
{
    static const struct ccaas_settings none = {.connect_timeout = 10};

    luck = 0;
    opened = 0;
    last = NULL;
    engine_refuses = false;
    engine = ccaas_engine_new();
    client = ccaas_client_new(engine, settings ? settings : &none);
    live = ccaas_live_new(client, plan);
}

static void begin_usual(void)
{
    struct ccaas_live_plan plan = usual_plan();

    begin(&plan, NULL);
}

/* Frees it; a socket that is left ends only then. */
static void finish(void)
{
    ccaas_live_free(live);
    CHECK(!last || last->released);
    if (last && !last->over) {
        CHECK(last->closed);
        ENDS(.code = CCAAS_CANCELLED);
    }
    ccaas_client_free(client);
    ccaas_engine_free(engine);
}

static enum ccaas_live_take take(void)
{
    return ccaas_live_take(live, &news);
}

#define TAKES(what) CHECK_INT(take(), CCAAS_LIVE_TAKE_##what)

static void open_it(void)
{
    TAKES(WAIT);
    opens();
    TAKES(OPEN);
    TAKES(WAIT);
}

static const struct ccaas_error *error(void)
{
    return ccaas_live_error(live);
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

static void lose(void)
{
    ENDS(.code = CCAAS_NETWORK, .transient = true, .opened = true,
         .message = "lost");
}

static void refuse(int status)
{
    bool transient = status >= 500;

    ENDS(.code = status == 401 ? CCAAS_AUTH
                 : transient   ? CCAAS_SERVER
                               : CCAAS_BAD_REQUEST,
         .status = status, .transient = transient, .message = "refused");
}

/* -- Opening
 * ------------------------------------------------------------------- */

static void first_take_opens(void)
{
    begin_usual();
    CHECK_INT(opened, 0);
    open_it();
    CHECK_INT(opened, 1);
    CHECK_STR(last->url, "wss://host/live?ids=1");
    CHECK_STR(last->bearer, "");
    finish();
}

static void tells_opening(void)
{
    begin_usual();
    TAKES(WAIT);
    TAKES(WAIT);
    now += 3;
    opens();
    now += 2;
    TAKES(OPEN);
    CHECK_INT(news.attempt, 1);
    CHECK(news.at == now - 2 + 1e9);
    CHECK(news.from < 0);
    finish();
}

static void token_in_header(void)
{
    struct ccaas_live_plan plan = usual_plan();
    struct ccaas_settings settings = {.token = "se/cret+"};

    begin(&plan, &settings);
    open_it();
    CHECK_STR(last->url, "wss://host/live?ids=1");
    CHECK_STR(last->bearer, "se/cret+");
    finish();
}

static void token_in_query(void)
{
    struct ccaas_live_plan plan = usual_plan();
    struct ccaas_settings settings = {.token = "a-._~Z9/+=&%"};

    plan.token_name = "auth";
    begin(&plan, &settings);
    open_it();
    CHECK_STR(last->url, "wss://host/live?ids=1&auth=a-._~Z9%2F%2B%3D%26%25");
    CHECK_STR(last->bearer, "");
    ENDS(.code = CCAAS_OK, .close_code = 1008, .opened = true,
         .close_reason = "no a-._~Z9/+=&% here");
    TAKES(DOWN);
    CHECK(!strstr(error()->message, "a-._~"));
    CHECK(!strstr(error()->url, "auth"));
    finish();
    plan.url = "wss://host/live";
    begin(&plan, &settings);
    open_it();
    CHECK_STR(last->url, "wss://host/live?auth=a-._~Z9%2F%2B%3D%26%25");
    finish();
}

static void never_opened(void)
{
    begin_usual();
    engine_refuses = true;
    failed(CCAAS_IO);
    CHECK(*error()->message);
    finish();
}

static void seen_late(void)
{
    begin_usual();
    TAKES(WAIT);
    opens();
    says("{\"k\":\"1\",\"v\":{}}");
    says("[]");
    lose();
    TAKES(OPEN);
    TAKES(UPDATE);
    TAKES(MESSAGE);
    CHECK(!news.fault);
    TAKES(DOWN);
    CHECK(live->lost == 1);
    finish();
}

static void opened_between_looks(void)
{
    begin_usual();
    TAKES(WAIT);
    open_unseen = true;
    TAKES(OPEN);
    TAKES(DOWN);
    CHECK_STR(error()->message, "the server closed the websocket (1001)");
    now += 1;
    TAKES(WAIT);
    CHECK_INT(opened, 2);
    finish();
}

/* -- Losing it
 * ------------------------------------------------------------------- */

static void opened_again(void)
{
    double at;

    begin_usual();
    open_it();
    now += 10;
    at = now + 1e9;
    ENDS(.code = CCAAS_NETWORK, .transient = true, .opened = true, .quiet = 7);
    now += 5;
    TAKES(DOWN);
    CHECK(news.at == at);
    CHECK(last->released);
    TAKES(WAIT);
    CHECK(ccaas_live_timeout(live) == 0.5);
    now += 0.4;
    TAKES(WAIT);
    CHECK_INT(opened, 1);
    now += 0.2;
    TAKES(WAIT);
    CHECK_INT(opened, 2);
    opens();
    TAKES(OPEN);
    CHECK_INT(news.attempt, 1);
    CHECK(news.from == at - 7);
    finish();
}

/* The gap began with the loss, however many attempts follow it, and is told
 * once. */
static void gap_over_attempts(void)
{
    double at;

    begin_usual();
    open_it();
    at = now + 1e9;
    lose();
    TAKES(DOWN);
    for (int i = 0; i < 5; i++) {
        now += 100;
        TAKES(WAIT);
        CHECK_INT(opened, i + 2);
        refuse(503);
        TAKES(WAIT);
    }
    now += 100;
    TAKES(WAIT);
    opens();
    TAKES(OPEN);
    CHECK(news.from == at);
    CHECK_INT(news.attempt, 6);
    lose();
    TAKES(DOWN);
    CHECK(live->lost_at == now + 1e9);
    now += 100;
    TAKES(WAIT);
    opens();
    TAKES(OPEN);
    CHECK(news.from > at);
    CHECK(news.from == now - 100 + 1e9);
    finish();
}

static void pauses(void)
{
    static const double waits[] = {0.5, 1, 2, 4, 8, 15, 15};

    begin_usual();
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        TAKES(WAIT);
        CHECK_INT(opened, i + 1);
        if (i % 2) {
            opens();
            TAKES(OPEN);
            now += 59;
            lose();
        } else {
            refuse(503);
        }
        /* A refusal after a loss is no news. */
        if (i % 2 || i == 0)
            TAKES(DOWN);
        TAKES(WAIT);
        CHECK(fabs(ccaas_live_timeout(live) - waits[i]) < 1e-6);
        now += waits[i];
    }
    finish();
}

static void settles(void)
{
    begin_usual();
    for (int i = 0; i < 4; i++) {
        TAKES(WAIT);
        opens();
        TAKES(OPEN);
        now += 60;
        lose();
        TAKES(DOWN);
        TAKES(WAIT);
        CHECK(fabs(ccaas_live_timeout(live) - 0.5) < 1e-6);
        now += 1;
    }
    finish();
}

static void asked_to_wait(void)
{
    begin_usual();
    TAKES(WAIT);
    ENDS(.code = CCAAS_SERVER, .status = 503, .transient = true,
         .retry_after = "42");
    TAKES(DOWN);
    CHECK(error()->retry_after == 42);
    TAKES(WAIT);
    CHECK(fabs(ccaas_live_timeout(live) - 42) < 1e-6);
    finish();
}

static void final_refusals(void)
{
    static const int statuses[] = {400, 401, 403, 404, 302};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        begin_usual();
        TAKES(WAIT);
        refuse(statuses[i]);
        failed(statuses[i] == 401 ? CCAAS_AUTH : CCAAS_BAD_REQUEST);
        CHECK_INT(error()->status, statuses[i]);
        finish();
        /* After it was open, too. */
        begin_usual();
        open_it();
        lose();
        TAKES(DOWN);
        now += 1;
        TAKES(WAIT);
        refuse(statuses[i]);
        failed(statuses[i] == 401 ? CCAAS_AUTH : CCAAS_BAD_REQUEST);
        finish();
    }
}

static void ends_of_an_open_one(void)
{
    begin_usual();
    open_it();
    ENDS(.code = CCAAS_PROTOCOL, .opened = true, .message = "not UTF-8");
    TAKES(DOWN);
    CHECK_INT(news.error->code, CCAAS_PROTOCOL);
    now += 1;
    TAKES(WAIT);
    CHECK_INT(opened, 2);
    opens();
    TAKES(OPEN);
    ENDS(.code = CCAAS_TOO_LARGE, .opened = true, .message = "too large");
    failed(CCAAS_TOO_LARGE);
    finish();
}

static void reasons(void)
{
    begin_usual();
    open_it();
    ENDS(.code = CCAAS_OK, .close_code = 4000, .close_reason = "why",
         .opened = true);
    TAKES(DOWN);
    CHECK_INT(news.error->code, CCAAS_NETWORK);
    CHECK_STR(news.error->message,
              "the server closed the websocket (4000: why)");
    CHECK(news.error->retryable);
    finish();
}

static void engine_ends(void)
{
    begin_usual();
    open_it();
    ENDS(.code = CCAAS_CANCELLED, .opened = true, .message = "closed");
    failed(CCAAS_CANCELLED);
    finish();
    begin_usual();
    TAKES(WAIT);
    ENDS(.code = CCAAS_CANCELLED, .message = "closed");
    failed(CCAAS_CANCELLED);
    finish();
}

/* -- How often
 * -------------------------------------------------------------------- */

static void attempts_at_first(void)
{
    for (int most = 0; most < 4; most++) {
        struct ccaas_live_plan plan = usual_plan();

        plan.reconnects = most;
        begin(&plan, NULL);
        for (int i = 0; i < most; i++) {
            TAKES(WAIT);
            refuse(503);
            CHECK_INT(take(), i ? CCAAS_LIVE_TAKE_WAIT : CCAAS_LIVE_TAKE_DOWN);
            now += 100;
        }
        TAKES(WAIT);
        refuse(503);
        failed(CCAAS_SERVER);
        CHECK_INT(opened, most + 1);
        finish();
    }
}

static void attempts_after_a_loss(void)
{
    for (int most = 0; most < 4; most++) {
        struct ccaas_live_plan plan = usual_plan();

        plan.reconnects = most;
        begin(&plan, NULL);
        open_it();
        lose();
        for (int i = 0; i < most; i++) {
            CHECK_INT(take(), i ? CCAAS_LIVE_TAKE_WAIT : CCAAS_LIVE_TAKE_DOWN);
            now += 100;
            TAKES(WAIT);
            refuse(503);
        }
        failed(most ? CCAAS_SERVER : CCAAS_NETWORK);
        CHECK_INT(opened, most + 1);
        finish();
    }
}

static void attempts_start_anew(void)
{
    struct ccaas_live_plan plan = usual_plan();

    plan.reconnects = 2;
    begin(&plan, NULL);
    for (int i = 0; i < 10; i++) {
        TAKES(WAIT);
        if (i % 2) {
            opens();
            TAKES(OPEN);
            CHECK_INT(news.attempt, i == 1 || i > 2 ? 2 : 1);
            lose();
        } else {
            refuse(503);
        }
        take();
        now += 100;
    }
    CHECK(live->state != CCAAS_LIVE_OVER);
    finish();
}

/* -- The token
 * --------------------------------------------------------------------- */

static void begin_asking(void)
{
    struct ccaas_live_plan plan = usual_plan();
    struct ccaas_settings settings = {.ask_token = true};

    begin(&plan, &settings);
}

static void answer(const char *token)
{
    ccaas_live_answer(live, token);
    TAKES(WAIT);
    CHECK_STR(last->bearer, token);
}

static void asks_once_more(void)
{
    begin_asking();
    TAKES(ASK);
    TAKES(ASK);
    CHECK_STR(ccaas_live_question(live), "start");
    answer("one");
    refuse(401);
    TAKES(ASK);
    CHECK_STR(ccaas_live_question(live), "refused");
    answer("two");
    CHECK_INT(opened, 2);
    refuse(401);
    failed(CCAAS_AUTH);
    finish();
}

static void asks_after_each_opening(void)
{
    begin_asking();
    TAKES(ASK);
    answer("one");
    for (int i = 0; i < 3; i++) {
        opens();
        TAKES(OPEN);
        lose();
        TAKES(DOWN);
        now += 100;
        TAKES(WAIT);
        CHECK_STR(last->bearer, i ? "more" : "one");
        refuse(401);
        TAKES(ASK);
        answer("more");
    }
    finish();
}

static void no_token(void)
{
    begin_asking();
    TAKES(ASK);
    ccaas_live_answer(live, NULL);
    failed(CCAAS_AUTH);
    CHECK_INT(opened, 0);
    finish();
}

static void given_token(void)
{
    struct ccaas_live_plan plan = usual_plan();
    struct ccaas_settings settings = {.token = "given"};

    begin(&plan, &settings);
    TAKES(WAIT);
    refuse(401);
    failed(CCAAS_AUTH);
    CHECK_INT(opened, 1);
    finish();
}

static void closed_while_asked(void)
{
    begin_asking();
    TAKES(ASK);
    ccaas_live_close(live);
    failed(CCAAS_CANCELLED);
    ccaas_live_answer(live, "late");
    failed(CCAAS_CANCELLED);
    CHECK_INT(opened, 0);
    finish();
}

/* -- Closing, deadline, fork
 * -------------------------------------------------------- */

static void to_start(void)
{
}

static void to_opening(void)
{
    TAKES(WAIT);
}

static void to_opened_unseen(void)
{
    TAKES(WAIT);
    opens();
    says("{}");
}

static void to_message(void)
{
    open_it();
    says("{}");
}

static void to_lost(void)
{
    open_it();
    lose();
}

static void to_pause(void)
{
    to_lost();
    TAKES(DOWN);
}

static void to_second_opening(void)
{
    to_pause();
    now += 1;
    TAKES(WAIT);
}

static void (*const states[])(void) = {
    to_start,   to_opening, to_opened_unseen, open_it,
    to_message, to_lost,    to_pause,         to_second_opening};

#define STATES (sizeof states / sizeof *states)

static void closed_in_each_state(void)
{
    for (size_t i = 0; i < STATES; i++)
        for (int whole_client = 0; whole_client < 2; whole_client++) {
            begin_usual();
            states[i]();
            if (whole_client)
                ccaas_client_close(client);
            else
                ccaas_live_close(live);
            CHECK(!last || (last->released && (last->closed || last->over)));
            if (last && !last->over) {
                opens(); /* they may still be on their way */
                says("{}");
            }
            failed(CCAAS_CANCELLED);
            ccaas_live_close(live);
            finish();
        }
    begin_usual();
    ccaas_client_close(client);
    ccaas_live_free(live);
    live = ccaas_live_new(
        client, &(struct ccaas_live_plan){.url = "ws://x",
                                          .paths = usual_plan().paths});
    failed(CCAAS_CANCELLED);
    finish();
}

static void freed_in_each_state(void)
{
    for (size_t i = 0; i < STATES; i++) {
        begin_usual();
        states[i]();
        finish();
    }
}

static void deadline_in_each_state(void)
{
    for (size_t i = 1; i < STATES; i++) {
        struct ccaas_live_plan plan = usual_plan();
        double began = now, due;

        plan.deadline = 30;
        begin(&plan, NULL);
        states[i]();
        due = ccaas_live_timeout(live);
        CHECK(due <= began + 30 - now);
        now = began + 30;
        failed(CCAAS_TIMEOUT);
        finish();
    }
}

/* It counts from the first take, and is kept while messages never end. */
static void deadline_under_load(void)
{
    struct ccaas_live_plan plan = usual_plan();
    int i;

    plan.deadline = 30;
    begin(&plan, NULL);
    now += 100;
    open_it();
    now += 30;
    for (i = 0; i < 200; i++) {
        says("{}");
        if (take() == CCAAS_LIVE_TAKE_ERROR)
            break;
    }
    CHECK(i < 100);
    failed(CCAAS_TIMEOUT);
    finish();
}

static void forked(void)
{
    for (size_t i = 1; i < STATES; i++) {
        pid_t child;
        int status = -1;

        begin_usual();
        states[i]();
        if (i == 4)
            TAKES(MESSAGE);
        child = fork();
        if (child == 0) {
            bool good = take() == CCAAS_LIVE_TAKE_ERROR &&
                        error()->code == CCAAS_CANCELLED &&
                        strstr(error()->message, "fork") != NULL;

            ccaas_live_free(live);
            _exit(good ? 0 : 1);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK_INT(status, 0);
        CHECK(take() != CCAAS_LIVE_TAKE_ERROR);
        finish();
    }
}

/* -- Messages
 * ------------------------------------------------------------------------ */

static void stale(void)
{
    struct ccaas_live_info info;

    begin_usual();
    open_it();
    says("{\"k\":\"1\",\"u\":\"2024-01-01T00:05Z\",\"v\":{}}");
    says("{\"k\":\"1\",\"u\":\"2024-01-01T00:04Z\",\"v\":{}}");
    says("{\"k\":\"2\",\"u\":\"2024-01-01T00:04Z\",\"v\":{}}");
    says("{\"k\":\"1\",\"v\":{}}");
    TAKES(UPDATE);
    TAKES(UPDATE);
    CHECK(strstr(news.bytes, "\"2\"") != NULL);
    TAKES(UPDATE);
    TAKES(WAIT);
    CHECK(!ccaas_live_note(live, "1", 1, "", 0, "2024-01-01T00:04Z", 17));
    CHECK(ccaas_live_note(live, "1", 1, "", 0, "2024-01-01T00:06Z", 17));
    CHECK(ccaas_live_note(live, "1", 1, "", 0, "", 0));
    CHECK(ccaas_live_note(live, "1", 1, "x", 1, "2024-01-01T00:04Z", 17));
    says("{\"k\":\"1\",\"u\":\"2024-01-01T00:05Z\",\"v\":{}}");
    TAKES(WAIT);
    ccaas_live_info(live, &info);
    CHECK_INT(info.stale, 3);
    CHECK_INT(info.messages, 3);
    finish();
}

/* What was known of before a loss is still known of after it. */
static void stale_after_a_loss(void)
{
    begin_usual();
    open_it();
    says("{\"k\":\"1\",\"u\":\"2024-01-01T00:05Z\",\"v\":{}}");
    TAKES(UPDATE);
    lose();
    TAKES(DOWN);
    now += 1;
    open_it();
    says("{\"k\":\"1\",\"u\":\"2024-01-01T00:04Z\",\"v\":{}}");
    TAKES(WAIT);
    finish();
}

static void resumes(void)
{
    struct ccaas_live_plan plan = usual_plan();

    plan.block = true;
    begin(&plan, NULL);
    open_it();
    for (int i = 0; i < 4; i++)
        says("{}");
    TAKES(MESSAGE);
    CHECK_INT(last->resumed, 0);
    TAKES(MESSAGE);
    CHECK_INT(last->resumed, 1);
    TAKES(MESSAGE);
    TAKES(MESSAGE);
    TAKES(WAIT);
    CHECK_INT(last->resumed, 1);
    finish();
}

static void faults(void)
{
    begin_usual();
    open_it();
    says("{\"k\":x}");
    says("");
    TAKES(MESSAGE);
    CHECK(news.fault && news.fault_at == 5);
    TAKES(MESSAGE);
    CHECK(news.fault && news.length == 0 && news.bytes);
    finish();
}

int main(void)
{
    it("is opened by the first take", first_take_opens);
    it("tells when it was opened", tells_opening);
    it("sends the token as a header", token_in_header);
    it("sends it in the query, encoded, where that has a name for it, and says "
       "it nowhere",
       token_in_query);
    it("fails when no socket can be had at all", never_opened);
    it("tells one thing after the other to one who comes late", seen_late);
    it("takes no opening for a refusal, however short it was",
       opened_between_looks);
    it("is opened again after a pause, and tells since when something may be "
       "missed",
       opened_again);
    it("counts a gap from the loss, over all attempts", gap_over_attempts);
    it("pauses for longer with each failure, also where it was open for a "
       "while",
       pauses);
    it("starts anew once it was settled", settles);
    it("waits as long as it is asked to", asked_to_wait);
    it("ends with a refusal that is final", final_refusals);
    it("is opened again whatever ended it, but a message that is too large",
       ends_of_an_open_one);
    it("tells the server's reason", reasons);
    it("ends with its engine", engine_ends);
    it("counts attempts from the first one", attempts_at_first);
    it("counts attempts from a loss", attempts_after_a_loss);
    it("counts them anew after each success", attempts_start_anew);
    it("asks once more for a token that was refused", asks_once_more);
    it("does so once after each opening", asks_after_each_opening);
    it("ends without a token", no_token);
    it("ends with a given token that is refused", given_token);
    it("may be closed while a token is asked for", closed_while_asked);
    it("may be closed in each state", closed_in_each_state);
    it("may be freed in each state", freed_in_each_state);
    it("ends at its deadline in each state", deadline_in_each_state);
    it("ends at its deadline, however much there is to read",
       deadline_under_load);
    it("is over in a forked child, and goes on in the parent", forked);
    it("passes over what is older than what was given", stale);
    it("does so after a loss, too", stale_after_a_loss);
    it("has the sender go on", resumes);
    it("gives what is no JSON, with the reason", faults);
    return check_report();
}
