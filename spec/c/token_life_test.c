/* Who asks for a token, and until when it is fresh. */
#include "token_life.h"

#include "check.h"

#include <math.h>

static struct cc_token_life life;

/* A token asked for at `now` that lives `lifetime` seconds. */
static void grant(double now, double lifetime)
{
    cc_token_life_start(&life);
    CHECK_INT(cc_token_life_need(&life, now), CC_TOKEN_LIFE_ASK);
    cc_token_life_granted(&life, lifetime);
}

/* The token that is held is fresh until `end`, and no longer. */
static void check_fresh_until(double end)
{
    CHECK_INT(cc_token_life_need(&life, end - 0.001), CC_TOKEN_LIFE_HAVE);
    CHECK_INT(cc_token_life_need(&life, end + 0.001), CC_TOKEN_LIFE_ASK);
}

static void one_asks(void)
{
    cc_token_life_start(&life);
    CHECK_INT(life.generation, 0);
    CHECK_INT(cc_token_life_need(&life, 0), CC_TOKEN_LIFE_ASK);
    for (int i = 0; i < 50; i++) {
        CHECK_INT(cc_token_life_need(&life, i), CC_TOKEN_LIFE_WAIT);
    }
    cc_token_life_granted(&life, 1799);
    for (int i = 0; i < 50; i++) {
        CHECK_INT(cc_token_life_need(&life, 50 + i), CC_TOKEN_LIFE_HAVE);
    }
    CHECK_INT(life.generation, 1);
}

static void any_clock(void)
{
    grant(-1e6, 1800);
    check_fresh_until(-1e6 + 1740);
    grant(0, 1800);
    check_fresh_until(1740);
    grant(1e9, 1800);
    check_fresh_until(1e9 + 1740);
}

static void life_from_asking(void)
{
    cc_token_life_start(&life);
    CHECK_INT(cc_token_life_need(&life, 100), CC_TOKEN_LIFE_ASK);
    CHECK_INT(cc_token_life_need(&life, 120), CC_TOKEN_LIFE_WAIT);
    cc_token_life_granted(&life, 1800); /* 25 s later, say */
    check_fresh_until(100 + 1800 - 60);
}

static void margin_long(void)
{
    grant(1000, 1799);
    check_fresh_until(1000 + 1799 - 60);
    grant(1000, 3600);
    check_fresh_until(1000 + 3600 - 60);
}

static void margin_short(void)
{
    grant(1000, 600);
    check_fresh_until(1000 + 600 - 60);
    grant(1000, 599);
    check_fresh_until(1000 + 599 - 59.9);
    grant(1000, 10);
    check_fresh_until(1000 + 10 - 1);
}

static void life_unknown(void)
{
    static const double unknown[] = {NAN, 0, -1, -INFINITY};

    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        grant(1000, unknown[i]);
        check_fresh_until(1000 + CC_TOKEN_LIFE_DEFAULT - 60);
    }
}

static void life_capped(void)
{
    grant(1000, CC_TOKEN_LIFE_MOST - 1);
    check_fresh_until(1000 + CC_TOKEN_LIFE_MOST - 1 - 60);
    grant(1000, CC_TOKEN_LIFE_MOST);
    check_fresh_until(1000 + CC_TOKEN_LIFE_MOST - 60);
    grant(1000, CC_TOKEN_LIFE_MOST + 1);
    check_fresh_until(1000 + CC_TOKEN_LIFE_MOST - 60);
    grant(1000, INFINITY);
    check_fresh_until(1000 + CC_TOKEN_LIFE_MOST - 60);
}

static void life_shorter_than_asking(void)
{
    grant(1000, 2);
    CHECK(life.held);
    CHECK_INT(life.generation, 1);
    CHECK_INT(cc_token_life_need(&life, 1005), CC_TOKEN_LIFE_ASK);
}

static void renewal(void)
{
    grant(0, 600);
    CHECK_INT(cc_token_life_need(&life, 540), CC_TOKEN_LIFE_ASK);
    CHECK_INT(cc_token_life_need(&life, 540), CC_TOKEN_LIFE_WAIT);
    cc_token_life_granted(&life, 600);
    CHECK_INT(life.generation, 2);
    check_fresh_until(540 + 540);
}

static void refused_newest(void)
{
    grant(0, 1800);
    cc_token_life_refused(&life, 1);
    CHECK(!life.held);
    CHECK_INT(cc_token_life_need(&life, 1), CC_TOKEN_LIFE_ASK);
    CHECK_INT(cc_token_life_need(&life, 1), CC_TOKEN_LIFE_WAIT);
}

