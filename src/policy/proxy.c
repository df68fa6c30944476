/* Which proxy a connection uses.  PURE: see proxy.h. */
#include "proxy.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define SEPARATORS ", \t"

struct text {
    const char *begin;
    size_t length;
};

/* A host without brackets and without the dot at its end. */
static struct text host_of(const char *url)
{
    struct text host;

    host.begin = strstr(url, "://");
    host.begin = host.begin ? host.begin + 3 : url;
    if (*host.begin == '[') {
        host.begin++;
        host.length = strcspn(host.begin, "]");
        return host;
    }
    host.length = strcspn(host.begin, ":/?#");
    if (host.length && host.begin[host.length - 1] == '.')
        host.length--;
    return host;
}

static bool copy(char *to, size_t room, struct text from)
{
    if (from.length >= room)
        return false;
    memcpy(to, from.begin, from.length);
    to[from.length] = '\0';
    return true;
}

/* Are the first `bits` of these addresses equal? */
static bool same_bits(const unsigned char *one, const unsigned char *other,
                      long bits)
{
    long whole = bits / 8, rest = bits % 8;

    return memcmp(one, other, (size_t)whole) == 0 &&
           (!rest || (one[whole] ^ other[whole]) >> (8 - rest) == 0);
}

/* Is the address in the entry, an address or a network ("10.0.0.0/8")?  A
 * network without a width is a single address. */
static bool in_net(const char *host, struct text entry)
{
    unsigned char one[16], other[16];
    char text[64], *slash;
    long most, bits;
    int family = strchr(host, ':') ? AF_INET6 : AF_INET;

    if (!copy(text, sizeof text, entry))
        return false;
    most = bits = family == AF_INET ? 32 : 128;
    slash = strchr(text, '/');
    if (slash) {
        *slash = '\0';
        bits = strtol(slash + 1, NULL, 10);
        bits = bits ? bits : most;
    }
    return bits >= 0 && bits <= most && inet_pton(family, host, one) == 1 &&
           inet_pton(family, text, other) == 1 && same_bits(one, other, bits);
}

/* Is the host that name, or a subdomain of it? */
static bool is_below(struct text host, struct text entry)
{
    while (entry.length && *entry.begin == '.') {
        entry.begin++;
        entry.length--;
    }
    if (entry.length && entry.begin[entry.length - 1] == '.')
        entry.length--;
    return entry.length && entry.length <= host.length &&
           cc_same_start(host.begin + host.length - entry.length, entry.begin,
                         entry.length) &&
           (entry.length == host.length ||
            host.begin[host.length - entry.length - 1] == '.');
}

static bool is_exempt(struct text host, const char *list)
{
    unsigned char unused[16];
    char number[64];
    bool numeric = copy(number, sizeof number, host) &&
                   (inet_pton(AF_INET, number, unused) == 1 ||
                    inet_pton(AF_INET6, number, unused) == 1);

    if (strcmp(list, "*") == 0)
        return true;
    for (;;) {
        struct text entry;

        list += strspn(list, SEPARATORS);
        if (!*list)
            return false;
        entry = (struct text){list, strcspn(list, SEPARATORS)};
        if (numeric ? in_net(number, entry) : is_below(host, entry))
            return true;
        list += entry.length;
    }
}

static const char *first_set(cc_proxy_environment *environment,
                             const char *const *names)
{
    for (; *names; names++) {
        const char *value = environment(*names);

        if (value && *value)
            return value;
    }
    return NULL;
}

const char *cc_proxy_for(const char *url, const char *option,
                         cc_proxy_environment *environment)
{
    static const char *const proxies[] = {
        "wss_proxy", "WSS_PROXY", "https_proxy", "HTTPS_PROXY",
        "all_proxy", "ALL_PROXY", NULL};
    const char *const *names = proxies;
    static const char *const exemptions[] = {"no_proxy", "NO_PROXY", NULL};
    const char *proxy = option, *exempt;

    /* Unencrypted connections go to this machine only. */
    if (cc_same_start(url, "https:", 6))
        names += 2; /* wss_proxy is not for it */
    if (!option && (names != proxies || cc_same_start(url, "wss:", 4)))
        proxy = first_set(environment, names);
    if (!proxy || !*proxy)
        return NULL;
    exempt = first_set(environment, exemptions);
    return exempt && is_exempt(host_of(url), exempt) ? NULL : proxy;
}

void cc_proxy_name(char *to, size_t room, const char *proxy)
{
    const char *host = strstr(proxy, "://"), *at;
    size_t length;

    host = host ? host + 3 : proxy;
    /* A password may contain a slash, or another @. */
    at = strrchr(host, '@');
    host = at ? at + 1 : host;
    length = strcspn(host, "/?#");
    if (length >= room)
        length = room - 1;
    memcpy(to, host, length);
    to[length] = '\0';
}
