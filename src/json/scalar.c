/* Strings, numbers and literals byte by byte: a state machine.
 *
 * PURE.  Owns nothing, allocates nothing.
 */
#include "scalar.h"

#include <stddef.h>
#include <string.h>

enum state {
    IN_STRING,
    IN_UTF8,     /* after the first byte of a character beyond ASCII */
    IN_ESCAPE,   /* after a backslash */
    IN_HEX,      /* in the digits after \u */
    IN_PAIR,     /* after the first half of a surrogate pair */
    IN_PAIR_U,   /* after the backslash there */
    IN_PAIR_HEX, /* in the digits of the second half */
    IN_WORD,
    IN_MINUS,
    IN_ZERO,
    IN_INTEGER,
    IN_POINT, /* after the point */
    IN_FRACTION,
    IN_E, /* after the e */
    IN_E_SIGN,
    IN_EXPONENT
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum cc_scalar_step bad(struct cc_scalar *scalar, const char *reason)
{
    scalar->reason = reason;
    return CC_SCALAR_BAD;
}

/* The text goes on with this byte: is it still the wanted one? */
static void text(struct cc_scalar *scalar, unsigned byte)
{
    if (!scalar->wanted)
        return;
    if (byte && (unsigned char)*scalar->wanted == byte)
        scalar->wanted++;
    else
        scalar->wanted = NULL;
}

static void text_code(struct cc_scalar *scalar, unsigned code)
{
    if (code < 0x80) {
        text(scalar, code);
        return;
    }
    if (code < 0x800) {
        text(scalar, 0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            text(scalar, 0xE0 | code >> 12);
        } else {
            text(scalar, 0xF0 | code >> 18);
            text(scalar, 0x80 | (code >> 12 & 0x3F));
        }
        text(scalar, 0x80 | (code >> 6 & 0x3F));
    }
    text(scalar, 0x80 | (code & 0x3F));
}

bool cc_scalar_start(struct cc_scalar *scalar, char first, const char *wanted)
{
    scalar->reason = NULL;
    scalar->wanted = wanted;
    scalar->state = IN_WORD;
    if (first == '"')
        scalar->state = IN_STRING;
    else if (first == '-')
        scalar->state = IN_MINUS;
    else if (first == '0')
        scalar->state = IN_ZERO;
    else if (is_digit(first))
        scalar->state = IN_INTEGER;
    else if (first == 't')
        scalar->word = "rue";
    else if (first == 'f')
        scalar->word = "alse";
    else if (first == 'n')
        scalar->word = "ull";
    else
        return false;
    return true;
}

static enum cc_scalar_step feed_plain(struct cc_scalar *scalar, char byte)
{
    unsigned char c = (unsigned char)byte;

    if (c == '"')
        return CC_SCALAR_LAST;
    if (c < 0x20)
        return bad(scalar, "a control character");
    if (c == '\\') {
        scalar->state = IN_ESCAPE;
        return CC_SCALAR_MORE;
    }
    text(scalar, c);
    if (c < 0x80)
        return CC_SCALAR_MORE;
    if (c < 0xC2 || c > 0xF4)
        return bad(scalar, "not UTF-8");
    scalar->state = IN_UTF8;
    scalar->left = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    scalar->least = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    scalar->most = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    return CC_SCALAR_MORE;
}

static enum cc_scalar_step feed_utf8(struct cc_scalar *scalar, char byte)
{
    unsigned char c = (unsigned char)byte;

    if (c < scalar->least || c > scalar->most)
        return bad(scalar, "not UTF-8");
    text(scalar, c);
    scalar->least = 0x80;
    scalar->most = 0xBF;
    if (--scalar->left == 0)
        scalar->state = IN_STRING;
    return CC_SCALAR_MORE;
}

static enum cc_scalar_step feed_escape(struct cc_scalar *scalar, char byte)
{
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *name = byte ? strchr(names, byte) : NULL;

