/* When a call asks: paces, pauses and leases, whatever happens between two
 * looks at the clock. */
#include "call_peer.h"

/* Two calls through one gate: the first was sent, the second waits. */
static struct ccaas_call *first, *second;

static void start_two(unsigned retries, double deadline)
{
    start("T");
    first = call_with("tenant", retries, deadline);
    second = new_call("tenant");
    CHECK_INT(take(first), CCAAS_TAKE_WAIT);
    CHECK_INT(take(second), CCAAS_TAKE_WAIT);
    CHECK_INT(sent, 1);
}

/* The second one goes so many seconds after the answer to the first. */
static void finish_two(double seconds)
{
    wait_for_sending(second, 2);
    CHECK(sent_at >= answered_at + seconds);
    CHECK(sent_at < answered_at + seconds + 0.2);
    ccaas_call_free(first);
    ccaas_call_free(second);
    finish();
}

static void counts_the_pace_from_the_answer(void)
{
    start_two(3, INFINITY);
    then = answers_well;
    CHECK_INT(take(first), CCAAS_TAKE_END);
    finish_two(3);
}

static void counts_the_pace_from_the_end(void)
{
    struct ccaas_call *call;
    double before;

    start("T");
    call = new_call("tenant");
    CHECK_INT(take(call), CCAAS_TAKE_WAIT);
    then = breaks_off;
    wait_for_sending(call, 2);
    CHECK(sent_at >= answered_at + 3);
    CHECK(sent_at < answered_at + 3.2);
    before = sent_at;
    then = cannot_connect;
    wait_for_sending(call, 3);
    CHECK(sent_at >= before + 3);
    CHECK(sent_at < before + 3.2);
    ccaas_call_free(call);
    finish();
}

/* One of two calls ends before anything of its answer was read: the other may
 * go three seconds after it may have arrived. */
static void counts_the_pace_of_one_that_is_closed(void)
{
    start_two(3, INFINITY);
    now += 2;
    ENDS(.code = CCAAS_CANCELLED, .sent = true);
    ccaas_call_close(first);
    answered_at = now;
    finish_two(3);
}

static void counts_the_pace_of_one_that_is_late(void)
{
    start_two(3, 4);
    now += 3.8;
    answers_well();
    CHECK_INT(take(first), CCAAS_TAKE_ERROR); /* its deadline has passed */
    finish_two(3);
}

/* A year, says a server that is out of its mind. */
static void keeps_others_back_for_a_minute_at_most(void)
{
    start_two(3, 30);
    then = answers_absurdly;
    CHECK_INT(take(first), CCAAS_TAKE_ERROR);
    finish_two(60);
}

static void keeps_others_back_after_the_last_attempt(void)
{
    start_two(0, INFINITY);
    then = answers_far_too_fast;
    CHECK_INT(take(first), CCAAS_TAKE_ERROR);
    finish_two(20);
}

/* The gate opens while a new token is asked for: there is nothing to look for
 * until it comes. */
static void sleeps_until_the_token_comes(void)
{
    start(NULL);
    first = new_call("tenant");
    second = new_call("tenant");
    CHECK_INT(take(first), CCAAS_TAKE_WAIT);
    brings_token();
    CHECK_INT(take(first), CCAAS_TAKE_WAIT);
    CHECK_INT(sent, 2);
    CHECK_INT(take(second), CCAAS_TAKE_WAIT);
    answers_well();
    CHECK_INT(take(first), CCAAS_TAKE_END);
    wait_for_sending(second, 3); /* the token request */
    now = answered_at + 4;
    CHECK_INT(take(second), CCAAS_TAKE_WAIT);
    CHECK(ccaas_call_timeout(second) > 0.5);
    brings_token();
    wait_for_sending(second, 4);
    ccaas_call_free(first);
    ccaas_call_free(second);
    finish();
}

/* The turn at the gate is a lease of a store that is slow to answer. */
static void counts_a_lease_from_the_question(void)
{
    struct ccaas_store_request question;
    struct ccaas_call *call;
    double asked_at;

    store = 1;
    start("T");
    store = 0;
    call = new_call("tenant");
    CHECK_INT(take(call), CCAAS_TAKE_ASK);
    CHECK(ccaas_client_store_request(client, &question));
    CHECK_INT(question.kind, CCAAS_STORE_ENTER);
    asked_at = now;
    now += 3;
    ccaas_client_store_reply(client, question.id, CCAAS_STORE_DONE, NULL);
    CHECK_INT(take(call), CCAAS_TAKE_WAIT);
    CHECK_INT(sent, 1);
    CHECK_INT(take(call), CCAAS_TAKE_WAIT); /* not yet */
    now += (asked_at + question.seconds - now) / 3 + 0.01;
    CHECK_INT(take(call), CCAAS_TAKE_ASK);
    CHECK(ccaas_client_store_request(client, &question));
    CHECK_INT(question.kind, CCAAS_STORE_HOLD);
    ccaas_client_store_reply(client, question.id, CCAAS_STORE_DONE, NULL);
    ccaas_call_free(call);
    finish();
}

