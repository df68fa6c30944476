/* A subscription is opened, lost, and opened again. */
#include "subscription_peer.h"

/* -- Opening --------------------------------------------------------------- */

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
    struct ccaas_subscription_plan plan = usual_plan();
    struct ccaas_settings settings = {.token = "se/cret+"};

    begin(&plan, &settings);
    open_it();
    CHECK_STR(last->url, "wss://host/live?ids=1");
    CHECK_STR(last->bearer, "se/cret+");
    finish();
}

static void token_in_query(void)
{
    struct ccaas_subscription_plan plan = usual_plan();
    struct ccaas_settings settings = {.token = "a-._~Z9/+=&%"};

    plan.token_name = "auth";
    begin(&plan, &settings);
    open_it();
    CHECK_STR(last->url, "wss://host/live?ids=1&auth=a-._~Z9%2F%2B%3D%26%25");
    CHECK_STR(last->bearer, "");
    ENDS(.code = CCAAS_OK, .close_code = 1011, .opened = true,
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
    CHECK(sub->lost == 1);
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

/* -- Losing it ------------------------------------------------------------- */

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
    CHECK(ccaas_subscription_timeout(sub) == 0.5);
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
    CHECK(sub->lost_at == now + 1e9);
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
        CHECK(fabs(ccaas_subscription_timeout(sub) - waits[i]) < 1e-6);
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
        CHECK(fabs(ccaas_subscription_timeout(sub) - 0.5) < 1e-6);
        now += 1;
    }
    finish();
}

/* It is the link that has to be settled, not its reader. */
static void settles_by_itself(void)
{
    begin_usual();
    for (int i = 0; i < 3; i++) {
        TAKES(WAIT);
        opens();
        TAKES(OPEN);
        lose();
        now += 600;
        TAKES(DOWN);
        TAKES(WAIT);
        CHECK(fabs(ccaas_subscription_timeout(sub) - (0.5 * (1 << i))) < 1e-6);
        now += 30;
    }
    finish();
}

static void asked_to_wait(void)
{
    begin_usual();
    TAKES(WAIT);
    ENDS(.code = CCAAS_SERVER, .status = 503, .transient = true,
         .answer = "retry-after\0"
                   "42",
         .answer_length = 15);
    TAKES(DOWN);
    CHECK(error()->retry_after == 42);
    TAKES(WAIT);
    CHECK(fabs(ccaas_subscription_timeout(sub) - 42) < 1e-6);
    finish();
}

static void refused_late(void)
{
    now += 0.5;
    ENDS(.code = CCAAS_SERVER, .status = 503, .transient = true,
         .answer = "retry-after\0"
                   "42",
         .answer_length = 15);
}

static void asked_to_wait_after_the_look_at_the_clock(void)
{
    begin_usual();
    TAKES(WAIT);
    then = refused_late;
    TAKES(DOWN);
    TAKES(WAIT);
    CHECK(fabs(ccaas_subscription_timeout(sub) - 42) < 1e-6);
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

/* A message is lost for want of memory: what came before it is given, and the
 * gap begins with it. */
static void memory(void)
{
    double at;

    begin_usual();
    open_it();
    says("{\"k\":\"1\",\"v\":{}}");
    now += 5;
    at = now + 1e9;
    memory_is_out = true;
    says("{\"k\":\"2\",\"v\":{}}");
    memory_is_out = false;
    now += 5;
    says("{\"k\":\"3\",\"v\":{}}");
    TAKES(UPDATE);
    CHECK(!last->closed);
    TAKES(WAIT);
    CHECK(last->closed);
    CHECK_INT(last->resumed, 0);
    ENDS(.code = CCAAS_CANCELLED, .opened = true, .message = "closed");
    TAKES(DOWN);
    CHECK_INT(news.error->code, CCAAS_MEMORY);
    now += 1;
    TAKES(WAIT);
    opens();
    TAKES(OPEN);
    CHECK(news.from == at);
    finish();
}

/* -- How often ------------------------------------------------------------- */

static void attempts_at_first(void)
{
    for (int most = 0; most < 4; most++) {
        struct ccaas_subscription_plan plan = usual_plan();

        plan.reconnects = most;
        begin(&plan, NULL);
        for (int i = 0; i < most; i++) {
            TAKES(WAIT);
            refuse(503);
            CHECK_INT(take(), i ? CCAAS_NEWS_WAIT : CCAAS_NEWS_DOWN);
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
        struct ccaas_subscription_plan plan = usual_plan();

        plan.reconnects = most;
        begin(&plan, NULL);
        open_it();
        lose();
        for (int i = 0; i < most; i++) {
            CHECK_INT(take(), i ? CCAAS_NEWS_WAIT : CCAAS_NEWS_DOWN);
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
    struct ccaas_subscription_plan plan = usual_plan();

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
    CHECK(sub->state != CC_SUBSCRIPTION_OVER);
    finish();
}

int main(void)
{
    it("is opened by the first take", first_take_opens);
    it("tells when it was opened", tells_opening);
    it("sends the token as a header", token_in_header);
    it("sends it in the query, encoded, if that has a name for it, and shows "
       "it nowhere",
       token_in_query);
    it("fails if no socket can be made at all", never_opened);
    it("tells a late reader everything in order", seen_late);
    it("does not treat an opening as a refusal, however short it was",
       opened_between_looks);
    it("is opened again after a pause, and tells since when something may be "
       "missed",
       opened_again);
    it("counts a gap from the loss, over all attempts", gap_over_attempts);
    it("pauses for longer with each failure, even if it was open for a while",
       pauses);
    it("starts again once it was stable", settles);
    it("is not stable while its reader is slow", settles_by_itself);
    it("waits as long as it is asked to", asked_to_wait);
    it("waits that long from the moment it is asked to",
       asked_to_wait_after_the_look_at_the_clock);
    it("ends with a refusal that is final", final_refusals);
    it("is opened again whatever ended it, except a message that is too large",
       ends_of_an_open_one);
    it("tells the server's reason", reasons);
    it("ends with its engine", engine_ends);
    it("is opened again after a message was lost for lack of memory", memory);
    it("counts attempts from the first one", attempts_at_first);
    it("counts attempts from a loss", attempts_after_a_loss);
    it("counts them from zero after each success", attempts_start_anew);
    return check_report();
}
