/* What a transfer's end means.  On the engine's thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "descriptor.h"
#include "transfer.h"

/* Does this result mean that libcurl had no room for the headers?  It has room
 * for a line of 100 KiB, and says that memory is out where one is longer. */
static bool headers_too_large(const struct cc_transfer *transfer,
                              CURLcode result)
{
    curl_off_t first = 0;
    void *probe;

    if (result == CURLE_OK)
        return false;
    /* CURLE_TOO_LARGE, which not every version has a name for. */
    if ((int)result == 100 || strstr(transfer->trouble, "response headers") ||
        strstr(transfer->trouble, "Out of memory in chunked"))
        return true;
    curl_easy_getinfo(transfer->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
    if (result != CURLE_OUT_OF_MEMORY || !first)
        return false;
    probe = malloc(CC_HTTP_HEADERS);
    free(probe);
    return probe != NULL;
}

/* Did it fail for want of descriptors, or of a thread?  libcurl does not say
 * that: the look-up, the connection or the CA file has failed. */
static bool lacks_means(const struct cc_transfer *transfer, CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_CONNECT:
        return transfer->starved || !cc_descriptors_left(1);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return strstr(transfer->trouble, "thread failed") ||
               !cc_descriptors_left(4);
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
        return !cc_descriptors_left(2);
    default:
        return false;
    }
}

/* Fills in what libcurl's result alone says. */
static void read_result(const struct cc_transfer *transfer, CURLcode result,
                        struct cc_http_end *end)
{
    static const struct {
        CURLcode result;
        enum ccaas_code code;
        bool transient;
    } meanings[] = {
        {CURLE_COULDNT_RESOLVE_HOST, CCAAS_DNS, true},
        {CURLE_COULDNT_RESOLVE_PROXY, CCAAS_DNS, true},
        {CURLE_COULDNT_CONNECT, CCAAS_CONNECT, true},
        {CURLE_PROXY, CCAAS_CONNECT, true},
        {CURLE_OPERATION_TIMEDOUT, CCAAS_TIMEOUT, true},
        {CURLE_SSL_CONNECT_ERROR, CCAAS_TLS, true},
        {CURLE_PEER_FAILED_VERIFICATION, CCAAS_TLS, false},
        {CURLE_SSL_CACERT_BADFILE, CCAAS_TLS, false},
        {CURLE_SSL_CIPHER, CCAAS_TLS, false},
        {CURLE_SSL_CERTPROBLEM, CCAAS_TLS, false},
        {CURLE_BAD_CONTENT_ENCODING, CCAAS_PROTOCOL, false},
        {CURLE_UNSUPPORTED_PROTOCOL, CCAAS_PROTOCOL, false},
        {CURLE_URL_MALFORMAT, CCAAS_PROTOCOL, false},
        {CURLE_WEIRD_SERVER_REPLY, CCAAS_PROTOCOL, false},
        {CURLE_TOO_MANY_REDIRECTS, CCAAS_PROTOCOL, false},
        {CURLE_OUT_OF_MEMORY, CCAAS_MEMORY, false},
    };
    size_t i;

    end->code = CCAAS_NETWORK;
    end->transient = true;
    if (lacks_means(transfer, result)) {
        end->code = CCAAS_IO;
        snprintf(end->message, sizeof end->message, "%s", CC_NO_DESCRIPTOR);
        return;
    }
    for (i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].result == result) {
            end->code = meanings[i].code;
            end->transient = meanings[i].transient;
        }
    snprintf(end->message, sizeof end->message, "%s",
             result == CURLE_OK     ? "the answer ended within its headers"
             : transfer->trouble[0] ? transfer->trouble
                                    : curl_easy_strerror(result));
}

static void set_end(struct cc_http_end *end, enum ccaas_code code,
                    bool transient, const char *message)
{
    end->code = code;
    end->transient = transient;
    snprintf(end->message, sizeof end->message, "%s", message);
}

void cc_transfer_judge(struct cc_transfer *transfer, CURLcode result,
                       struct cc_http_end *end)
{
    end->in_body = transfer->headed && !transfer->redirecting;
    end->moved = cc_transfer_moved(transfer);
    if (cc_transfer_refused(transfer, result, end))
        return;
    if (transfer->fault[0]) {
        set_end(end, CCAAS_PROTOCOL, false, transfer->fault);
    } else if (transfer->no_memory) {
        set_end(end, CCAAS_MEMORY, false, "out of memory");
    } else if (transfer->stopped) {
        end->code = CCAAS_OK;
    } else if (transfer->too_large || headers_too_large(transfer, result)) {
        end->code = CCAAS_TOO_LARGE;
        snprintf(end->message, sizeof end->message,
                 "the answer's headers are larger than %d bytes, or one of "
                 "them than 100,000",
                 CC_HTTP_HEADERS);
    } else if (result != CURLE_OK || !transfer->headed) {
        read_result(transfer, result, end);
        /* What libcurl says of a proxy's address shows its password. */
        if (strstr(end->message, "Unsupported proxy"))
            set_end(end, end->code, false,
                    "the proxy's address cannot be used");
    } else if (!transfer->bodied && strcmp(transfer->method, "HEAD") != 0 &&
               !cc_transfer_has_length(transfer)) {
        set_end(end, CCAAS_PROTOCOL, false, CC_HTTP_BAD_LENGTH);
    } else if (transfer->coding != CC_CODING_NONE &&
               !cc_decode_finish(&transfer->decode)) {
        set_end(end, CCAAS_NETWORK, true,
                "the compressed answer was cut short");
    } else {
        end->code = CCAAS_OK;
        /* A compressed body's format proves its end. */
        end->unproven = transfer->tls && !transfer->tls_ended &&
                        transfer->coding == CC_CODING_NONE;
    }
}
