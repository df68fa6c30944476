/* Texts and errors as they may be shown: without a secret. */
#include <string.h>

#include "context.h"
#include "error.h"
#include "text.h"

/* Bytes of a text in which secrets are looked for: many more than are shown. */
#define WINDOW 4096

void ccaas_client_show(const struct ccaas_client *client, char *to, size_t room,
                       const char *text, size_t length)
{
    char copy[WINDOW];
    bool cut = length > sizeof copy;

    if (cut)
        length = sizeof copy;
    memcpy(copy, text, length);
    length = cc_secrets_scrub(client->secrets, copy, length, cut);
    cc_text_show(to, room, copy, length);
    cc_secret_wipe(copy, sizeof copy);
}

void cc_client_sign(const struct ccaas_client *client,
                    struct ccaas_error *error, const char *method,
                    const char *url)
{
    strncpy(error->method, method, sizeof error->method - 1);
    cc_error_url(error->url, sizeof error->url, url);
    cc_secrets_scrub_error(client->secrets, error);
}
