/* The scanner's colder half: escapes, UTF-8, numbers, words, and whole values
 * that nobody keeps.
 *
 * PURE.  Owns nothing, allocates nothing.
 */
#include "scan.h"

const char cc_json_cut[] = "cut short";
const char cc_json_deep[] = "nested too deeply";
const char cc_json_no_value[] = "a value is missing";
const char cc_json_no_name[] = "a member's name is missing";
const char cc_json_no_colon[] = "a colon is missing";
const char cc_json_no_array_end[] = "a comma or ] is missing";
const char cc_json_no_object_end[] = "a comma or } is missing";
const char cc_json_trailing[] = "something follows the end";
const char cc_json_bom[] = "a byte order mark is not JSON";

const char *cc_scan_fail(struct cc_scan *scan, const char *wrong,
                         const char *reason)
{
    scan->wrong = wrong;
    scan->reason = wrong >= scan->end ? cc_json_cut : reason;
    return NULL;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits that lie between `least` and `most`. */
static const char *scan_hex(struct cc_scan *scan, const char *at,
                            unsigned least, unsigned most, unsigned *code)
{
    unsigned value = 0;

    for (int left = 12; left >= 0; left -= 4, at++) {
        int digit = at < scan->end ? hex(*at) : -1;
        if (digit < 0)
            return cc_scan_fail(scan, at, "a bad \\u escape");
        value = value << 4 | (unsigned)digit;
        if (value > most >> left || value < least >> left)
            return cc_scan_fail(scan, at, "half of a surrogate pair");
        if (!least && left == 8 && (value & 0xFC) == 0xDC)
            return cc_scan_fail(scan, at, "half of a surrogate pair");
    }
    *code = value;
    return at;
}

/* What follows a backslash, and means; 0: nothing of one character. */
static const char escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

/* An escape; `at` is its backslash. */
static const char *scan_escape(struct cc_scan *scan, const char *at)
{
    unsigned code;

    if (++at == scan->end)
        return cc_scan_fail(scan, at, NULL);
    if (escapes[(unsigned char)*at])
        return at + 1;
    if (*at != 'u')
        return cc_scan_fail(scan, at, "an unknown escape");
    at = scan_hex(scan, at + 1, 0, 0xFFFF, &code);
    if (!at || code < 0xD800 || code > 0xDBFF)
        return at;
    for (const char *word = "\\u"; *word; word++, at++)
        if (at == scan->end || *at != *word)
            return cc_scan_fail(scan, at, "half of a surrogate pair");
    return scan_hex(scan, at, 0xDC00, 0xDFFF, &code);
}

/* A character beyond ASCII, shortest form only, no surrogates. */
static const char *scan_utf8(struct cc_scan *scan, const char *at)
{
    static const char reason[] = "not UTF-8";
    unsigned char lead = (unsigned char)*at, least = 0x80, most = 0xBF;
    int more;

    if (lead >= 0xC2 && lead <= 0xDF) {
        more = 1;
    } else if ((lead & 0xF0) == 0xE0) {
        more = 2;
        least = lead == 0xE0 ? 0xA0 : 0x80;
        most = lead == 0xED ? 0x9F : 0xBF;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        more = 3;
        least = lead == 0xF0 ? 0x90 : 0x80;
        most = lead == 0xF4 ? 0x8F : 0xBF;
    } else {
        return cc_scan_fail(scan, at, reason);
    }
    for (at++; more > 0; more--, at++) {
        if (at == scan->end || (unsigned char)*at < least ||
            (unsigned char)*at > most)
            return cc_scan_fail(scan, at, reason);
        least = 0x80;
        most = 0xBF;
    }
    return at;
}

const char *cc_scan_string_rest(struct cc_scan *scan, const char *at,
                                bool *escaped)
{
    for (;;) {
        if (at == scan->end)
            return cc_scan_fail(scan, at, NULL);
        if (*at == '"')
            return at;
        if (*at == '\\') {
            *escaped = true;
            at = scan_escape(scan, at);
        } else if ((unsigned char)*at >= 0x80) {
            at = scan_utf8(scan, at);
        } else {
            return cc_scan_fail(scan, at, "a control character");
        }
        if (!at)
            return NULL;
        at = cc_scan_plain(at, scan->end);
    }
}

static const char *scan_digits(struct cc_scan *scan, const char *at)
{
    if (at == scan->end || !cc_scan_is_digit(*at))
        return cc_scan_fail(scan, at, "a digit is missing");
    while (at < scan->end && cc_scan_is_digit(*at))
        at++;
    return at;
}

const char *cc_scan_number(struct cc_scan *scan, const char *at)
{
    const char *end = scan->end;

    if (at < end && *at == '-')
        at++;
    if (at < end && *at == '0') {
        at++;
        if (at < end && cc_scan_is_digit(*at))
            return cc_scan_fail(scan, at, "a number with a leading zero");
    } else {
        at = scan_digits(scan, at);
    }
    if (at && at < end && *at == '.')
        at = scan_digits(scan, at + 1);
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        at = scan_digits(scan, at);
    }
    return at;
}

const char *cc_scan_word(struct cc_scan *scan, const char *at, const char *word)
{
    for (; *word; word++, at++)
        if (at == scan->end || *at != *word)
            return cc_scan_fail(scan, at, cc_json_no_value);
    return at;
}

