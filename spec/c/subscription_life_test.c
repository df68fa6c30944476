/* A subscription's token, end and messages. */
#include "subscription_peer.h"

#include <sys/wait.h>
#include <unistd.h>

/* -- The token ------------------------------------------------------------- */

static void begin_asking(void)
{
    struct ccaas_subscription_plan plan = usual_plan();
    struct ccaas_settings settings = {.ask_token = true};

    begin(&plan, &settings);
}

static void answer(const char *token)
{
    ccaas_subscription_give_token(sub, token);
    TAKES(WAIT);
    CHECK_STR(last->bearer, token);
}

static void asks_once_more(void)
{
    begin_asking();
    TAKES(ASK);
    TAKES(ASK);
    CHECK_STR(ccaas_subscription_token_reason(sub), "start");
    answer("one");
    refuse(401);
    TAKES(ASK);
    CHECK_STR(ccaas_subscription_token_reason(sub), "refused");
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
    ccaas_subscription_give_token(sub, NULL);
    failed(CCAAS_AUTH);
    CHECK_INT(opened, 0);
    finish();
}

static void given_token(void)
{
    struct ccaas_subscription_plan plan = usual_plan();
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
    ccaas_subscription_close(sub);
    failed(CCAAS_CANCELLED);
    ccaas_subscription_give_token(sub, "late");
    failed(CCAAS_CANCELLED);
    CHECK_INT(opened, 0);
    finish();
}

/* -- Closing, deadline, fork ----------------------------------------------- */

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
                ccaas_subscription_close(sub);
            CHECK(!last || (last->released && (last->closed || last->over)));
            if (last && !last->over) {
                opens(); /* they may still be on their way */
                says("{}");
            }
            failed(CCAAS_CANCELLED);
            ccaas_subscription_close(sub);
            finish();
        }
    begin_usual();
    ccaas_client_close(client);
    ccaas_subscription_free(sub);
    sub = ccaas_subscription_new(
        client, &(struct ccaas_subscription_plan){.url = "ws://x",
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
        struct ccaas_subscription_plan plan = usual_plan();
        double began = now, due;

        plan.deadline = 30;
        begin(&plan, NULL);
        states[i]();
        due = ccaas_subscription_timeout(sub);
        CHECK(due <= began + 30 - now);
        now = began + 30;
        failed(CCAAS_TIMEOUT);
        finish();
    }
}

/* It counts from the first take, and is kept while messages never end. */
static void deadline_under_load(void)
{
    struct ccaas_subscription_plan plan = usual_plan();
    int i;

    plan.deadline = 30;
    begin(&plan, NULL);
    now += 100;
    open_it();
    now += 30;
    for (i = 0; i < 200; i++) {
        says("{}");
        if (take() == CCAAS_NEWS_ERROR)
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
            bool good = take() == CCAAS_NEWS_ERROR &&
                        error()->code == CCAAS_CANCELLED &&
                        strstr(error()->message, "fork") != NULL;

            ccaas_subscription_free(sub);
            _exit(good ? 0 : 1);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK_INT(status, 0);
        CHECK(take() != CCAAS_NEWS_ERROR);
        finish();
    }
}

/* -- Messages -------------------------------------------------------------- */

static void stale(void)
{
    struct ccaas_subscription_info info;

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
    CHECK(
        !ccaas_subscription_note(sub, "1", 1, "", 0, "2024-01-01T00:04Z", 17));
    CHECK(ccaas_subscription_note(sub, "1", 1, "", 0, "2024-01-01T00:06Z", 17));
    CHECK(ccaas_subscription_note(sub, "1", 1, "", 0, "", 0));
    CHECK(
        ccaas_subscription_note(sub, "1", 1, "x", 1, "2024-01-01T00:04Z", 17));
    says("{\"k\":\"1\",\"u\":\"2024-01-01T00:05Z\",\"v\":{}}");
    TAKES(WAIT);
    ccaas_subscription_info(sub, &info);
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
    struct ccaas_subscription_plan plan = usual_plan();

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
    it("lets the sender go on", resumes);
    it("gives a message that is not JSON, with the reason", faults);
    return check_report();
}