    if (byte == 'u') {
        scalar->state = IN_HEX;
        scalar->left = 4;
        scalar->code = 0;
        return CC_SCALAR_MORE;
    }
    if (!name)
        return bad(scalar, "an unknown escape");
    text(scalar, (unsigned char)meant[name - names]);
    scalar->state = IN_STRING;
    return CC_SCALAR_MORE;
}

static int hex(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A digit of \u; as soon as they show a half that may not stand there, the
 * digit that shows it is the wrong byte. */
static enum cc_scalar_step feed_hex(struct cc_scalar *scalar, char byte)
{
    bool second = scalar->state == IN_PAIR_HEX;
    int digit = hex(byte);
    unsigned two;

    if (digit < 0)
        return bad(scalar, "a bad \\u escape");
    scalar->code = scalar->code << 4 | (unsigned)digit;
    scalar->left--;
    two = scalar->code & 0xFF;
    if ((scalar->left == 3 && second && digit != 0xD) ||
        (scalar->left == 2 && ((two & 0xFC) == 0xDC) != second))
        return bad(scalar, "half of a surrogate pair");
    if (scalar->left)
        return CC_SCALAR_MORE;
    if (!second && (scalar->code & 0xFC00) == 0xD800) {
        scalar->state = IN_PAIR;
        return CC_SCALAR_MORE;
    }
    if (second)
        scalar->code = 0x10000 + ((scalar->code >> 16 & 0x3FF) << 10) +
                       (scalar->code & 0x3FF);
    text_code(scalar, scalar->code);
    scalar->state = IN_STRING;
    return CC_SCALAR_MORE;
}

/* Between the halves of a surrogate pair.  The first half's bits stay in
 * `code`, above those of the second. */
static enum cc_scalar_step feed_pair(struct cc_scalar *scalar, char byte)
{
    bool slash = scalar->state == IN_PAIR;

    if (byte != (slash ? '\\' : 'u'))
        return bad(scalar, "half of a surrogate pair");
    scalar->state = slash ? IN_PAIR_U : IN_PAIR_HEX;
    scalar->left = 4;
    return CC_SCALAR_MORE;
}

static enum cc_scalar_step feed_number(struct cc_scalar *scalar, char byte)
{
    bool digit = is_digit(byte);
    int next = -1;

    switch (scalar->state) {
    case IN_MINUS:
        next = byte == '0' ? IN_ZERO : digit ? IN_INTEGER : -1;
        break;
    case IN_ZERO:
        if (digit)
            return bad(scalar, "a number with a leading zero");
        break;
    case IN_INTEGER:
        next = digit ? IN_INTEGER : -1;
        break;
    case IN_POINT:
    case IN_FRACTION:
        next = digit ? IN_FRACTION : -1;
        break;
    case IN_E:
        next = byte == '+' || byte == '-' ? IN_E_SIGN
               : digit                    ? IN_EXPONENT
                                          : -1;
        break;
    default:
        next = digit ? IN_EXPONENT : -1;
        break;
    }
    if (scalar->state == IN_ZERO || scalar->state == IN_INTEGER)
        next = byte == '.' ? IN_POINT : next;
    if (scalar->state == IN_ZERO || scalar->state == IN_INTEGER ||
        scalar->state == IN_FRACTION)
        next = byte == 'e' || byte == 'E' ? IN_E : next;
    if (next < 0)
        return cc_scalar_may_end(scalar) ? CC_SCALAR_AFTER
                                         : bad(scalar, "a digit is missing");
    scalar->state = (unsigned char)next;
    return CC_SCALAR_MORE;
}

enum cc_scalar_step cc_scalar_feed(struct cc_scalar *scalar, char byte)
{
    switch (scalar->state) {
    case IN_STRING:
        return feed_plain(scalar, byte);
    case IN_UTF8:
        return feed_utf8(scalar, byte);
    case IN_ESCAPE:
        return feed_escape(scalar, byte);
    case IN_HEX:
    case IN_PAIR_HEX:
        return feed_hex(scalar, byte);
    case IN_PAIR:
    case IN_PAIR_U:
        return feed_pair(scalar, byte);
    case IN_WORD:
        if (byte != *scalar->word)
            return bad(scalar, "a value is missing");
        return *++scalar->word ? CC_SCALAR_MORE : CC_SCALAR_LAST;
    default:
        return feed_number(scalar, byte);
    }
}

bool cc_scalar_in_text(const struct cc_scalar *scalar)
{
    return scalar->state == IN_STRING && !scalar->wanted;
}

bool cc_scalar_may_end(const struct cc_scalar *scalar)
{
    return scalar->state == IN_ZERO || scalar->state == IN_INTEGER ||
           scalar->state == IN_FRACTION || scalar->state == IN_EXPONENT;
}

bool cc_scalar_matches(const struct cc_scalar *scalar)
{
    return scalar->wanted && !*scalar->wanted;
}