static const char *scan_scalar(struct cc_scan *scan, const char *at)
{
    bool escaped;

    switch (*at) {
    case '"':
        at = cc_scan_string(scan, at + 1, &escaped);
        return at ? at + 1 : NULL;
    case 't':
        return cc_scan_word(scan, at, "true");
    case 'f':
        return cc_scan_word(scan, at, "false");
    case 'n':
        return cc_scan_word(scan, at, "null");
    default:
        if (*at == '-' || cc_scan_is_digit(*at))
            return cc_scan_number(scan, at);
        return cc_scan_fail(scan, at, cc_json_no_value);
    }
}

/* A member's name and its colon. */
static const char *scan_name(struct cc_scan *scan, const char *at)
{
    bool escaped;

    if (at == scan->end || *at != '"')
        return cc_scan_fail(scan, at, cc_json_no_name);
    at = cc_scan_string(scan, at + 1, &escaped);
    if (!at)
        return NULL;
    at = cc_scan_space(at + 1, scan->end);
    if (at == scan->end || *at != ':')
        return cc_scan_fail(scan, at, cc_json_no_colon);
    return cc_scan_space(at + 1, scan->end);
}

/* Goes into the array or object that begins at `at`; *closed when it was
 * empty, and then gives what is behind it. */
static const char *scan_enter(struct cc_scan *scan, const char *at, bool object,
                              bool *closed)
{
    at = cc_scan_space(at + 1, scan->end);
    *closed = at < scan->end && *at == (object ? '}' : ']');
    if (*closed)
        return at + 1;
    return object ? scan_name(scan, at) : at;
}

/* From behind a value to the next one in the same array or object; *closed
 * when that ends instead. */
static const char *scan_next(struct cc_scan *scan, const char *at, bool object,
                             bool *closed)
{
    at = cc_scan_space(at, scan->end);
    *closed = at < scan->end && *at == (object ? '}' : ']');
    if (*closed)
        return at + 1;
    if (at == scan->end || *at != ',')
        return cc_scan_fail(
            scan, at, object ? cc_json_no_object_end : cc_json_no_array_end);
    at = cc_scan_space(at + 1, scan->end);
    return object ? scan_name(scan, at) : at;
}

const char *cc_scan_value(struct cc_scan *scan, const char *at, int depth)
{
    bool object[CC_JSON_DEPTH + 1];
    int base = depth;

    for (;;) {
        bool closed = true;

        if (at == scan->end)
            return cc_scan_fail(scan, at, NULL);
        if (*at == '{' || *at == '[') {
            if (depth == CC_JSON_DEPTH)
                return cc_scan_fail(scan, at, cc_json_deep);
            object[++depth] = *at == '{';
            at = scan_enter(scan, at, object[depth], &closed);
            if (closed)
                depth--;
        } else {
            at = scan_scalar(scan, at);
        }
        while (at && closed && depth > base) {
            at = scan_next(scan, at, object[depth], &closed);
            if (at && closed)
                depth--;
        }
        if (!at || (closed && depth == base))
            return at;
    }
}

static size_t put_utf8(unsigned code, char bytes[4])
{
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        bytes[0] = (char)(0xC0 | code >> 6);
        bytes[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        bytes[0] = (char)(0xE0 | code >> 12);
        bytes[1] = (char)(0x80 | (code >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    bytes[0] = (char)(0xF0 | code >> 18);
    bytes[1] = (char)(0x80 | (code >> 12 & 0x3F));
    bytes[2] = (char)(0x80 | (code >> 6 & 0x3F));
    bytes[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static unsigned four_digits(const char *at)
{
    return (unsigned)(hex(at[0]) << 12 | hex(at[1]) << 8 | hex(at[2]) << 4 |
                      hex(at[3]));
}

size_t cc_scan_character(const char **at, char bytes[4])
{
    const char *from = *at;
    unsigned code;

    if (*from != '\\') {
        size_t length = (unsigned char)*from < 0x80   ? 1
                        : (unsigned char)*from < 0xE0 ? 2
                        : (unsigned char)*from < 0xF0 ? 3
                                                      : 4;
        memcpy(bytes, from, length);
        *at = from + length;
        return length;
    }
    if (from[1] != 'u') {
        bytes[0] = escapes[(unsigned char)from[1]];
        *at = from + 2;
        return 1;
    }
    code = four_digits(from + 2);
    *at = from + 6;
    if (code >= 0xD800 && code <= 0xDBFF) {
        code =
            0x10000 + ((code & 0x3FF) << 10) + (four_digits(from + 8) & 0x3FF);
        *at = from + 12;
    }
    return put_utf8(code, bytes);
}

size_t cc_scan_decode(const char *begin, const char *end, char *to)
{
    const char *first = to;

    while (begin < end) {
        if (*begin == '\\') {
            char bytes[4];
            size_t length = cc_scan_character(&begin, bytes);
            memcpy(to, bytes, length);
            to += length;
            continue;
        }
#if CC_SSE2
        /* There is room for 16 bytes as long as there are 16 to come. */
        if (end - begin >= 16) {
            __m128i bytes =
                _mm_loadu_si128((const __m128i *)(const void *)begin);
            unsigned slashes = (unsigned)_mm_movemask_epi8(
                _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
            int plain = slashes ? __builtin_ctz(slashes) : 16;

            _mm_storeu_si128((__m128i *)(void *)to, bytes);
            begin += plain;
            to += plain;
            continue;
        }
#endif
        *to++ = *begin++;
    }
    return (size_t)(to - first);
}
