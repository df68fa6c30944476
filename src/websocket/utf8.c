/* Is it UTF-8: see utf8.h. */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* The length of the character at `at`; 0: there is none. */
static size_t character(const unsigned char *at, size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t length, i;

    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (left < length)
        return 0;
    if (at[0] == 0xe0)
        low = 0xa0; /* else overlong */
    else if (at[0] == 0xed)
        high = 0x9f; /* else a surrogate */
    else if (at[0] == 0xf0)
        low = 0x90; /* else overlong */
    else if (at[0] == 0xf4)
        high = 0x8f; /* else past the last one */
    if (at[1] < low || at[1] > high)
        return 0;
    for (i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool cc_utf8_valid(const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    const unsigned char *end = at + length;
    uint64_t eight;
    size_t step;

    while (at < end) {
        if (end - at >= 8) {
            memcpy(&eight, at, 8);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                at += 8;
                continue;
            }
        }
        step = *at < 0x80 ? 1 : character(at, (size_t)(end - at));
        if (!step)
            return false;
        at += step;
    }
    return true;
}
