/* Texts that a server wrote, as they may be shown. */
#include <string.h>

#include "context.h"
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
