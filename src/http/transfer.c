/* One transfer: made of a request, and given back. */
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Adds a header line to the request's; false: memory is out.  libcurl takes a
 * header without a value for one to be left out, unless a semicolon ends it. */
static bool add_line(struct cc_transfer *transfer, const char *line)
{
    const char *colon = strchr(line, ':');
    struct curl_slist *list;
    char *copy = NULL;

    if (colon && !colon[1 + strspn(colon + 1, " \t")]) {
        copy = strdup(line);
        if (!copy)
            return false;
        copy[colon - line] = ';';
        copy[colon - line + 1] = '\0';
    }
    list = curl_slist_append(transfer->headers, copy ? copy : line);
    free(copy);
    if (list)
        transfer->headers = list;
    return list != NULL;
}

static bool has_line(const struct curl_slist *list, const char *name)
{
    for (; list; list = list->next)
        if (cc_same_start(list->data, name, strlen(name)))
            return true;
    return false;
}

/* Takes out a header that libcurl would add by itself. */
static bool without(struct cc_transfer *transfer, const char *name)
{
    struct curl_slist *list;

    if (has_line(transfer->headers, name))
        return true;
    list = curl_slist_append(transfer->headers, name);
    if (list)
        transfer->headers = list;
    return list != NULL;
}

struct cc_transfer *cc_transfer_new(struct cc_http *http,
                                    const struct cc_http_request *request,
                                    const struct cc_http_sink *sink)
{
    struct cc_transfer *transfer = calloc(1, sizeof *transfer);
    const char *const *header;
    bool failed = false;

    if (!transfer)
        return NULL;
    atomic_init(&transfer->references, 1);
    transfer->http = http;
    transfer->sink = *sink;
    transfer->method = cc_copy(request->method, &failed);
    transfer->url = cc_copy(request->url, &failed);
    transfer->ca_file = cc_copy(request->trust.file, &failed);
    transfer->ca_dir = cc_copy(request->trust.dir, &failed);
    transfer->proxy = cc_copy(request->proxy, &failed);
    transfer->user_agent = cc_copy(request->user_agent, &failed);
    transfer->connect_timeout = request->connect_timeout;
    transfer->timeout = request->timeout;
    transfer->deadline = request->deadline;
    transfer->idempotent = request->idempotent;
    transfer->plain = request->plain;
    transfer->bearer = cc_secret_hold(request->bearer);
    transfer->user = cc_secret_hold(request->user);
    transfer->password = cc_secret_hold(request->password);
    if (request->content) {
        transfer->content = malloc(request->content_length + 1);
        failed = failed || !transfer->content;
        if (transfer->content)
            memcpy(transfer->content, request->content,
                   request->content_length);
        transfer->content_length = request->content_length;
    }
    for (header = request->headers; header && *header && !failed; header++)
        failed = !add_line(transfer, *header);
    failed = failed || !without(transfer, "Content-Type:") ||
             !without(transfer, "Expect:");
    if (failed) {
        cc_http_release(transfer);
        return NULL;
    }
    return transfer;
}

void cc_http_release(struct cc_transfer *transfer)
{
    struct curl_slist *item;

    if (!transfer || atomic_fetch_sub(&transfer->references, 1) != 1)
        return;
    free(transfer->method);
    free(transfer->url);
    free(transfer->ca_file);
    free(transfer->ca_dir);
    free(transfer->proxy);
    free(transfer->user_agent);
    free(transfer->content);
    cc_secret_release(transfer->bearer);
    cc_secret_release(transfer->user);
    cc_secret_release(transfer->password);
    for (item = transfer->headers; item; item = item->next)
        cc_secret_wipe(item->data, strlen(item->data));
    curl_slist_free_all(transfer->headers);
    cc_buffer_free(&transfer->answer);
    cc_buffer_free(&transfer->rest);
    cc_decode_end(&transfer->decode);
    free(transfer);
}
