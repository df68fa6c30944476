/* The secrets of a token: see secrets.h. */
#include "secrets.h"

#include <string.h>

#include "buffer.h"
#include "scrub.h"

void cc_secrets_add(struct cc_secrets **list, struct cc_secrets *secrets)
{
    secrets->next = *list;
    secrets->link = list;
    if (secrets->next)
        secrets->next->link = &secrets->next;
    *list = secrets;
}

void cc_secrets_end(struct cc_secrets *secrets)
{
    if (secrets->link) {
        *secrets->link = secrets->next;
        if (secrets->next)
            secrets->next->link = secrets->link;
    }
    cc_secret_release(secrets->key);
    cc_secret_release(secrets->secret);
    cc_secret_release(secrets->bearer);
    cc_secret_release(secrets->former);
    memset(secrets, 0, sizeof *secrets);
}

size_t cc_secrets_scrub(const struct cc_secrets *secrets, char *text,
                        size_t length, bool cut)
{
    const struct cc_secret *held[4];
    const char *list[sizeof held / sizeof *held + 1];
    struct cc_buffer pair = {0};
    size_t count = 0, i;

    if (!secrets)
        return length;
    held[0] = secrets->bearer;
    held[1] = secrets->former;
    held[2] = secrets->secret;
    held[3] = secrets->key;
    for (i = 0; i < sizeof held / sizeof *held; i++)
        if (held[i])
            list[count++] = cc_secret_reveal(held[i]);
    /* Basic authentication sends both in one. */
    if (secrets->key && secrets->secret) {
        if (!cc_buffer_text(&pair, cc_secret_reveal(secrets->key)) ||
            !cc_buffer_add(&pair, ":", 1) ||
            !cc_buffer_text(&pair, cc_secret_reveal(secrets->secret)) ||
            !cc_buffer_add(&pair, "", 1))
            length = 0; /* out of memory: no text rather than a secret */
        else
            list[count++] = pair.bytes;
    }
    length = cc_scrub(text, length, cut, list, count);
    if (pair.bytes)
        cc_secret_wipe(pair.bytes, pair.length);
    cc_buffer_free(&pair);
    return length;
}

void cc_secrets_scrub_error(const struct cc_secrets *secrets,
                            struct ccaas_error *error)
{
    char *const texts[] = {error->message, error->url, error->request_id};
    size_t i;

    if (!secrets)
        return;
    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        texts[i][cc_secrets_scrub(secrets, texts[i], strlen(texts[i]), false)] =
            '\0';
    error->body_length =
        cc_secrets_scrub(secrets, error->body, error->body_length, false);
    error->body[error->body_length] = '\0';
}
