/* URLs taken apart: see address.h. */
#include "address.h"

#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "text.h"

#define HOST_MOST 95 /* libwebsockets cuts longer ones off without a word */
#define URL_MOST 16384

const char cc_address_no_memory[] = "out of memory";

void cc_address_forget(char *text)
{
    if (text)
        cc_secret_wipe(text, strlen(text));
    free(text);
}

void cc_address_clear(struct cc_address *address)
{
    free(address->host);
    cc_address_forget(address->path);
    memset(address, 0, sizeof *address);
}

static bool printable(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text == 0x7f || (unsigned char)*text > 0x7f)
            return false;
    return true;
}

/* "host", "host:port", "[number]:port", up to `end`. */
static const char *parse_host(struct cc_address *address, const char *text,
                              const char *end)
{
    const char *after, *digit;
    long port = 0;

    if (text < end && *text == '[') {
        text++;
        after = text + strcspn(text, "]/?#");
        if (*after != ']')
            return "its address lacks a bracket";
        address->ipv6 = true;
    } else {
        after = text + strcspn(text, ":/?#");
    }
    if (after == text)
        return "its address has no host";
    if (after - text > HOST_MOST)
        return "its host name is too long";
    address->host = strndup(text, (size_t)(after - text));
    if (!address->host)
        return cc_address_no_memory;
    if (address->host[strcspn(address->host, "<>\"\\^`{|}%@[]/")])
        return "its host name has characters that it cannot have";
    if (address->ipv6)
        after++;
    if (after == end)
        return NULL;
    for (digit = after + 1; digit < end && port <= 65535; digit++) {
        if (!cc_is_digit(*digit))
            break;
        port = port * 10 + (*digit - '0');
    }
    if (*after != ':' || digit < end || port < 1 || port > 65535)
        return "its address has no usable port";
    address->usual = port == address->port;
    address->port = (int)port;
    return NULL;
}

const char *cc_address_parse(struct cc_address *address, const char *url)
{
    const char *host, *end, *wrong;
    size_t length;

    memset(address, 0, sizeof *address);
    if (cc_same_start(url, "wss://", 6))
        address->tls = true;
    else if (!cc_same_start(url, "ws://", 5))
        return "its address begins with neither ws:// nor wss://";
    if (!printable(url))
        return "its address has characters that an address cannot have";
    if (strlen(url) > URL_MOST)
        return "its address is too long";
    address->port = address->tls ? 443 : 80;
    address->usual = true;
    host = url + (address->tls ? 6 : 5);
    end = host + strcspn(host, "/?#");
    if (memchr(host, '@', (size_t)(end - host)))
        return "its address has a user in it";
    wrong = parse_host(address, host, end);
    if (wrong)
        return wrong;
    if (address->tls && address->ipv6)
        return "wss:// needs a name (or an IPv4 number) to be verified";
    length = strcspn(end, "#");
    address->path = malloc(length + 2);
    if (!address->path)
        return cc_address_no_memory;
    address->path[0] = '/';
    if (*end == '/')
        length--, end++;
    memcpy(address->path + 1, end, length);
    address->path[length + 1] = '\0';
    return NULL;
}

/* In place. */
static void percent_decode(char *text)
{
    char *to = text;

    for (; *text; text++)
        if (*text == '%' && cc_hex_value(text[1]) >= 0 &&
            cc_hex_value(text[2]) >= 0) {
            *to++ = (char)(cc_hex_value(text[1]) * 16 + cc_hex_value(text[2]));
            text += 2;
        } else {
            *to++ = *text;
        }
    *to = '\0';
}

const char *cc_address_proxy(struct cc_address *address, const char *proxy)
{
    const char *scheme = strstr(proxy, "://"), *end, *at;

    memset(address, 0, sizeof *address);
    if (scheme && (scheme - proxy != 4 || !cc_same_start(proxy, "http", 4)))
        return "a proxy of that kind cannot be used";
    if (scheme)
        proxy = scheme + 3;
    if (!printable(proxy))
        return "the proxy's address cannot be used";
    end = proxy + strcspn(proxy, "/?#");
    for (at = end; at > proxy && at[-1] != '@'; at--)
        ;
    address->port = 1080; /* as libcurl has it */
    if (at > proxy) {
        address->path = strndup(proxy, (size_t)(at - proxy - 1));
        if (!address->path)
            return cc_address_no_memory;
        percent_decode(address->path);
        if (strlen(address->path) > HOST_MOST)
            return "the proxy's user and password are too long";
    }
    if (parse_host(address, at, end))
        return "the proxy's address cannot be used";
    return NULL;
}
