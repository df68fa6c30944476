/* Text as protocols have it: see text.h. */
#include "text.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int cc_hex_value(char c)
{
    if (cc_is_digit(c))
        return c - '0';
    c = cc_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool cc_same_text(const char *one, const char *other)
{
    return cc_same_start(one, other, strlen(one) + 1);
}

bool cc_same_start(const char *one, const char *other, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (cc_lower(one[i]) != cc_lower(other[i]))
            return false;
        if (!one[i])
            return i + 1 == length;
    }
    return true;
}

void cc_text_seconds(char to[CC_SECONDS_ROOM], double seconds)
{
    int64_t micros;
    size_t used;

    if (!(seconds > 0))
        seconds = 0;
    micros = llround(fmin(seconds, 1e12) * 1e6);
    used = (size_t)snprintf(to, CC_SECONDS_ROOM, "%" PRId64 ".%06" PRId64,
                            micros / 1000000, micros % 1000000);
    while (to[used - 1] == '0')
        used--;
    if (to[used - 1] == '.')
        used--;
    to[used] = '\0';
}

/* The length of the character of UTF-8 that the bytes begin with, and its
 * code; 0: they begin with none. */
static size_t character(const unsigned char *at, size_t left, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80             ? 1
                    : (at[0] & 0xe0) == 0xc0 ? 2
                    : (at[0] & 0xf0) == 0xe0 ? 3
                    : (at[0] & 0xf8) == 0xf0 ? 4
                                             : 0;
    size_t i;

    if (!length || length > left)
        return 0;
    *code = length == 1 ? at[0] : at[0] & (0x7fu >> length);
    for (i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (at[i] & 0x3fu);
    }
    if (*code < least[length] || *code > 0x10ffff ||
        (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return length;
}

static bool is_shown(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {{0, 0x1f},           {0x7f, 0x9f},     {0x61c, 0x61c},
                  {0x200e, 0x200f},    {0x2028, 0x202e}, {0x2066, 0x206f},
                  {0xfeff, 0xfeff},    {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
                  {0x10fffe, 0x10ffff}};
    size_t i;

    for (i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (code >= hidden[i].first && code <= hidden[i].last)
            return false;
    return true;
}

/* How a character that is not shown is written. */
static int escape(char to[16], uint32_t code)
{
    if (code == '\n' || code == '\r' || code == '\t')
        return snprintf(to, 16, "\\%c",
                        code == '\n'   ? 'n'
                        : code == '\r' ? 'r'
                                       : 't');
    return snprintf(to, 16, code < 0x80 ? "\\x%02" PRIx32 : "\\u{%" PRIx32 "}",
                    code);
}

size_t cc_text_show(char *to, size_t room, const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    size_t used = 0, size, written;
    const void *piece;
    char escaped[16];
    uint32_t code = 0;

    while (length) {
        size = character(at, length, &code);
        if (size && is_shown(code)) {
            piece = at;
            written = size;
        } else {
            piece = escaped;
            written = (size_t)(size ? escape(escaped, code)
                                    : snprintf(escaped, sizeof escaped,
                                               "\\x%02x", (unsigned)*at));
            size = size ? size : 1;
        }
        if (used + written >= room)
            break;
        memcpy(to + used, piece, written);
        used += written;
        at += size;
        length -= size;
    }
    to[used] = '\0';
    return used;
}
