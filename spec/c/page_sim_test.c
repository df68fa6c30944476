/* Walks over lists that change under way, some thousand of them: which rows are
 * given, and what the walk says of itself.  The server is simulated, so that
 * the moment of each change is the seed's. */
#include "page_list.h"

#define SEEDS 300

/* Walks with that many seeds each: sizes 1 to 5, 1 and 8 pages side by side. */
struct tally {
    long walks, misses, silent, doubled, strange, broken, requests, passes,
        clean;
};

static void add(struct tally *tally, const struct course *course)
{
    struct outcome outcome = run(course);

    tally->walks++;
    tally->misses += outcome.missed > 0;
    tally->silent += outcome.missed > 0 && world.walk.clean;
    tally->doubled += outcome.doubled;
    tally->strange += outcome.strange;
    tally->broken += !outcome.ended;
    tally->requests += outcome.requests;
    tally->passes += world.walk.passes;
    tally->clean += world.walk.clean;
}

static struct tally tally_of(struct course course, const double *rates,
                             int rate_count, long changes)
{
    struct tally tally = {0};

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (course.size = 1; course.size <= 5; course.size++) {
            for (course.wide = 1; course.wide <= 8; course.wide += 7) {
                course.seed =
                    seed * 1000 + (uint64_t)course.size * 10 + course.wide;
                course.rows =
                    1 + (int64_t)(seed * 7 % 43) + course.first * course.size;
                course.rate = rates[seed % (uint64_t)rate_count];
                course.changes = changes < 0 ? -1 : (long)(seed % 3) + 1;
                add(&tally, &course);
            }
        }
    }
    return tally;
}

static void check_whole(const struct tally *tally)
{
    CHECK(tally->walks > 1000);
    CHECK_INT(tally->misses, 0);
    CHECK_INT(tally->doubled, 0);
    CHECK_INT(tally->strange, 0);
    CHECK_INT(tally->broken, 0);
}

/* Row 3 of six, size 2, moved from page 1 to page 0 when row 1 was removed, and
 * was lost: forward passes alone cannot find it. */
static void removals(void)
{
    static const double rates[] = {0.02, 0.1, 0.3, 0.6, 0.9};

    for (int verify = 0; verify < 2; verify++) {
        struct tally tally = tally_of(
            (struct course){.change = REMOVE, .verify = verify}, rates, 5, -1);

        check_whole(&tally);
    }
}

static void additions(void)
{
    /* Fewer than rows are read: a list that grows as fast has no end. */
    static const double rates[] = {0.02, 0.1, 0.15};

    for (int verify = 0; verify < 2; verify++) {
        struct tally tally = tally_of(
            (struct course){.change = ADD, .verify = verify}, rates, 3, -1);

        check_whole(&tally);
    }
}

static void then_quiet(void)
{
    static const double rates[] = {0.005, 0.02, 0.05, 0.1, 0.3};
    struct tally tally =
        tally_of((struct course){.change = MIX, .verify = true}, rates, 5, 3);

    check_whole(&tally);
}

static void mixed_without_end(void)
{
    static const double rates[] = {0.01, 0.05, 0.1, 0.2};

    for (int verify = 0; verify < 2; verify++) {
        struct tally tally = tally_of(
            (struct course){.change = MIX, .verify = verify}, rates, 4, -1);

        CHECK_INT(tally.doubled, 0);
        CHECK_INT(tally.strange, 0);
        CHECK_INT(tally.broken, 0);
        printf("  mixed without end%s: %ld walks, %.2f passes each, %.2f %% "
               "miss a row: %.2f %% silently, %.2f %% told\n",
               verify ? ", verify" : "", tally.walks,
               (double)tally.passes / (double)tally.walks,
               100.0 * (double)tally.misses / (double)tally.walks,
               100.0 * (double)tally.silent / (double)tally.walks,
               100.0 * (double)(tally.misses - tally.silent) /
                   (double)tally.walks);
    }
}

static void in_the_middle(void)
{
    static const double rates[] = {0.02, 0.1, 0.2};
    static const enum change changes[] = {REMOVE, ADD};

    for (int i = 0; i < 2; i++) {
        for (int64_t first = 1; first <= 3; first++) {
            struct tally tally =
                tally_of((struct course){.change = changes[i], .first = first},
                         rates, 3, -1);

            CHECK_INT(tally.misses, 0);
            CHECK_INT(tally.doubled, 0);
            CHECK_INT(tally.strange, 0);
        }
    }
}

static void many_pages(void)
{
    static const enum change changes[] = {REMOVE, ADD, MIX};

    for (int i = 0; i < 3; i++) {
        struct tally tally = {0};

        for (uint64_t seed = 0; seed < 60; seed++) {
            struct course course = {.seed = seed,
                                    .rows = 505,
                                    .size = 5,
                                    .wide = seed % 2 ? 8 : 1,
                                    .change = changes[i],
                                    .verify = changes[i] == MIX,
                                    .rate = 0.05,
                                    .changes = changes[i] == MIX ? 3 : -1};

            add(&tally, &course);
        }
        CHECK_INT(tally.misses + tally.doubled + tally.strange + tally.broken,
                  0);
    }
}

static void quiet(void)
{
    static const double never[] = {0};
    struct tally tally = tally_of((struct course){0}, never, 1, -1);

    check_whole(&tally);
    CHECK_INT(tally.passes, tally.walks); /* none costs a second pass */
    tally = tally_of((struct course){.verify = true}, never, 1, -1);
    check_whole(&tally);
    CHECK_INT(tally.passes, 2 * tally.walks);
}

static void one_too_high(void)
{
    static const double never[] = {0};

    for (int verify = 0; verify < 2; verify++) {
        struct tally tally = tally_of(
            (struct course){.surplus = 1, .verify = verify}, never, 1, -1);

        CHECK_INT(tally.misses + tally.doubled + tally.strange + tally.broken,
                  0);
        CHECK_INT(tally.passes, 2 * tally.walks);
        CHECK_INT(tally.clean, 0);
    }
}

int main(void)
{
    it("miss no row while rows are only removed, at any rate", removals);
    it("miss no row while rows are only added", additions);
    it("miss no row with `verify` after one to three changes", then_quiet);
    it("give no row twice while rows come and go without end",
       mixed_without_end);
    it("miss no row from the page on that they begin with", in_the_middle);
    it("miss no row of 101 pages", many_pages);
    it("are one pass over a list that does not change, and two with `verify`",
       quiet);
    it("are two passes if the total is always one too high", one_too_high);
    return check_report();
}
