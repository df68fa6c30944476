/* What a C spec needs: named tests, checks that say what they saw, a count. */
#ifndef CC_SPEC_CHECK_H
#define CC_SPEC_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_tests, check_failures, check_failed_here;
static const char *check_name;

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            check_failed_here = 1;                                             \
            printf("  %s:%d: not so: %s\n", __FILE__, __LINE__, #condition);   \
        }                                                                      \
    } while (0)

#define CHECK_INT(have, want)                                                  \
    do {                                                                       \
        long long check_have = (long long)(have);                              \
        long long check_want = (long long)(want);                              \
        if (check_have != check_want) {                                        \
            check_failed_here = 1;                                             \
            printf("  %s:%d: %s is %lld, wanted %lld\n", __FILE__, __LINE__,   \
                   #have, check_have, check_want);                             \
        }                                                                      \
    } while (0)

#define CHECK_STR(have, want)                                                  \
    do {                                                                       \
        const char *check_have = (have);                                       \
        const char *check_want = (want);                                       \
        if (!check_have || strcmp(check_have, check_want) != 0) {              \
            check_failed_here = 1;                                             \
            printf("  %s:%d: %s is \"%s\", wanted \"%s\"\n", __FILE__,         \
                   __LINE__, #have, check_have ? check_have : "(null)",        \
                   check_want);                                                \
        }                                                                      \
    } while (0)

/* Runs one test, a function without arguments, under a title that reads as a
 * specification. */
static void it(const char *title, void (*test)(void))
{
    check_name = title;
    check_failed_here = 0;
    check_tests++;
    test();
    check_failures += check_failed_here;
    printf("%sok: %s\n", check_failed_here ? "not " : "", title);
}

/* The last thing main() does: the count that spec/run.sh adds up. */
static int check_report(void)
{
    printf("%d passed, %d failed\n", check_tests - check_failures,
           check_failures);
    return check_failures || !check_tests;
}

#endif
