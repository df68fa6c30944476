/* Did the server end a TLS connection in good order, by a close_notify?  A body
 * without a length is whole only then: anybody on the way can cut a connection.
 * libcurl does not say, so OpenSSL is asked.
 *
 * On the engine's thread.
 */
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>

#include "engine.h"
#include "transfer.h"

static int place = -1; /* of the engine in a context's extra data */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_place(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    if (info->ssl_version && strncmp(info->ssl_version, "OpenSSL/", 8) == 0)
        place = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* OpenSSL tells of everything that happens to a connection. */
static void on_event(const SSL *ssl, int where, int value)
{
    struct cc_transfer *transfer;
    struct cc_http *http;

    if (where != SSL_CB_READ_ALERT || (value & 255) != SSL_AD_CLOSE_NOTIFY)
        return;
    http = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place);
    for (transfer = http ? http->running : NULL; transfer;
         transfer = transfer->next)
        if (transfer->tls == ssl)
            transfer->tls_ended = true;
}

static CURLcode on_context(CURL *easy, void *context, void *self)
{
    struct cc_transfer *transfer = self;

    (void)easy;
    if (!SSL_CTX_set_ex_data(context, place, transfer->http))
        return CURLE_OUT_OF_MEMORY;
    SSL_CTX_set_info_callback(context, on_event);
    return CURLE_OK;
}

void cc_tls_end_watch(struct cc_transfer *transfer)
{
    pthread_once(&once, find_place);
    transfer->tls = NULL;
    transfer->tls_ended = false;
    if (place < 0)
        return;
    curl_easy_setopt(transfer->easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
    curl_easy_setopt(transfer->easy, CURLOPT_SSL_CTX_DATA, transfer);
}

void cc_tls_end_expect(struct cc_transfer *transfer)
{
    struct curl_tlssessioninfo *session = NULL;

    if (place < 0 || curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR,
                                       &session) != CURLE_OK)
        return;
    if (session && session->backend == CURLSSLBACKEND_OPENSSL)
        transfer->tls = session->internals;
}

CURLcode cc_tls_end_result(const struct cc_transfer *transfer, CURLcode result)
{
    /* OpenSSL's words: a connection that was reset has others. */
    if (result == CURLE_RECV_ERROR && transfer->tls && !transfer->tls_ended &&
        strstr(transfer->trouble, "unexpected eof"))
        return CURLE_OK;
    return result;
}