static void refused_by_many(void)
{
    grant(0, 1800);
    cc_token_life_refused(&life, 1);
    CHECK_INT(cc_token_life_need(&life, 1), CC_TOKEN_LIFE_ASK);
    cc_token_life_refused(&life, 1);
    CHECK_INT(cc_token_life_need(&life, 1), CC_TOKEN_LIFE_WAIT);
    cc_token_life_granted(&life, 1800);
    cc_token_life_refused(&life, 1);
    CHECK_INT(cc_token_life_need(&life, 2), CC_TOKEN_LIFE_HAVE);
    CHECK_INT(life.generation, 2);
}

static void refused_unknown(void)
{
    grant(0, 1800);
    cc_token_life_refused(&life, 0);
    cc_token_life_refused(&life, 2);
    CHECK_INT(cc_token_life_need(&life, 1), CC_TOKEN_LIFE_HAVE);
}

static void refused_while_asking(void)
{
    grant(0, 600);
    CHECK_INT(cc_token_life_need(&life, 550), CC_TOKEN_LIFE_ASK);
    cc_token_life_refused(&life, 1);
    CHECK_INT(cc_token_life_need(&life, 551), CC_TOKEN_LIFE_WAIT);
    cc_token_life_granted(&life, 600);
    CHECK_INT(cc_token_life_need(&life, 552), CC_TOKEN_LIFE_HAVE);
}

static void refused_then_failed(void)
{
    grant(0, 1800);
    cc_token_life_refused(&life, 1);
    CHECK_INT(cc_token_life_need(&life, 1), CC_TOKEN_LIFE_ASK);
    cc_token_life_failed(&life);
    CHECK_INT(cc_token_life_need(&life, 2), CC_TOKEN_LIFE_ASK);
}

static void denial(void)
{
    cc_token_life_start(&life);
    CHECK_INT(cc_token_life_need(&life, 100), CC_TOKEN_LIFE_ASK);
    cc_token_life_denied(&life, 103, CC_TOKEN_LIFE_DENIAL);
    CHECK_INT(cc_token_life_need(&life, 103), CC_TOKEN_LIFE_DENIED);
    CHECK_INT(cc_token_life_need(&life, 107.999), CC_TOKEN_LIFE_DENIED);
    CHECK_INT(cc_token_life_need(&life, 108), CC_TOKEN_LIFE_ASK);
    CHECK_INT(cc_token_life_need(&life, 108), CC_TOKEN_LIFE_WAIT);
}

static void denial_forgotten(void)
{
    cc_token_life_start(&life);
    CHECK_INT(cc_token_life_need(&life, 100), CC_TOKEN_LIFE_ASK);
    cc_token_life_denied(&life, 100, CC_TOKEN_LIFE_DENIAL);
    CHECK_INT(cc_token_life_need(&life, 105), CC_TOKEN_LIFE_ASK);
    cc_token_life_granted(&life, 1800);
    cc_token_life_refused(&life, 1);
    CHECK_INT(cc_token_life_need(&life, 101), CC_TOKEN_LIFE_ASK);
}

static void denial_at_renewal(void)
{
    grant(0, 600);
    CHECK_INT(cc_token_life_need(&life, 540), CC_TOKEN_LIFE_ASK);
    cc_token_life_denied(&life, 541, CC_TOKEN_LIFE_DENIAL);
    CHECK(!life.held);
    CHECK_INT(cc_token_life_need(&life, 542), CC_TOKEN_LIFE_DENIED);
    CHECK_INT(cc_token_life_need(&life, 546), CC_TOKEN_LIFE_ASK);
    CHECK_INT(life.generation, 1);
}

static void failure(void)
{
    cc_token_life_start(&life);
    CHECK_INT(cc_token_life_need(&life, 100), CC_TOKEN_LIFE_ASK);
    cc_token_life_failed(&life);
    CHECK_INT(cc_token_life_need(&life, 100), CC_TOKEN_LIFE_ASK);
    CHECK_INT(cc_token_life_need(&life, 100), CC_TOKEN_LIFE_WAIT);
    CHECK_INT(life.generation, 0);
}

