/* The headers of an answer, as libcurl gives them.  On the engine's thread. */
#include <string.h>

#include "clock.h"
#include "text.h"
#include "transfer.h"

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

const char *cc_transfer_header(const struct cc_transfer *transfer,
                               const char *name)
{
    const char *at = transfer->answer.bytes;
    const char *end = at + transfer->answer.length;
    const char *value;

    while (at && at < end) {
        value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

static void trim(const char **from, const char **end)
{
    while (*from < *end && (**from == ' ' || **from == '\t'))
        (*from)++;
    while (*end > *from && strchr(" \t\r\n", (*end)[-1]))
        (*end)--;
}

/* A line that begins with a blank goes on with the value of the one before: a
 * coding that it names must not be missed. */
static bool continue_header(struct cc_transfer *transfer, const char *line,
                            size_t length)
{
    struct cc_buffer *answer = &transfer->answer;
    const char *end = line + length;

    trim(&line, &end);
    if (!answer->length || line == end ||
        memchr(line, '\0', (size_t)(end - line)))
        return true;
    answer->bytes[answer->length - 1] = ' '; /* there was a NUL */
    if (cc_buffer_add(answer, line, (size_t)(end - line)) &&
        cc_buffer_add(answer, "", 1))
        return true;
    answer->bytes[answer->length - 1] = '\0';
    transfer->no_memory = true;
    return false;
}

/* Adds a header line to the answer's headers. */
static bool add_header(struct cc_transfer *transfer, const char *line,
                       size_t length)
{
    const char *colon = memchr(line, ':', length);
    size_t name = colon ? (size_t)(colon - line) : 0, i;
    const char *value = colon + 1, *end = line + length;

    if (line[0] == ' ' || line[0] == '\t')
        return continue_header(transfer, line, length);
    if (!colon || memchr(line, '\0', length))
        return true; /* no header: libcurl has refused what is dangerous */
    trim(&value, &end);
    if (!cc_buffer_add(&transfer->answer, line, name) ||
        !cc_buffer_add(&transfer->answer, "", 1) ||
        !cc_buffer_add(&transfer->answer, value, (size_t)(end - value)) ||
        !cc_buffer_add(&transfer->answer, "", 1)) {
        transfer->no_memory = true;
        return false;
    }
    i = transfer->answer.length - (size_t)(end - value) - 2 - name;
    for (; name; name--, i++)
        transfer->answer.bytes[i] = cc_lower(transfer->answer.bytes[i]);
    return true;
}

const char *cc_transfer_moved(const struct cc_transfer *transfer)
{
    return transfer->redirects ? transfer->url : NULL;
}

/* Does the body last until the connection ends? */
static bool has_open_end(const struct cc_transfer *transfer)
{
    return transfer->status != 204 && transfer->status != 304 &&
           strcmp(transfer->method, "HEAD") != 0 &&
           !cc_transfer_header(transfer, "content-length") &&
           !cc_transfer_header(transfer, "transfer-encoding");
}

/* The headers are complete: a redirect is kept from the sink. */
static void headers_done(struct cc_transfer *transfer)
{
    struct cc_http_head head = {.status = transfer->status,
                                .headers = transfer->answer.bytes,
                                .length = transfer->answer.length,
                                .moved = cc_transfer_moved(transfer)};

    if (transfer->status < 200 || transfer->headed)
        return;
    transfer->headed = true;
    transfer->unproxied = cc_transfer_is_unproxied(transfer);
    if (transfer->unproxied)
        return;
    if (is_redirect(transfer->status) &&
        cc_transfer_header(transfer, "location")) {
        transfer->redirecting = true;
        return;
    }
    transfer->open_end = head.open_end = has_open_end(transfer);
    if (transfer->open_end)
        cc_tls_end_expect(transfer);
    transfer->sink.head(transfer->sink.self, &head);
}

size_t cc_transfer_line(char *line, size_t size, size_t count, void *self)
{
    struct cc_transfer *transfer = self;
    size_t length = size * count;
    long status = 0;

    transfer->heard = cc_clock_now();
    transfer->head_bytes += length;
    if (transfer->head_bytes > CC_HTTP_HEADERS) {
        transfer->too_large = true;
        return 0;
    }
    if (length >= 5 && cc_same_start(line, "HTTP/", 5)) {
        transfer->answer.length = 0;
        transfer->headed = false;
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        transfer->status = (int)status;
    } else if (transfer->headed) {
        return length; /* a trailer */
    } else if (length <= 2 && (line[0] == '\r' || line[0] == '\n')) {
        headers_done(transfer);
    } else if (!add_header(transfer, line, length)) {
        return 0;
    }
    return length;
}
