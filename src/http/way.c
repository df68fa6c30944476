/* The way to the server: what a proxy that stands in it has to do with the end
 * of a transfer.  On the engine's thread. */
#include <stdio.h>
#include <strings.h>

#include "retry.h"
#include "text.h"
#include "transfer.h"

/* In clear, a proxy answers as the server does.  (One of the environment is not
 * used then: see cc_transfer_prepare.) */
bool cc_transfer_is_unproxied(const struct cc_transfer *transfer)
{
    return transfer->status == 407 && transfer->proxy && transfer->proxy[0] &&
           cc_same_start(transfer->url, "http:", 5);
}

void cc_transfer_way(struct cc_transfer *transfer, struct cc_http_end *end)
{
    curl_off_t connected = 0;
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    /* The end of a tunnel that there was is not the proxy's fault. */
    end->before = !connected && (status < 200 || status > 299);
}

/* libcurl reads what a proxy says beside its refusal, to the end and byte by
 * byte, and does nothing else meanwhile; but it asks after each byte whether to
 * go on. */
static int on_progress(void *self, curl_off_t down, curl_off_t down_now,
                       curl_off_t up, curl_off_t up_now)
{
    const struct cc_transfer *transfer = self;
    long status = 0;

    (void)down;
    (void)down_now;
    (void)up;
    (void)up_now;
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status >= 300;
}

void cc_transfer_watch_way(struct cc_transfer *transfer)
{
    if (!cc_same_start(transfer->url, "https:", 6))
        return;
    curl_easy_setopt(transfer->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(transfer->easy, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_NOPROGRESS, 0L);
}

/* Does a socks proxy refuse us, for what we say of ourselves? */
static bool is_unknown_user(struct cc_transfer *transfer)
{
    long why = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_PROXY_ERROR, &why);
    return why == CURLPX_USER_REJECTED || why == CURLPX_NO_AUTH;
}

bool cc_transfer_refused(struct cc_transfer *transfer, CURLcode result,
                         struct cc_http_end *end)
{
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (transfer->unproxied)
        status = 407;
    else if (result == CURLE_PROXY && is_unknown_user(transfer))
        status = 0;
    else if (result == CURLE_OK || result == CURLE_OUT_OF_MEMORY ||
             transfer->headed || status < 300)
        return false;
    end->code = CCAAS_CONNECT;
    end->refusal = (int)status;
    end->transient = cc_retry_status((int)status);
    if (!status || status == 407)
        snprintf(end->message, sizeof end->message,
                 "its user and password were refused, or are missing%s",
                 status ? " (407)" : "");
    else
        snprintf(end->message, sizeof end->message,
                 "refused the connection with status %ld", status);
    return true;
}
