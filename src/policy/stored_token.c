/* A store's value: see stored_token.h.  One line:
 *   ccaas1 ok 0 END LIFE TOKEN
 *   ccaas2 CODE STATUS END LIFE TRANSIENT AFTER MESSAGE
 * with END (epoch), LIFE and AFTER (-1: none) in milliseconds, whole, for what
 * reads a fraction depends on the locale; TRANSIENT is 0 or 1.  Earlier
 * versions wrote errors as tokens, with their CODE and STATUS. */
#include "stored_token.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token_life.h"

#define MAGIC "ccaas1 "
#define MAGIC_ERROR "ccaas2 "
#define HEAD_ROOM 160
#define AFTER_MOST 1e9             /* seconds */
#define MOST_MS 4102444800000000.0 /* no time is so far ahead */

static const char *name_of(enum ccaas_code code)
{
    return code == CCAAS_OK ? "ok" : ccaas_code_name(code);
}

char *cc_stored_token_write(const struct cc_stored_token *stored, double wall)
{
    double end = (wall + stored->left) * 1000, life = stored->life * 1000;
    char *text = malloc(HEAD_ROOM + stored->length + 1);
    int used;

    if (!text)
        return NULL;
    used = snprintf(text, HEAD_ROOM, "%s%s %d %lld %lld ",
                    stored->code == CCAAS_OK ? MAGIC : MAGIC_ERROR,
                    name_of(stored->code), stored->status, (long long)end,
                    (long long)ceil(life));
    if (stored->code != CCAAS_OK)
        used +=
            snprintf(text + used, HEAD_ROOM - (size_t)used, "%d %lld ",
                     stored->transient,
                     stored->retry_after < 0
                         ? -1
                         : (long long)ceil(
                               fmin(stored->retry_after, AFTER_MOST) * 1000));
    memcpy(text + used, stored->text, stored->length);
    text[(size_t)used + stored->length] = '\0';
    return text;
}

static bool read_code(const char *name, enum ccaas_code *code)
{
    for (int i = CCAAS_OK; i <= CCAAS_MEMORY; i++)
        if (strcmp(name, name_of((enum ccaas_code)i)) == 0) {
            *code = (enum ccaas_code)i;
            return true;
        }
    return false;
}

/* A token goes into a header. */
static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    return length > 0 && length < CC_STORED_TOKEN_MOST;
}

/* Reads what an error has in addition; false: it is damaged. */
static bool read_error(const char *head, int *used,
                       struct cc_stored_token *stored)
{
    int transient, more = 0;
    long long after;

    if (sscanf(head + *used, " %1d %13lld%n", &transient, &after, &more) != 2 ||
        !more)
        return false;
    *used += more;
    stored->transient = transient != 0;
    stored->retry_after = after < 0 ? -1 : (double)after / 1000;
    return true;
}

bool cc_stored_token_read(const char *bytes, size_t length, double wall,
                          struct cc_stored_token *stored)
{
    char head[HEAD_ROOM], name[24];
    size_t most = length < sizeof head - 1 ? length : sizeof head - 1;
    long long end, life;
    int used = 0, version;
    double ends;

    if (!length)
        return false;
    memcpy(head, bytes, most);
    head[most] = '\0';
    if (sscanf(head, "ccaas%1d %23s %9d %18lld %18lld%n", &version, name,
               &stored->status, &end, &life, &used) != 5 ||
        !used || !read_code(name, &stored->code))
        return false;
    stored->transient = stored->code != CCAAS_AUTH;
    stored->retry_after = -1;
    if (version != 1 && (version != 2 || stored->code == CCAAS_OK ||
                         !read_error(head, &used, stored)))
        return false;
    if (head[used] != ' ')
        return false;
    stored->text = bytes + used + 1;
    stored->length = length - (size_t)used - 1;
    ends = (double)end;
    if (life <= 0 || end <= 0 || ends > MOST_MS)
        return false;
    stored->life = fmin((double)life / 1000, stored->code == CCAAS_OK
                                                 ? CC_TOKEN_LIFE_MOST
                                                 : CC_TOKEN_LIFE_DENIAL);
    stored->left = fmin(ends / 1000 - wall, stored->life);
    if (stored->left <= 0)
        return false;
    return stored->code != CCAAS_OK || is_token(stored->text, stored->length);
}