static void never_two(void)
{
    unsigned chance = 1;
    int asking = 0;
    double now = 0;

    cc_token_life_start(&life);
    for (int i = 0; i < 100000; i++) {
        chance = chance * 1664525u + 1013904223u;
        now += chance >> 24;
        switch (chance >> 16 & 7) {
        case 0:
            if (asking) {
                cc_token_life_granted(&life, chance >> 20);
                asking = 0;
            }
            break;
        case 1:
            if (asking) {
                cc_token_life_denied(&life, now, CC_TOKEN_LIFE_DENIAL);
                asking = 0;
            }
            break;
        case 2:
            if (asking) {
                cc_token_life_failed(&life);
                asking = 0;
            }
            break;
        case 3:
            cc_token_life_refused(&life, life.generation - (chance >> 30));
            break;
        default:
            if (cc_token_life_need(&life, now) == CC_TOKEN_LIFE_ASK) {
                CHECK(!asking);
                asking = 1;
            }
        }
    }
    CHECK(life.generation > 1000);
}

static void found_elsewhere(void)
{
    cc_token_life_start(&life);
    CHECK_INT(cc_token_life_need(&life, 100), CC_TOKEN_LIFE_ASK);
    CHECK(cc_token_life_found(&life, 100, 1000, 1800));
    CHECK_INT(life.generation, 1);
    check_fresh_until(100 + 1000 - 60);
}

static void found_stale(void)
{
    static const double lefts[] = {60, 59, 0, -1};

    cc_token_life_start(&life);
    CHECK_INT(cc_token_life_need(&life, 0), CC_TOKEN_LIFE_ASK);
    for (size_t i = 0; i < sizeof lefts / sizeof *lefts; i++)
        CHECK(!cc_token_life_found(&life, 0, lefts[i], 1800));
    CHECK(!cc_token_life_found(&life, 0, 10, 0));
    CHECK(!cc_token_life_found(&life, 0, NAN, 1800));
    CHECK(!cc_token_life_found(&life, 0, 10, NAN));
    CHECK_INT(life.generation, 0);
    CHECK_INT(cc_token_life_need(&life, 0), CC_TOKEN_LIFE_WAIT);
}

static void found_too_good(void)
{
    cc_token_life_start(&life);
    CHECK(cc_token_life_found(&life, 0, 1e9, 1800));
    check_fresh_until(1800 - 60);
    cc_token_life_start(&life);
    CHECK(cc_token_life_found(&life, 0, INFINITY, INFINITY));
    check_fresh_until(CC_TOKEN_LIFE_MOST - 60);
}

static void denied_elsewhere(void)
{
    cc_token_life_start(&life);
    CHECK_INT(cc_token_life_need(&life, 0), CC_TOKEN_LIFE_ASK);
    cc_token_life_denied(&life, 0, 2);
    CHECK_INT(cc_token_life_need(&life, 1.999), CC_TOKEN_LIFE_DENIED);
    CHECK_INT(cc_token_life_need(&life, 2.001), CC_TOKEN_LIFE_ASK);
    cc_token_life_denied(&life, 10, 1e9);
    CHECK_INT(cc_token_life_need(&life, 10 + CC_TOKEN_LIFE_DENIAL - 0.001),
              CC_TOKEN_LIFE_DENIED);
    CHECK_INT(cc_token_life_need(&life, 10 + CC_TOKEN_LIFE_DENIAL + 0.001),
              CC_TOKEN_LIFE_ASK);
}

int main(void)
{
    it("a token that another process requested has the margin of its whole "
       "life",
       found_elsewhere);
    it("a token from a store that is not fresh is not used", found_stale);
    it("a token from a store lives no longer than a token can", found_too_good);
    it("credentials refused elsewhere stay refused for the rest of the time",
       denied_elsewhere);
    it("lets one call request the first token, and all others wait", one_asks);
    it("works on a clock that starts anywhere", any_clock);
    it("counts a token's life from the moment of the request",
       life_from_asking);
    it("renews a token 60 s before its end", margin_long);
    it("renews one that lives under 600 s by a tenth of its life",
       margin_short);
    it("gives half an hour to a token without a lifetime", life_unknown);
    it("limits a token's life to a day", life_capped);
    it("holds a token that lives shorter than its request takes, and requests "
       "another",
       life_shorter_than_asking);
    it("lets one call renew a token that is no longer fresh", renewal);
    it("throws away a token that was refused", refused_newest);
    it("requests once if many calls are refused with the same token",
       refused_by_many);
    it("does nothing if a token is refused that is not the newest",
       refused_unknown);
    it("lets a request go on if the old token is refused in the meantime",
       refused_while_asking);
    it("requests again if the token after a refused one could not be obtained",
       refused_then_failed);
    it("remembers wrong credentials for 5 s, then lets one call request",
       denial);
    it("forgets a denial when a token arrives", denial_forgotten);
    it("remembers a denial that comes at a renewal", denial_at_renewal);
    it("lets the next call request if no answer came", failure);
    it("never lets two calls request at the same time, whatever happens",
       never_two);
    return check_report();
}
