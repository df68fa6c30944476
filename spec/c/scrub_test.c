/* A secret is taken out of a text, however it is written there. */
#include "scrub.h"

#include "check.h"

#include <time.h>

#define SECRET "t0k/en+w%th\\od\"d.ch&rs-_~=="

static char room[1 << 20];

/* The text without the secret. */
static const char *scrubbed_of(const char *text, size_t length, bool is_cut,
                               const char *secret)
{
    memmove(room, text, length);
    room[cc_scrub(room, length, is_cut, &secret, 1)] = '\0';
    return room;
}

static const char *scrubbed(const char *text)
{
    return scrubbed_of(text, strlen(text), false, SECRET);
}

static void as_it_is(void)
{
    CHECK_STR(scrubbed(SECRET), "***");
    CHECK_STR(scrubbed("a " SECRET " b " SECRET), "a *** b ***");
    CHECK_STR(scrubbed("a T0K/EN+W%TH\\OD\"D.CH&RS-_~== b"), "a *** b");
    CHECK_STR(scrubbed("t0k/en+w%th\\od"), "t0k/en+w%th\\od");
    CHECK_STR(scrubbed_of("abc abcd", 8, false, "abc"), "abc abcd");
    CHECK_STR(scrubbed_of("xabcdx", 6, false, "abcd"), "x***x");
    CHECK_STR(scrubbed_of("", 0, false, "abcd"), "");
}

typedef void encoder(const char *from, char *to);

static void percent(const char *from, char *to)
{
    for (; *from; from++)
        to += sprintf(to, strchr("/+%\\\"&=~", *from) ? "%%%02X" : "%c", *from);
    *to = '\0';
}

static void json(const char *from, char *to)
{
    for (; *from; from++) {
        if (strchr("/\\\"", *from))
            *to++ = '\\';
        *to++ = *from;
    }
    *to = '\0';
}

static void codes(const char *from, char *to)
{
    for (; *from; from++)
        to += sprintf(to, "\\u%04x", (unsigned char)*from);
}

static void bytes(const char *from, char *to)
{
    for (; *from; from++)
        to += sprintf(to, "\\x%02X", (unsigned char)*from);
}

static void html(const char *from, char *to)
{
    for (; *from; from++)
        to += *from == '&'   ? sprintf(to, "&amp;")
              : *from == '"' ? sprintf(to, "&#x22;")
              : *from == '/' ? sprintf(to, "&#47;")
                             : sprintf(to, "%c", *from);
}

static void hex_lower(const char *from, char *to)
{
    for (; *from; from++)
        to += sprintf(to, "%02x", (unsigned char)*from);
}

static void hex_dump(const char *from, char *to)
{
    for (; *from; from++)
        to += sprintf(to, from[1] ? "%02X " : "%02X", (unsigned char)*from);
}

static void hex_colons(const char *from, char *to)
{
    for (; *from; from++)
        to += sprintf(to, from[1] ? "%02x:" : "%02x", (unsigned char)*from);
}

static void digits(const char *from, char *to, unsigned width,
                   const char *alphabet)
{
    unsigned bits = 0, value = 0;

    for (; *from; from++) {
        value = value << 8 | (unsigned char)*from;
        for (bits += 8; bits >= width; bits -= width)
            *to++ = alphabet[value >> (bits - width) & ((1u << width) - 1)];
    }
    if (bits)
        *to++ = alphabet[value << (width - bits) & ((1u << width) - 1)];
    *to = '\0';
}

