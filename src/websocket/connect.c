/* A socket connects: its look-up, and one address after the other.  On the
 * engine's thread. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "descriptor.h"
#include "lookup.h"
#include "socket.h"

/* How long an address is tried while there are others. */
#define TRY_SECONDS 2.0

const struct cc_address *cc_socket_hop(const struct cc_socket *socket)
{
    return socket->proxy.host ? &socket->proxy : &socket->address;
}

bool cc_socket_has_next(const struct cc_socket *socket)
{
    return socket->name + 1 < socket->names->count;
}

void cc_socket_dial(struct cc_socket *socket)
{
    const char *number = socket->names->text[socket->name];
    const struct cc_address *to = &socket->address;
    const struct cc_ws *ws = socket->ws;
    struct lws_client_connect_info info = {0};
    char host[160], bare[128];
    struct lws *wsi;

    snprintf(bare, sizeof bare, to->ipv6 ? "[%s]" : "%s", to->host);
    snprintf(host, sizeof host, to->usual ? "%s" : "%s:%d", bare, to->port);
    socket->state = CC_SOCKET_CONNECTING;
    socket->connected = socket->asked = socket->redial = false;
    socket->taken = false;
    socket->distrust = socket->status = 0;
    socket->try_until = cc_clock_now() + TRY_SECONDS;
    if (socket->proxy.host &&
        !cc_ws_route_by(socket->route, &socket->proxy, number)) {
        cc_socket_finish_as(socket, CCAAS_PROTOCOL, false, 0,
                            "the proxy's address cannot be used");
        return;
    }
    info.context = ws->context;
    info.vhost = socket->route->vhost;
    info.address = socket->proxy.host ? bare : number;
    info.port = to->port;
    info.path = "/"; /* the true one is put in later */
    info.host = host;
    info.alpn = "http/1.1";
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
    if (to->tls)
        info.ssl_connection |= LCCSCF_USE_SSL;
    info.local_protocol_name = cc_ws_protocols[0].name;
    info.ietf_version_or_minus_one = -1;
    info.opaque_user_data = socket;
    info.retry_and_idle_policy = &cc_ws_no_policy;
    info.pwsi = &socket->wsi;
    socket->dialing = true;
    wsi = lws_client_connect_via_info(&info);
    socket->dialing = false;
    if (wsi) {
        cc_ws_watch_at(socket->ws, socket->try_until);
        return;
    }
    socket->wsi = NULL;
    cc_socket_refused(socket, "");
}

/* There is no descriptor or thread for it. */
static void starve(struct cc_socket *socket)
{
    cc_socket_finish_as(socket, CCAAS_IO, false, 0, CC_NO_DESCRIPTOR);
}

void cc_socket_begin(struct cc_socket *socket)
{
    struct cc_ws *ws = socket->ws;
    const char *why = socket->wrong;

    socket->state = CC_SOCKET_LOOKING_UP;
    socket->began = cc_clock_now();
    socket->next = ws->running;
    socket->link = &ws->running;
    if (socket->next)
        socket->next->link = &socket->next;
    ws->running = socket;
    if (why) {
        cc_socket_finish_as(socket, CCAAS_PROTOCOL, false, 0, why);
        return;
    }
    socket->route = cc_ws_route_find(
        ws, socket->address.tls ? socket->ca_file : NULL,
        socket->address.tls ? socket->ca_dir : NULL, socket->proxy_key, &why);
    if (!socket->route) {
        if (cc_descriptors_left(1))
            cc_socket_finish_as(
                socket, why == cc_address_no_memory ? CCAAS_MEMORY : CCAAS_TLS,
                false, 0, why);
        else
            starve(socket);
        return;
    }
    cc_ws_watch_at(ws, socket->began + socket->connect_timeout);
    socket->names = calloc(1, sizeof *socket->names);
    if (!socket->names) {
        cc_socket_finish_as(socket, CCAAS_MEMORY, false, 0, "out of memory");
        return;
    }
    if (cc_lookup_known(cc_socket_hop(socket)->host, socket->names)) {
        cc_socket_dial(socket);
        return;
    }
    socket->lookup = cc_lookup_start(ws, cc_socket_hop(socket)->host);
    if (!socket->lookup)
        starve(socket);
}

void cc_socket_found(struct cc_socket *socket, const struct cc_lookup *lookup)
{
    struct cc_ws_end end = {.code = CCAAS_DNS, .transient = true};

    socket->lookup = NULL;
    if (lookup->starved) {
        starve(socket);
        return;
    }
    if (lookup->failure) {
        snprintf(end.message, sizeof end.message, "cannot look up %s%s: %s",
                 socket->proxy.host ? "the proxy " : "", lookup->host,
                 gai_strerror(lookup->failure));
        cc_socket_finish(socket, &end, 0);
        return;
    }
    *socket->names = lookup->names;
    cc_socket_dial(socket);
}
