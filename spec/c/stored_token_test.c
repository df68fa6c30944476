/* What a store keeps under a token's key. */
#include "stored_token.h"

#include "check.h"
#include "token_life.h"

#define NOW 1800000000.0

static struct cc_stored_token got;

static bool reads(const char *text, double wall)
{
    memset(&got, 0, sizeof got);
    return cc_stored_token_read(text, strlen(text), wall, &got);
}

static char *token(double left, double life)
{
    const struct cc_stored_token stored = {.left = left,
                                           .life = life,
                                           .text = "a.token",
                                           .length = strlen("a.token")};

    return cc_stored_token_write(&stored, NOW);
}

static bool near(double have, double want)
{
    return have > want - 0.002 && have < want + 0.002;
}

static void there_and_back(void)
{
    char *text = token(1000, 1799);

    CHECK(reads(text, NOW + 10));
    CHECK_INT(got.code, CCAAS_OK);
    CHECK(near(got.left, 990));
    CHECK(near(got.life, 1799));
    CHECK_INT(got.length, 7);
    CHECK(strncmp(got.text, "a.token", 7) == 0);
    free(text);
}

static void over(void)
{
    char *text = token(1000, 1799);

    CHECK(reads(text, NOW + 999.9));
    CHECK(!reads(text, NOW + 1000.1));
    CHECK(!reads(text, NOW + 1e9));
    free(text);
}

static void clocks_differ(void)
{
    char *text = token(1000, 1799);

    /* Ours is an hour behind: it would live 4,600 s. */
    CHECK(reads(text, NOW - 3600));
    CHECK(near(got.left, 1799));
    free(text);
}

static void life_is_bounded(void)
{
    char *text = token(1e7, 1e7);

    CHECK(reads(text, NOW));
    CHECK(near(got.life, CC_TOKEN_LIFE_MOST));
    CHECK(near(got.left, CC_TOKEN_LIFE_MOST));
    free(text);
}

static void errors(void)
{
    const struct cc_stored_token stored = {.code = CCAAS_AUTH,
                                           .status = 401,
                                           .left = 900,
                                           .life = 900,
                                           .text = "ClientId is Invalid",
                                           .length = 19};
    char *text = cc_stored_token_write(&stored, NOW);

    CHECK(reads(text, NOW));
    CHECK_INT(got.code, CCAAS_AUTH);
    CHECK_INT(got.status, 401);
    CHECK_INT(got.length, 19);
    CHECK(strncmp(got.text, "ClientId is Invalid", 19) == 0);
    CHECK(near(got.left, CC_TOKEN_LIFE_DENIAL));
    free(text);
    CHECK(reads("ccaas1 server 503 1800000002000 2000 ", NOW));
    CHECK_INT(got.code, CCAAS_SERVER);
    CHECK_INT(got.length, 0);
}

static void foreign(void)
{
    char *text = token(1000, 1799);
    char cut[256];

    for (size_t i = 0; i + strlen("a.token") <= strlen(text); i++) {
        snprintf(cut, sizeof cut, "%.*s", (int)i, text);
        CHECK(!reads(cut, NOW));
    }
    free(text);
    CHECK(!reads("ccaas2 ok 0 1800001000000 1799000 T", NOW));
    CHECK(!reads("ccaas1 fine 0 1800001000000 1799000 T", NOW));
    CHECK(!reads("ccaas1 ok 0 -5 1799000 T", NOW));
    CHECK(!reads("ccaas1 ok 0 1800001000000 -1 T", NOW));
    CHECK(!reads("ccaas1 ok 0 1800001000000 0 T", NOW));
    CHECK(!reads("ccaas1 ok 0 999999999999999999 1799000 T", NOW));
    CHECK(!reads("ccaas1 ok 0 1800001000000 1799000T", NOW));
    CHECK(!reads("", NOW));
    CHECK(!cc_stored_token_read(NULL, 0, NOW, &got));
}

static void unsendable(void)
{
    static char longest[CC_STORED_TOKEN_MOST + 100];
    int head = sprintf(longest, "ccaas1 ok 0 1800001000000 1799000 ");
    size_t end = (size_t)head + CC_STORED_TOKEN_MOST;

    CHECK(!reads("ccaas1 ok 0 1800001000000 1799000 ", NOW));
    CHECK(!reads("ccaas1 ok 0 1800001000000 1799000 two words", NOW));
    CHECK(!reads("ccaas1 ok 0 1800001000000 1799000 T\r\nX: y", NOW));
    CHECK(!reads("ccaas1 ok 0 1800001000000 1799000 T\n", NOW));
    CHECK(!reads("ccaas1 ok 0 1800001000000 1799000 T\xc3\xa4", NOW));
    CHECK(!cc_stored_token_read("ccaas1 ok 0 1800001000000 1799000 T\0U", 37,
                                NOW, &got));
    memset(longest + head, 't', CC_STORED_TOKEN_MOST - 1);
    CHECK(reads(longest, NOW));
    longest[end - 1] = 't';
    CHECK(!reads(longest, NOW));
}

int main(void)
{
    it("is read as it was written", there_and_back);
    it("is gone when it has expired", over);
    it("lives no longer from now than in all, whatever the clocks say",
       clocks_differ);
    it("lives no longer than a token can", life_is_bounded);
    it("may be an error, which lives no longer than one does", errors);
    it("is ignored if it is foreign or damaged", foreign);
    it("holds no token that could not be sent", unsendable);
    return check_report();
}
