/* Which certificates are trusted: see trust_choice.h. */
#include "trust_choice.h"

#include <stddef.h>

#include "environment.h"

static const char *set_or(const char *value, const char *otherwise)
{
    return value && *value ? value : otherwise;
}

struct cc_http_trust cc_trust_choose(const char *option,
                                     cc_trust_environment *environment,
                                     struct cc_http_trust found)
{
    if (option)
        return (struct cc_http_trust){option, NULL};
    return (struct cc_http_trust){
        set_or(environment("SSL_CERT_FILE"), found.file),
        set_or(environment("SSL_CERT_DIR"), found.dir)};
}

struct cc_http_trust cc_trust_for(const char *option)
{
    return cc_trust_choose(option, cc_environment,
                           option ? (struct cc_http_trust){NULL, NULL}
                                  : cc_http_trust());
}
