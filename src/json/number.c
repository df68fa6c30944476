/* Reading numbers: what can be had exactly with one multiplication or division
 * of exact doubles is (nearly all there are), the rest is left to strtod_l in
 * the C locale.
 */
#include "number.h"

#include <float.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

/* Made once for the process and never freed: threads may be using it. */
static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

double cc_number_from(const char *text)
{
    pthread_once(&c_locale_once, make_c_locale);
    /* No memory for a locale: then the process's own, at the worst. */
    return c_locale ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
}

/* The number as digits and a power of ten. */
struct decimal {
    bool minus;
    bool integral; /* written without point and exponent */
    bool whole;    /* all digits are in `digits` */
    uint64_t digits;
    int power;
};

static int read_exponent(const char *at, const char *end)
{
    bool minus = *at == '-';
    int power = 0;

    for (at += minus || *at == '+'; at < end; at++)
        if (power < 10000)
            power = power * 10 + (*at - '0');
    return minus ? -power : power;
}

static struct decimal read_decimal(const char *at, const char *end)
{
    struct decimal decimal = {.integral = true, .whole = true};
    bool point = false;
    int taken = 0;

    decimal.minus = *at == '-';
    for (at += decimal.minus; at < end; at++) {
        if (*at == '.') {
            point = true;
            decimal.integral = false;
        } else if (*at == 'e' || *at == 'E') {
            decimal.integral = false;
            decimal.power += read_exponent(at + 1, end);
            break;
        } else if (taken < 19) {
            decimal.digits = decimal.digits * 10 + (uint64_t)(*at - '0');
            taken += decimal.digits != 0;
            decimal.power -= point;
        } else {
            decimal.whole = false;
        }
    }
    return decimal;
}

/* The double, when it comes out exactly rounded by a single operation. */
static bool read_exactly(const struct decimal *decimal, double *real)
{
    static const double powers[] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

    if (FLT_EVAL_METHOD != 0 || !decimal->whole ||
        decimal->digits > (uint64_t)1 << 53 || decimal->power < -22 ||
        decimal->power > 22)
        return false;
    *real = (double)decimal->digits;
    if (decimal->power < 0)
        *real /= powers[-decimal->power];
    else
        *real *= powers[decimal->power];
    if (decimal->minus)
        *real = -*real;
    return true;
}

bool cc_number_read(const char *begin, const char *end, char *scratch,
                    size_t room, struct cc_number *number)
{
    struct decimal decimal = read_decimal(begin, end);
    uint64_t most = (uint64_t)INT64_MAX + decimal.minus;
    size_t length = (size_t)(end - begin);
    char text[64];

    number->is_integer =
        decimal.integral && decimal.whole && decimal.digits <= most;
    if (number->is_integer) {
        number->integer = decimal.minus ? (int64_t)(0 - decimal.digits)
                                        : (int64_t)decimal.digits;
        return true;
    }
    if (read_exactly(&decimal, &number->real))
        return true;
    if (length < sizeof text) {
        scratch = text;
        room = sizeof text;
    }
    if (length >= room)
        return false;
    memcpy(scratch, begin, length);
    scratch[length] = '\0';
    number->real = cc_number_from(scratch);
    return true;
}
