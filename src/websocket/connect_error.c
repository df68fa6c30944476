/* What a try to connect that failed means.  On the engine's thread. */
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "descriptor.h"
#include "error.h"
#include "retry.h"
#include "socket.h"

/* The server has answered, but not with a websocket. */
static void judge_status(struct cc_socket *socket, struct cc_ws_end *end)
{
    int status = socket->status;

    end->code = cc_error_code(status);
    end->transient = cc_retry_status(status);
    if (status >= 300 && status < 400)
        snprintf(end->message, sizeof end->message,
                 "the server redirects the websocket (%d): not followed",
                 status);
    else
        snprintf(end->message, sizeof end->message,
                 "the server refuses the websocket with status %d", status);
}

/* Does libwebsockets say that the proxy refused us?  Versions before 4.2 hide
 * the status: then it is 0. */
static bool is_by_proxy(const char *why, int *status)
{
    static const char refused[] = "http_proxy -> ";

    *status = 0;
    if (strncmp(why, refused, sizeof refused - 1) == 0)
        *status = (int)strtol(why + sizeof refused - 1, NULL, 10);
    return *status || strncmp(why, "proxy", 5) == 0 ||
           strncmp(why, "http_proxy", 10) == 0;
}

/* A wrong password is not sent again and again, which would lock the account.
 * Where the status is not known, one that has let nobody through is taken to be
 * wrong. */
static void judge_proxy(struct cc_socket *socket, const char *why, int status,
                        struct cc_ws_end *end)
{
    const struct cc_address *to = &socket->proxy;
    /* Else the connection to it was lost. */
    bool is_answer = status || strcmp(why, "proxy not h1") == 0;
    bool has_password = to->path != NULL;

    end->code = CCAAS_CONNECT;
    end->transient =
        status
            ? status != 407 && (status == 408 || status == 429 || status >= 500)
            : !is_answer || !has_password || socket->route->passed;
    if (status != 401)
        socket->status = status;
    if (status == 407)
        snprintf(end->message, sizeof end->message,
                 "the proxy %s:%d: its user and password were refused, or are "
                 "missing "
                 "(407)",
                 to->host, to->port);
    else if (status)
        snprintf(end->message, sizeof end->message,
                 "the proxy %s:%d: refused the connection with status %d",
                 to->host, to->port, status);
    else
        snprintf(end->message, sizeof end->message,
                 "the proxy %s:%d: %s the connection%s", to->host, to->port,
                 is_answer ? "refused" : "lost",
                 end->transient
                     ? ""
                     : ", or the user and password (libwebsockets does not say "
                       "which)");
}

/* There was no answer, or none that could be understood. */
static void judge_failure(struct cc_socket *socket, const char *why,
                          struct cc_ws_end *end)
{
    const struct cc_address *to = cc_socket_hop(socket);
    int status;

    end->code = CCAAS_NETWORK;
    end->transient = true;
    if (!socket->connected && !cc_descriptors_left(1)) {
        end->code = CCAAS_IO;
        end->transient = false;
        snprintf(end->message, sizeof end->message, "%s", CC_NO_DESCRIPTOR);
    } else if (!socket->connected) {
        end->code = CCAAS_CONNECT;
        snprintf(end->message, sizeof end->message,
                 "cannot connect to %s%s port %d",
                 to == &socket->proxy ? "the proxy " : "", to->host, to->port);
    } else if (is_by_proxy(why, &status)) {
        judge_proxy(socket, why, status, end);
    } else if (socket->distrust) {
        end->code = CCAAS_TLS;
        end->transient = false;
        snprintf(end->message, sizeof end->message,
                 "the certificate of %s is not valid: %s", socket->address.host,
                 X509_verify_cert_error_string(socket->distrust));
    } else if (!socket->asked) {
        end->code = socket->address.tls ? CCAAS_TLS : CCAAS_PROTOCOL;
        end->transient = socket->address.tls;
        snprintf(end->message, sizeof end->message, "%s",
                 socket->address.tls ? "no secure connection can be made"
                                     : "the request is too large");
    } else {
        snprintf(end->message, sizeof end->message,
                 "the connection was lost during the handshake");
    }
}

void cc_socket_judge(struct cc_socket *socket, const char *why,
                     struct cc_ws_end *end)
{
    if (socket->status && socket->status != 101)
        judge_status(socket, end);
    else
        judge_failure(socket, why, end);
}
