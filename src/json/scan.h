/* The strict scanner of JSON (RFC 8259), inline where it is hot, for whoever
 * reads bytes that are whole in memory: check.c, find.c, the record decoder.
 *
 * A position is a pointer into the bytes; each function takes one and gives
 * the one behind what it read, or NULL after setting `wrong` and `reason`.
 * `wrong` is the first byte with which no JSON could go on; where that is
 * `end`, nothing is wrong but the bytes are cut short.
 *
 * PURE.  Owns nothing, allocates nothing.
 */
#ifndef CC_SCAN_H
#define CC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#define CC_SSE2 1
#include <emmintrin.h>
#else
#define CC_SSE2 0
#endif

/* How deep arrays and objects may be nested. */
#define CC_JSON_DEPTH 128

struct cc_scan {
    const char *end;    /* one past the last byte */
    const char *wrong;  /* after a failure only */
    const char *reason; /* the same; a static string */
};

/* The reasons that more than one reader gives. */
extern const char cc_json_cut[];
extern const char cc_json_deep[];
extern const char cc_json_no_value[];
extern const char cc_json_no_name[];
extern const char cc_json_no_colon[];
extern const char cc_json_no_array_end[];
extern const char cc_json_no_object_end[];
extern const char cc_json_trailing[];
extern const char cc_json_bom[];

/* Notes what is wrong, and where; gives NULL. */
const char *cc_scan_fail(struct cc_scan *scan, const char *wrong,
                         const char *reason);

/* The rest of a string, from a byte that is not plain (see below). */
const char *cc_scan_string_rest(struct cc_scan *scan, const char *at,
                                bool *escaped);

/* A number by the grammar; `at` is its minus or first digit. */
const char *cc_scan_number(struct cc_scan *scan, const char *at);

/* `word`: what is to stand here, letter by letter. */
const char *cc_scan_word(struct cc_scan *scan, const char *at,
                         const char *word);

/* One value of any kind, checked and not kept; `at` is its first byte and
 * `depth` says in how many arrays and objects it stands. */
const char *cc_scan_value(struct cc_scan *scan, const char *at, int depth);

/* The next character of a string that was read already, as UTF-8: gives its
 * 1 to 4 bytes and moves *at behind it. */
size_t cc_scan_character(const char **at, char bytes[4]);

/* Decodes the inside of a string that was read already; `to` has room for
 * `end` - `begin` bytes, which always suffices.  Gives the length. */
size_t cc_scan_decode(const char *begin, const char *end, char *to);

/* JSON's white space: less than C's. */
static inline bool cc_scan_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A digit of a number, in any locale. */
static inline bool cc_scan_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Passes over white space; fails never. */
static inline const char *cc_scan_space(const char *at, const char *end)
{
    while (at < end && cc_scan_is_space(*at))
        at++;
    return at;
}

/* The first byte from `at` on that is no plain character of a string: a quote,
 * a backslash, a control character or one beyond ASCII; or `end`. */
static inline const char *cc_scan_plain(const char *at, const char *end)
{
#if CC_SSE2
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* Signed: a byte beyond ASCII is below 0x20, too. */
        __m128i odd = _mm_or_si128(
            _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                         _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
        unsigned mask = (unsigned)_mm_movemask_epi8(odd);
        if (mask)
            return at + __builtin_ctz(mask);
        at += 16;
    }
#else
    const uint64_t ones = UINT64_MAX / 255, tops = ones * 0x80;
    while (end - at >= 8) {
        uint64_t bytes, quote, slash;
        memcpy(&bytes, at, 8);
        quote = bytes ^ (ones * '"');
        slash = bytes ^ (ones * '\\');
        if ((((bytes - ones * 0x20) | (quote - ones) | (slash - ones)) &
             ~bytes & tops) |
            (bytes & tops))
            break;
        at += 8;
    }
#endif
    while (at < end && *at != '"' && *at != '\\' && (signed char)*at >= 0x20)
        at++;
    return at;
}

/* A string; `at` is behind its opening quote.  Gives its closing quote.
 * *escaped is set, never cleared, when it holds a backslash. */
static inline const char *cc_scan_string(struct cc_scan *scan, const char *at,
                                         bool *escaped)
{
    at = cc_scan_plain(at, scan->end);
    if (at < scan->end && *at == '"')
        return at;
    return cc_scan_string_rest(scan, at, escaped);
}

#endif