static void base64(const char *from, char *to)
{
    digits(from, to, 6,
           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

static void base64url(const char *from, char *to)
{
    digits(from, to, 6,
           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

/* Many tools write bytes so in what they log. */
static void octal(const char *from, char *to)
{
    for (; *from; from++)
        to += sprintf(to, "\\%03o", (unsigned char)*from);
}

/* Browsers read these, too. */
static void open_entities(const char *from, char *to)
{
    for (; *from; from++)
        to += sprintf(to, "&#%d", (unsigned char)*from);
    strcpy(to, " ");
}

static void base32(const char *from, char *to)
{
    digits(from, to, 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
}

static void wrapped(const char *from, char *to)
{
    for (; *from; from++)
        to += sprintf(to, "%c\r\n", *from);
}

static void same(const char *from, char *to)
{
    strcpy(to, from);
}

static encoder *const forms[] = {same,   hex_lower, hex_dump, hex_colons,
                                 base64, base64url, base32};
static encoder *const escapes[] = {same, percent, json,  codes,        bytes,
                                   html, wrapped, octal, open_entities};

/* Nothing but what encodes the bytes around the secret is left. */
static void check_gone(const char *text, size_t around, size_t i, size_t j,
                       size_t k)
{
    size_t secret = strlen(SECRET), length = strlen(scrubbed(text));
    size_t most = strlen(text) * (around + 3) / (around + secret) + 3;

    CHECK(strstr(room, "***"));
    CHECK(length <= most);
    if (length > most)
        printf("  form %zu, escapes %zu and %zu: %s\n", i, j, k, room);
}

static void encoded(void)
{
    static const char *const before[] = {"", "x", "xy", "xyz", "xyzv"};
    static char plain[256], one[4096], two[65536], three[1 << 20];
    size_t i, j, k, lead;

    for (i = 0; i < sizeof forms / sizeof *forms; i++)
        for (lead = 0; lead < 5; lead++)
            for (j = 0; j < sizeof escapes / sizeof *escapes; j++)
                for (k = 0; k < sizeof escapes / sizeof *escapes; k++) {
                    sprintf(plain, "%s%sz", before[lead], SECRET);
                    forms[i](plain, one);
                    escapes[j](one, two);
                    escapes[k](two, three);
                    check_gone(three, lead + 1, i, j, k);
                }
}

static void many_layers(void)
{
    static char one[1 << 19], two[1 << 19];
    int i;

    strcpy(one, SECRET);
    for (i = 0; i < 5; i++) {
        percent(one, two);
        CHECK_STR(scrubbed(two), "***");
        strcpy(one, two);
    }
    strcpy(one, SECRET);
    for (i = 0; i < 5; i++) {
        json(one, two);
        CHECK_STR(scrubbed(two), "***");
        strcpy(one, two);
    }
}

static void utf16(void)
{
    char text[256] = {0};
    size_t i;

    for (i = 0; i < sizeof SECRET - 1; i++)
        text[2 * i + 1] = SECRET[i];
    CHECK_STR(scrubbed_of(text, 2 * i, false, SECRET) + 1, "***");
}

static void letters(void)
{
    static const char secret[] = "clé-sécrète-1";
    static const char text[] = "a cl\\u00e9-s\\u00E9cr&#232;te-1 "
                               "cl%C3%A9-s%c3%a9cr%C3%A8te-1 b";

    CHECK_STR(scrubbed_of(text, strlen(text), false, secret), "a *** *** b");
}

/* A long token that was echoed again and again: of the last one, which did not
 * fit any more, 383 bytes were left. */
static void cut(void)
{
    static char one[4096], two[65536], text[65536];
    size_t i, j, length, end, at;

    for (i = 0; i < sizeof forms / sizeof *forms; i++)
        for (j = 0; j < sizeof escapes / sizeof *escapes; j++) {
            forms[i](SECRET, one);
            escapes[j](one, two);
            length = strlen(two);
            strcpy(text, "##");
            strcat(text, two);
            for (end = 3; end < 2 + length; end++) {
                scrubbed_of(text, end, true, SECRET);
                at = strncmp(room, "##***", 5) == 0 ? 5 : 2;
                /* Of an escape that is cut, less than one letter's. */
                if (strlen(room) > at + 6) {
                    CHECK_STR(room, "##");
                    printf("  form %zu, escape %zu, cut at %zu\n", i, j, end);
                }
            }
        }
    CHECK_STR(scrubbed_of("a t0k/", 6, false, SECRET), "a t0k/");
    CHECK_STR(scrubbed_of("a t0k/", 6, true, SECRET), "a ");
    CHECK_STR(scrubbed_of("a t0k/", 6, true, "no/such"), "a t0k/");
}

static void several(void)
{
    const char *secrets[] = {"first-one", "one-second", "xy"};
    char text[] = "xy first-one-second first-ONE one%2Dsecond";

    text[cc_scrub(text, strlen(text), false, secrets, 3)] = '\0';
    CHECK_STR(text, "xy *** *** ***");
}

static double seconds_for(const char *piece, const char *secret)
{
    size_t length = 0, size = strlen(piece);
    clock_t began = clock();

    while (length + size <= 64 * 1024) {
        memcpy(room + length, piece, size);
        length += size;
    }
    cc_scrub(room, length, true, &secret, 1);
    return (double)(clock() - began) / CLOCKS_PER_SEC;
}

/* 64 KiB of backslashes took a minute. */
static void hostile(void)
{
    static char same_letters[16 * 1024 + 1];
    static const char *const pieces[] = {
        "\\", "a",     "%",          "&",     "%25", "\\\\u005c",
        "&#", "&amp;", "aaaaaaaaab", "%255c", "\\u", "***"};
    size_t i;

    memset(same_letters, 'a', sizeof same_letters - 1);
    same_letters[sizeof same_letters - 2] = 'b';
    for (i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        CHECK(seconds_for(pieces[i], same_letters) < 2);
        CHECK(seconds_for(pieces[i], "\\\\\\\\\\\\\\\\\\\\\\\\\\\\x") < 2);
    }
}

int main(void)
{
    it("is taken out as it is, in either case", as_it_is);
    it("is taken out in every coding, escaped twice", encoded);
    it("is taken out when it is escaped many times", many_layers);
    it("is taken out between NULs", utf16);
    it("is taken out if it is not ASCII", letters);
    it("leaves no part of it where a text was cut", cut);
    it("is one of several", several);
    it("takes time linear in the text", hostile);
    return check_report();
}
