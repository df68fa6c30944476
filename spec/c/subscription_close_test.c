/* What a websocket's closing says of the token and of the link. */
#include "subscription_peer.h"

/* A subscription whose token comes from a function. */
static void begin_asking(const struct ccaas_subscription_plan *plan)
{
    static const struct ccaas_settings settings = {.connect_timeout = 10,
                                                   .ask_token = true};
    struct ccaas_subscription_plan usual = usual_plan();

    begin(plan ? plan : &usual, &settings);
    TAKES(ASK);
}

static void answer(const char *token)
{
    ccaas_subscription_give_token(sub, token);
    TAKES(WAIT);
    CHECK_STR(last->bearer, token);
}

static void opened_now(void)
{
    opens();
    TAKES(OPEN);
}

/* The server closes it; that is told, and the pause goes by. */
static void closes(int code, bool received)
{
    ENDS(.code = CCAAS_OK, .close_code = code, .opened = true,
         .received = received);
    TAKES(DOWN);
    now += 100;
}

static const int refusing[] = {1008, 3000, 3003, 4001, 4401, 0};

static struct ccaas_subscription_plan plan_with_codes(void)
{
    struct ccaas_subscription_plan plan = usual_plan();

    plan.refusals[0] = 4001;
    plan.refusals[1] = 4401;
    return plan;
}

static void refusals_ask_once(void)
{
    struct ccaas_subscription_plan plan = plan_with_codes();
    const int *code;

    for (code = refusing; *code; code++) {
        begin_asking(&plan);
        answer("one");
        opened_now();
        closes(*code, false);
        CHECK_INT(error()->code, CCAAS_AUTH);
        TAKES(ASK);
        CHECK_STR(ccaas_subscription_token_reason(sub), "refused");
        answer("two");
        opened_now();
        ENDS(.code = CCAAS_OK, .close_code = *code, .opened = true);
        failed(CCAAS_AUTH);
        CHECK(!error()->retryable);
        finish();
    }
}

static void refusals_of_a_given_token(void)
{
    struct ccaas_subscription_plan plan = plan_with_codes();
    struct ccaas_settings settings = {.token = "given"};
    const int *code;

    for (code = refusing; *code; code++) {
        begin(&plan, &settings);
        open_it();
        ENDS(.code = CCAAS_OK, .close_code = *code, .opened = true,
             .close_reason = "not given");
        failed(CCAAS_AUTH);
        CHECK(strstr(error()->message, "refuses the token") != NULL);
        CHECK(!strstr(error()->message, "given"));
        CHECK_INT(opened, 1);
        finish();
    }
}

static void other_codes_refuse_nothing(void)
{
    static const int codes[] = {1000, 1001, 1005, 1011, 3001, 4000, 4401, 0};
    struct ccaas_settings settings = {.token = "given"};
    const int *code;

    for (code = codes; *code; code++) {
        struct ccaas_subscription_plan plan = usual_plan();

        begin(&plan, &settings);
        open_it();
        closes(*code, true);
        CHECK_INT(error()->code, CCAAS_NETWORK);
        open_it();
        finish();
    }
}

static void message_counts_anew(void)
{
    begin_asking(NULL);
    answer("one");
    for (int i = 0; i < 4; i++) {
        opened_now();
        closes(1008, i > 0);
        TAKES(ASK);
        answer(i % 2 ? "odd" : "even");
    }
    opened_now();
    ENDS(.code = CCAAS_OK, .close_code = 1008, .opened = true);
    failed(CCAAS_AUTH);
    finish();
}

static void long_open_counts_anew(void)
{
    begin_asking(NULL);
    answer("one");
    for (int i = 0; i < 4; i++) {
        opened_now();
        now += 61;
        closes(1008, false);
        TAKES(ASK);
        answer(i % 2 ? "odd" : "even");
    }
    finish();
}

static void three_in_a_row_ask(void)
{
    begin_asking(NULL);
    answer("one");
    for (int i = 1; i < 12; i++) {
        opened_now();
        if (i % 2) {
            closes(1001, false);
        } else {
            ENDS(.code = CCAAS_NETWORK, .transient = true, .opened = true);
            TAKES(DOWN);
            now += 100;
        }
        if (i == 3) {
            TAKES(ASK);
            CHECK_STR(ccaas_subscription_token_reason(sub), "refused");
            answer("two");
        } else {
            TAKES(WAIT);
            CHECK_STR(last->bearer, i < 3 ? "one" : "two");
        }
    }
    /* A message starts the count anew. */
    opened_now();
    closes(1001, true);
    for (int i = 1; i <= 3; i++) {
        TAKES(WAIT);
        opened_now();
        closes(1001, false);
    }
    TAKES(ASK);
    finish();
}

static void no_success_without_message(void)
{
    struct ccaas_settings settings = {.token = "given"};

    for (int most = 0; most < 4; most++) {
        struct ccaas_subscription_plan plan = usual_plan();

        plan.reconnects = most;
        begin(&plan, &settings);
        for (int i = 0; i < most; i++) {
            TAKES(WAIT);
            opened_now();
            closes(1001, false);
        }
        TAKES(WAIT);
        opened_now();
        ENDS(.code = CCAAS_OK, .close_code = 1001, .opened = true);
        failed(CCAAS_NETWORK);
        CHECK_INT(opened, most + 1);
        finish();
    }
}

/* What the message says of a code; the close is told as down. */
static void says_of(int code, const char *reason, const char *text)
{
    struct cc_ws_end end = {
        .code = CCAAS_OK, .close_code = code, .opened = true};

    begin_usual();
    open_it();
    snprintf(end.close_reason, sizeof end.close_reason, "%s", reason);
    ends(end);
    TAKES(DOWN);
    CHECK_STR(error()->message, text);
    finish();
}

static void messages(void)
{
    says_of(1001, "", "the server closed the websocket (1001)");
    says_of(1011, "oh", "the server closed the websocket (1011: oh)");
    says_of(1005, "", "the server closed the websocket (no code)");
    says_of(1013, "later", "the server closed the websocket (1013: later)");
}

int main(void)
{
    it("asks for another token once when a closing code refuses it",
       refusals_ask_once);
    it("ends at once if a given token is refused so",
       refusals_of_a_given_token);
    it("treats no other code as a refusal", other_codes_refuse_nothing);
    it("counts refusals from zero after a message", message_counts_anew);
    it("counts them from zero after a minute", long_open_counts_anew);
    it("asks for another token after three sockets without a message",
       three_in_a_row_ask);
    it("does not count a socket without a message as a success",
       no_success_without_message);
    it("says with which code it was closed", messages);
    return check_report();
}
