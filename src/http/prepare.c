/* A transfer's request, as libcurl gets it.  On the engine's thread. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>

#include "text.h"
#include "transfer.h"

/* In seconds; in milliseconds a long of 32 bits has it. */
#define CONNECT_MOST 1e6

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
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, cc_transfer_line);
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
