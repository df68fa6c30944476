/* Takes a secret out of a text: see scrub.h. */
#include "scrub.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "buffer.h"
#include "secret.h"

/* Replaces `form`, letters of either case alike (percent-encoding has both).
 */
static size_t replace(char *text, size_t length,
                      const struct ccaas_buffer *form)
{
    size_t from = 0, to = 0, size = form->length;

    if (size < CCAAS_SCRUB_LEAST || size > length)
        return length;
    while (from < length) {
        if (length - from >= size &&
            strncasecmp(text + from, form->bytes, size) == 0) {
            memcpy(text + to, "***", 3);
            to += 3;
            from += size;
        } else {
            text[to++] = text[from++];
        }
    }
    return to;
}

static bool as_it_is(struct ccaas_buffer *form, const char *secret)
{
    return ccaas_buffer_text(form, secret);
}

static bool percent_encoded(struct ccaas_buffer *form, const char *secret)
{
    char text[4];

    for (; *secret; secret++) {
        if (isalnum((unsigned char)*secret) || strchr("-._~", *secret))
            snprintf(text, sizeof text, "%c", *secret);
        else
            snprintf(text, sizeof text, "%%%02X", (unsigned char)*secret);
        if (!ccaas_buffer_text(form, text))
            return false;
    }
    return true;
}

static bool escaped(struct ccaas_buffer *form, const char *secret)
{
    for (; *secret; secret++)
        if ((strchr("\"\\/", *secret) && !ccaas_buffer_add(form, "\\", 1)) ||
            !ccaas_buffer_add(form, secret, 1))
            return false;
    return true;
}

/* Without the last group: what follows the secret may change it. */
static bool base64(struct ccaas_buffer *form, const char *secret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = (const unsigned char *)secret;
    size_t left = strlen(secret);
    char group[4];

    for (; left >= 3; left -= 3, at += 3) {
        group[0] = digits[at[0] >> 2];
        group[1] = digits[(at[0] & 3) << 4 | at[1] >> 4];
        group[2] = digits[(at[1] & 15) << 2 | at[2] >> 6];
        group[3] = digits[at[2] & 63];
        if (!ccaas_buffer_add(form, group, sizeof group))
            return false;
    }
    return true;
}

size_t ccaas_scrub(char *text, size_t length, const char *secret)
{
    static bool (*const forms[])(struct ccaas_buffer *, const char *) = {
        as_it_is, percent_encoded, escaped, base64};
    struct ccaas_buffer form;
    size_t i;

    if (!text || strlen(secret) < CCAAS_SCRUB_LEAST)
        return length;
    for (i = 0; i < sizeof forms / sizeof *forms; i++) {
        memset(&form, 0, sizeof form);
        if (forms[i](&form, secret))
            length = replace(text, length, &form);
        else
            length = 0; /* rather nothing than a secret */
        if (form.bytes)
            ccaas_secret_wipe(form.bytes, form.length);
        ccaas_buffer_free(&form);
    }
    return length;
}
