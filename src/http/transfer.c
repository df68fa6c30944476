/* One transfer: the request, libcurl's callbacks, and what its results mean. On
 * the engine's thread. */
#include "transfer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "descriptor.h"
#include "text.h"
#include "tls_end.h"

/* In seconds; in milliseconds a long of 32 bits has it. */
#define CONNECT_MOST 1e6

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

/* Where a redirect led to; NULL: there was none. */
static const char *moved_to(const struct cc_transfer *transfer)
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
                                .moved = moved_to(transfer)};

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

static size_t on_header(char *line, size_t size, size_t count, void *self)
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

/* Our own headers; to a stranger none of them. */
static bool set_headers(struct cc_transfer *transfer)
{
    struct cc_buffer line = {0};
    struct curl_slist *list;
    bool done = true;

    if (transfer->bearer && !transfer->stranger) {
        done = cc_buffer_text(&line, "Authorization: Bearer ") &&
               cc_buffer_text(&line, cc_secret_reveal(transfer->bearer)) &&
               cc_buffer_add(&line, "", 1);
        list = done ? curl_slist_append(transfer->headers, line.bytes) : NULL;
        done = list != NULL;
        if (done)
            transfer->headers = list;
        if (line.bytes)
            cc_secret_wipe(line.bytes, line.length);
        cc_buffer_free(&line);
        cc_secret_release(transfer->bearer);
        transfer->bearer = NULL; /* it is in the list now */
    }
    if (!done || transfer->stranger)
        return done;
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(transfer->easy, CURLOPT_USERAGENT, transfer->user_agent);
    if (transfer->user) {
        curl_easy_setopt(transfer->easy, CURLOPT_HTTPAUTH,
                         (long)CURLAUTH_BASIC);
        curl_easy_setopt(transfer->easy, CURLOPT_USERNAME,
                         cc_secret_reveal(transfer->user));
        curl_easy_setopt(transfer->easy, CURLOPT_PASSWORD,
                         cc_secret_reveal(transfer->password));
    }
    return true;
}

static void set_method(struct cc_transfer *transfer)
{
    CURL *easy = transfer->easy;
    const char *method = transfer->method;
    /* Servers wait for these to say how long their body is. */
    bool announced = strcmp(method, "POST") == 0 ||
                     strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;

    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (transfer->content || announced) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                         transfer->content ? transfer->content : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)transfer->content_length);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    } else if (strcmp(method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    }
    /* libcurl by itself repeats a request whose kept-alive connection turns
     * out dead; what must not be sent twice gets a connection of its own. */
    if (!transfer->idempotent)
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

/* A program that the host starts meanwhile must not keep the connection open:
 * libcurl's own sockets would be inherited. */
static curl_socket_t open_socket(void *self, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    struct cc_transfer *transfer = self;
    int fd;

    (void)purpose;
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
    if (fd < 0 && errno != EAFNOSUPPORT)
        transfer->starved = true;
    return fd;
}

bool cc_transfer_prepare(struct cc_transfer *transfer)
{
    CURL *easy = transfer->easy;

    transfer->answer.length = 0;
    transfer->redirecting = transfer->headed = transfer->stopped = false;
    transfer->bodied = transfer->held = transfer->open_end = false;
    transfer->waste = transfer->head_bytes = 0;
    transfer->starved = false;
    transfer->trouble[0] = '\0';
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->trouble);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING,
                     transfer->plain ? "identity" : "gzip, deflate");
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(
        easy, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(fmin(transfer->connect_timeout, CONNECT_MOST) * 1000) + 1);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, cc_transfer_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    if (transfer->ca_file || transfer->ca_dir) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, transfer->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, transfer->ca_dir);
    }
    /* In clear we talk to this machine itself only: a proxy of the environment
     * is not to see the token on a way that was thought to be none. */
    if (transfer->proxy || cc_same_start(transfer->url, "http:", 5))
        curl_easy_setopt(easy, CURLOPT_PROXY,
                         transfer->proxy ? transfer->proxy : "");
    cc_tls_end_watch(transfer);
    set_method(transfer);
    cc_transfer_watch_way(transfer);
    return curl_easy_setopt(easy, CURLOPT_URL, transfer->url) == CURLE_OK &&
           set_headers(transfer);
}

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
    end->moved = moved_to(transfer);
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
