/* Takes a secret out of a text: see scrub.h. */
#include "scrub.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "secret.h"

/* The value of up to `most` digits to that base; *used: how many there are. */
static unsigned long number(const char *text, size_t left, int base,
                            size_t most, size_t *used)
{
    static const char digits[] = "0123456789abcdef";
    unsigned long value = 0;
    const char *digit;

    for (*used = 0; *used < left && *used < most; ++*used) {
        digit =
            memchr(digits, tolower((unsigned char)text[*used]), (size_t)base);
        if (!digit)
            break;
        value = value * (unsigned long)base + (unsigned long)(digit - digits);
    }
    return value;
}

/* How many backslashes a text begins with. */
static size_t slashes(const char *text, size_t left)
{
    size_t count = 0;

    while (count < left && text[count] == '\\')
        count++;
    return count;
}

/* How many bytes stand for one that is encoded (%2F, \/, \u002f, &#47;,
 * &#x2f;, &amp;; of backslashes any number, for JSON may hold JSON); 0: none is
 * here. */
static size_t encoded(const char *text, size_t left, unsigned long *byte)
{
    static const struct {
        const char *name;
        char byte;
    } entities[] = {{"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},
                    {"&quot;", '"'}, {"&apos;", '\''}, {NULL, 0}};
    size_t start = slashes(text, left), used, length, i;

    if (start) {
        if (start == left)
            return 0;
        *byte = number(text + start + 1, left - start - 1, 16, 4, &used);
        if (tolower((unsigned char)text[start]) == 'u' && used == 4)
            return start + 5;
        *byte = (unsigned char)text[start];
        return start + 1;
    }
    if (*text == '%') {
        *byte = number(text + 1, left - 1, 16, 2, &used);
        return used == 2 ? 3 : 0;
    }
    if (*text == '&' && left > 2 && text[1] == '#') {
        start = tolower((unsigned char)text[2]) == 'x' ? 3 : 2;
        *byte =
            number(text + start, left - start, start == 3 ? 16 : 10, 7, &used);
        start += used;
        return used && start < left && text[start] == ';' ? start + 1 : 0;
    }
    for (i = 0; *text == '&' && entities[i].name; i++) {
        length = strlen(entities[i].name);
        *byte = (unsigned char)entities[i].byte;
        if (left >= length && memcmp(text, entities[i].name, length) == 0)
            return length;
    }
    return 0;
}

/* The same letter, whatever its case; base64 has two alphabets, and a form
 * writes a space as a plus. */
static bool same(unsigned long byte, char wanted)
{
    unsigned char one = (unsigned char)byte, other = (unsigned char)wanted;

    return byte <= 255 &&
           (tolower(one) == tolower(other) || (one == '-' && other == '+') ||
            (one == '_' && other == '/') || (one == '+' && other == ' '));
}

/* How many bytes at the text's start are the form; 0: they are not. */
static size_t match(const char *text, size_t left,
                    const struct ccaas_buffer *form, bool decode)
{
    size_t at = 0, i, step;
    unsigned long byte = 0;

    for (i = 0; i < form->length; i++, at += step) {
        if (at >= left)
            return 0;
        step = decode ? encoded(text + at, left - at, &byte) : 0;
        if (step && same(byte, form->bytes[i]))
            continue;
        if (!same((unsigned char)text[at], form->bytes[i]))
            return 0;
        step = 1;
        if (decode && text[at] == '\\') {
            step = slashes(text + at, left - at);
            i += slashes(form->bytes + i, form->length - i) - 1;
        }
    }
    return at;
}

static size_t replace(char *text, size_t length,
                      const struct ccaas_buffer *form)
{
    size_t from = 0, to = 0, size;

    while (from < length) {
        size = match(text + from, length - from, form, false);
        if (!size)
            size = match(text + from, length - from, form, true);
        if (size) {
            memcpy(text + to, "***", 3);
            to += 3;
            from += size;
        } else {
            text[to++] = text[from++];
        }
    }
    return to;
}

/* The secret in base64 as it reads `lead` (0 to 2) bytes behind a group's
 * start; only what does not depend on the bytes around it. */
static bool base64(struct ccaas_buffer *form, const char *secret, size_t lead)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t end = (lead + strlen(secret)) * 8, bit, at;
    unsigned pair;

    for (bit = (lead * 8 + 5) / 6 * 6; bit + 6 <= end; bit += 6) {
        at = bit / 8 - lead;
        pair = (unsigned)(unsigned char)secret[at] << 8 |
               (unsigned char)secret[at + 1];
        if (!ccaas_buffer_add(form, &digits[pair >> (10 - bit % 8) & 63], 1))
            return false;
    }
    return true;
}

size_t ccaas_scrub(char *text, size_t length, const char *secret)
{
    struct ccaas_buffer form;
    size_t i;
    bool made;

    if (!text || strlen(secret) < CCAAS_SCRUB_LEAST)
        return length;
    for (i = 0; i < 4; i++) {
        memset(&form, 0, sizeof form);
        made =
            i < 3 ? base64(&form, secret, i) : ccaas_buffer_text(&form, secret);
        if (!made)
            length = 0; /* rather nothing than a secret */
        else if (form.length >= CCAAS_SCRUB_LEAST)
            length = replace(text, length, &form);
        if (form.bytes)
            ccaas_secret_wipe(form.bytes, form.length);
        ccaas_buffer_free(&form);
    }
    return length;
}
