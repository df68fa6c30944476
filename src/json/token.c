/* Strings, numbers and literals byte by byte: a state machine.
 *
 * PURE.  Owns nothing, allocates nothing.
 */
#include "token.h"

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

static enum cc_token_step bad(struct cc_token *token, const char *reason)
{
    token->reason = reason;
    return CC_TOKEN_BAD;
}

/* The text goes on with this byte: is it still the wanted one? */
static void text(struct cc_token *token, unsigned byte)
{
    if (!token->wanted)
        return;
    if (byte && (unsigned char)*token->wanted == byte)
        token->wanted++;
    else
        token->wanted = NULL;
}

static void text_code(struct cc_token *token, unsigned code)
{
    if (code < 0x80) {
        text(token, code);
        return;
    }
    if (code < 0x800) {
        text(token, 0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            text(token, 0xE0 | code >> 12);
        } else {
            text(token, 0xF0 | code >> 18);
            text(token, 0x80 | (code >> 12 & 0x3F));
        }
        text(token, 0x80 | (code >> 6 & 0x3F));
    }
    text(token, 0x80 | (code & 0x3F));
}

bool cc_token_start(struct cc_token *token, char first, const char *wanted)
{
    token->reason = NULL;
    token->wanted = wanted;
    token->state = IN_WORD;
    if (first == '"')
        token->state = IN_STRING;
    else if (first == '-')
        token->state = IN_MINUS;
    else if (first == '0')
        token->state = IN_ZERO;
    else if (is_digit(first))
        token->state = IN_INTEGER;
    else if (first == 't')
        token->word = "rue";
    else if (first == 'f')
        token->word = "alse";
    else if (first == 'n')
        token->word = "ull";
    else
        return false;
    return true;
}

static enum cc_token_step feed_plain(struct cc_token *token, char byte)
{
    unsigned char c = (unsigned char)byte;

    if (c == '"')
        return CC_TOKEN_LAST;
    if (c < 0x20)
        return bad(token, "a control character");
    if (c == '\\') {
        token->state = IN_ESCAPE;
        return CC_TOKEN_MORE;
    }
    text(token, c);
    if (c < 0x80)
        return CC_TOKEN_MORE;
    if (c < 0xC2 || c > 0xF4)
        return bad(token, "not UTF-8");
    token->state = IN_UTF8;
    token->left = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    token->least = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    token->most = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    return CC_TOKEN_MORE;
}

static enum cc_token_step feed_utf8(struct cc_token *token, char byte)
{
    unsigned char c = (unsigned char)byte;

    if (c < token->least || c > token->most)
        return bad(token, "not UTF-8");
    text(token, c);
    token->least = 0x80;
    token->most = 0xBF;
    if (--token->left == 0)
        token->state = IN_STRING;
    return CC_TOKEN_MORE;
}

static enum cc_token_step feed_escape(struct cc_token *token, char byte)
{
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *name = byte ? strchr(names, byte) : NULL;

    if (byte == 'u') {
        token->state = IN_HEX;
        token->left = 4;
        token->code = 0;
        return CC_TOKEN_MORE;
    }
    if (!name)
        return bad(token, "an unknown escape");
    text(token, (unsigned char)meant[name - names]);
    token->state = IN_STRING;
    return CC_TOKEN_MORE;
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
static enum cc_token_step feed_hex(struct cc_token *token, char byte)
{
    bool second = token->state == IN_PAIR_HEX;
    int digit = hex(byte);
    unsigned two;

    if (digit < 0)
        return bad(token, "a bad \\u escape");
    token->code = token->code << 4 | (unsigned)digit;
    token->left--;
    two = token->code & 0xFF;
    if ((token->left == 3 && second && digit != 0xD) ||
        (token->left == 2 && ((two & 0xFC) == 0xDC) != second))
        return bad(token, "half of a surrogate pair");
    if (token->left)
        return CC_TOKEN_MORE;
    if (!second && (token->code & 0xFC00) == 0xD800) {
        token->state = IN_PAIR;
        return CC_TOKEN_MORE;
    }
    if (second)
        token->code = 0x10000 + ((token->code >> 16 & 0x3FF) << 10) +
                      (token->code & 0x3FF);
    text_code(token, token->code);
    token->state = IN_STRING;
    return CC_TOKEN_MORE;
}

/* Between the halves of a surrogate pair.  The first half's bits stay in
 * `code`, above those of the second. */
static enum cc_token_step feed_pair(struct cc_token *token, char byte)
{
    bool slash = token->state == IN_PAIR;

    if (byte != (slash ? '\\' : 'u'))
        return bad(token, "half of a surrogate pair");
    token->state = slash ? IN_PAIR_U : IN_PAIR_HEX;
    token->left = 4;
    return CC_TOKEN_MORE;
}

static enum cc_token_step feed_number(struct cc_token *token, char byte)
{
    bool digit = is_digit(byte);
    int next = -1;

    switch (token->state) {
    case IN_MINUS:
        next = byte == '0' ? IN_ZERO : digit ? IN_INTEGER : -1;
        break;
    case IN_ZERO:
        if (digit)
            return bad(token, "a number with a leading zero");
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
    if (token->state == IN_ZERO || token->state == IN_INTEGER)
        next = byte == '.' ? IN_POINT : next;
    if (token->state == IN_ZERO || token->state == IN_INTEGER ||
        token->state == IN_FRACTION)
        next = byte == 'e' || byte == 'E' ? IN_E : next;
    if (next < 0)
        return cc_token_may_end(token) ? CC_TOKEN_AFTER
                                       : bad(token, "a digit is missing");
    token->state = (unsigned char)next;
    return CC_TOKEN_MORE;
}

enum cc_token_step cc_token_feed(struct cc_token *token, char byte)
{
    switch (token->state) {
    case IN_STRING:
        return feed_plain(token, byte);
    case IN_UTF8:
        return feed_utf8(token, byte);
    case IN_ESCAPE:
        return feed_escape(token, byte);
    case IN_HEX:
    case IN_PAIR_HEX:
        return feed_hex(token, byte);
    case IN_PAIR:
    case IN_PAIR_U:
        return feed_pair(token, byte);
    case IN_WORD:
        if (byte != *token->word)
            return bad(token, "a value is missing");
        return *++token->word ? CC_TOKEN_MORE : CC_TOKEN_LAST;
    default:
        return feed_number(token, byte);
    }
}

bool cc_token_in_text(const struct cc_token *token)
{
    return token->state == IN_STRING && !token->wanted;
}

bool cc_token_may_end(const struct cc_token *token)
{
    return token->state == IN_ZERO || token->state == IN_INTEGER ||
           token->state == IN_FRACTION || token->state == IN_EXPONENT;
}

bool cc_token_matches(const struct cc_token *token)
{
    return token->wanted && !*token->wanted;
}