/* It answers when that time is over. */
static void does_without_a_lease_that_is_over(void)
{
    struct ccaas_store_request question;
    struct ccaas_call *call;

    store = 1;
    start("T");
    store = 0;
    call = new_call("tenant");
    CHECK_INT(take(call), CCAAS_TAKE_ASK);
    CHECK(ccaas_client_store_request(client, &question));
    now += question.seconds + 0.1;
    ccaas_client_store_reply(client, question.id, CCAAS_STORE_DONE, NULL);
    CHECK_INT(take(call), CCAAS_TAKE_WAIT);
    CHECK_INT(sent, 1);
    ccaas_call_free(call);
    finish();
}

static void counts_a_pause_of_a_subscription_without_token_so(void)
{
    static const char *const paths[CCAAS_UPDATE_PARTS] = {"k", "c", "t",
                                                          "n", "u", "v"};
    struct ccaas_subscription_plan plan = {.url = "wss://h/live",
                                           .paths = paths,
                                           .queue = 4,
                                           .silence = 60,
                                           .reconnects = -1,
                                           .pause_first = 1,
                                           .pause_most = 30,
                                           .deadline = INFINITY,
                                           .max_message = 1000};
    struct ccaas_subscription *live;
    struct ccaas_news news;
    int looks;

    token_retries = 0;
    start(NULL);
    live = ccaas_subscription_new(client, &plan);
    CHECK_INT(ccaas_subscription_take(live, &news), CCAAS_NEWS_WAIT);
    then = answers_too_fast;
    CHECK_INT(ccaas_subscription_take(live, &news), CCAAS_NEWS_DOWN);
    for (looks = 0; sent < 2 && looks < 1000; looks++) {
        CHECK_INT(ccaas_subscription_take(live, &news), CCAAS_NEWS_WAIT);
        if (sent < 2)
            now += fmin(fmax(ccaas_subscription_timeout(live), 0.001), 0.1);
    }
    CHECK(sent_at >= answered_at + 2);
    CHECK(sent_at < answered_at + 2.2);
    token_retries = 3;
    ccaas_subscription_free(live);
    finish();
}

static void counts_a_pause_from_the_answer(void)
{
    struct ccaas_call *call;

    start("T");
    call = new_call(NULL);
    CHECK_INT(take(call), CCAAS_TAKE_WAIT);
    then = answers_too_fast;
    wait_for_sending(call, 2);
    CHECK(sent_at >= answered_at + 2);
    CHECK(sent_at < answered_at + 2.2);
    ccaas_call_free(call);
    finish();
}

static void waits_until_a_date(void)
{
    struct ccaas_call *call;

    start("T");
    call = new_call(NULL);
    CHECK_INT(take(call), CCAAS_TAKE_WAIT);
    asks_for_a_date();
    now += 10; /* who reads it is late */
    wait_for_sending(call, 2);
    CHECK(sent_at >= 1020);
    CHECK(sent_at < 1021.2);
    ccaas_call_free(call);
    finish();
}

/* Its date was measured when the answer was read: 3.6 s too early. */
static void waits_until_a_date_where_it_is_not_ready(void)
{
    struct ccaas_call *call;

    start("T");
    patient = true;
    call = new_call(NULL);
    patient = false;
    CHECK_INT(take(call), CCAAS_TAKE_WAIT);
    says_not_ready_until_a_date();
    now += 3.6;        /* who reads it is late */
    wall_step = -3600; /* and the clock is set back meanwhile */
    wait_for_sending(call, 2);
    CHECK(sent_at >= 1020);
    CHECK(sent_at < 1021.2);
    wall_step = 0;
    ccaas_call_free(call);
    finish();
}

static void counts_a_pause_of_the_token_request_so(void)
{
    struct ccaas_call *call;

    start(NULL);
    call = new_call(NULL);
    CHECK_INT(take(call), CCAAS_TAKE_WAIT);
    then = answers_too_fast;
    wait_for_sending(call, 2);
    CHECK(sent_at >= answered_at + 2);
    CHECK(sent_at < answered_at + 2.2);
    ccaas_call_free(call);
    finish();
}

int main(void)
{
    it("counts the pace from when the answer is there",
       counts_the_pace_from_the_answer);
    it("counts it from the end if there is no answer, except for a request "
       "never sent",
       counts_the_pace_from_the_end);
    it("counts it from now if a call is closed before its answer",
       counts_the_pace_of_one_that_is_closed);
    it("counts it so if a call is too late to read its answer",
       counts_the_pace_of_one_that_is_late);
    it("holds others back for as long as a refusal says, even after the last "
       "attempt",
       keeps_others_back_after_the_last_attempt);
    it("holds them back for a minute at most if it does not wait itself",
       keeps_others_back_for_a_minute_at_most);
    it("sleeps until the token comes if its turn has come already",
       sleeps_until_the_token_comes);
    it("counts a lease from the moment of the request to the store",
       counts_a_lease_from_the_question);
    it("does not use one that has expired when the store answers",
       does_without_a_lease_that_is_over);
    it("counts a pause from when the answer is there",
       counts_a_pause_from_the_answer);
    it("waits until a date, however late the answer is read",
       waits_until_a_date);
    it("waits so for a report that is not ready, even if the clock is set",
       waits_until_a_date_where_it_is_not_ready);
    it("counts a pause of the token request the same way",
       counts_a_pause_of_the_token_request_so);
    it("counts a pause of a subscription without a token the same way",
       counts_a_pause_of_a_subscription_without_token_so);
    return check_report();
}
