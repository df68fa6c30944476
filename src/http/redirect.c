/* Where a redirect leads, and whether it is followed there.  On the engine's
 * thread. */
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "transfer.h"

/* Do both URLs have the same scheme, host and port?  *secure: the second one
 * is https. */
static bool same_origin(const char *one, const char *other, bool *secure)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST,
                                      CURLUPART_PORT};
    CURLU *a = curl_url(), *b = curl_url();
    char *from_a, *from_b;
    bool same = a && b && curl_url_set(a, CURLUPART_URL, one, 0) == CURLUE_OK &&
                curl_url_set(b, CURLUPART_URL, other, 0) == CURLUE_OK;
    size_t i;

    *secure = false;
    for (i = 0; same && i < sizeof parts / sizeof *parts; i++) {
        from_a = from_b = NULL;
        if (curl_url_get(a, parts[i], &from_a, CURLU_DEFAULT_PORT) ||
            curl_url_get(b, parts[i], &from_b, CURLU_DEFAULT_PORT) ||
            !cc_same_text(from_a, from_b))
            same = false;
        curl_free(from_a);
        curl_free(from_b);
    }
    from_b = NULL;
    if (b && curl_url_get(b, CURLUPART_SCHEME, &from_b, 0) == CURLUE_OK)
        *secure = cc_same_text(from_b, "https");
    curl_free(from_b);
    curl_url_cleanup(a);
    curl_url_cleanup(b);
    return same;
}

/* Where the answer leads; NULL: nowhere that could be used.  Not by
 * CURLINFO_REDIRECT_URL, which has our user and password in it. */
static char *find_target(const struct cc_transfer *transfer)
{
    const char *location = cc_transfer_header(transfer, "location");
    const unsigned flags =
        CURLU_DISALLOW_USER | CURLU_ALLOW_SPACE | CURLU_URLENCODE;
    CURLU *url = curl_url();
    char *target = NULL;

    if (!url || !location || !location[0] ||
        curl_url_set(url, CURLUPART_URL, transfer->url, 0) != CURLUE_OK ||
        curl_url_set(url, CURLUPART_URL, location, flags) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_URL, &target, 0) != CURLUE_OK)
        target = NULL;
    curl_url_cleanup(url);
    return target;
}

const char *cc_transfer_redirect(struct cc_transfer *transfer)
{
    bool get = strcmp(transfer->method, "GET") == 0 ||
               strcmp(transfer->method, "HEAD") == 0;
    bool keeps = transfer->status == 307 || transfer->status == 308;
    bool same, secure;
    char *target, *copy;

    if (!get && !keeps)
        return "a redirect that would drop the request's body: not followed";
    if (++transfer->redirects > CC_HTTP_REDIRECTS)
        return "too many redirects";
    target = find_target(transfer);
    if (!target)
        return "a redirect without a usable address";
    same = same_origin(transfer->url, target, &secure);
    copy = strdup(target);
    curl_free(target);
    if (!copy)
        return "out of memory";
    if (!same && (transfer->content || !secure)) {
        free(copy);
        return transfer->content
                   ? "a redirect to another host: not followed with a body"
                   : "a redirect to another host without https: not followed";
    }
    free(transfer->url);
    transfer->url = copy;
    transfer->stranger = transfer->stranger || !same;
    return NULL;
}
