/* Routes: what libwebsockets calls vhosts, one for each CA file and proxy.  On
 * the engine's thread (the first one: on the thread that starts it). */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "socket.h"

static bool same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

/* What is to be believed; NULL: *why says why not. */
static SSL_CTX *make_tls(const char *ca_file, const char *ca_dir,
                         const char **why)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

    *why = cc_address_no_memory;
    if (!tls)
        return NULL;
    if (SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1)
        goto failed;
    SSL_CTX_set_options(tls, SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(tls, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    if (!ca_file && !ca_dir) {
        SSL_CTX_set_default_verify_paths(tls);
        return tls;
    }
    *why = "the CA file cannot be read, or has no certificate in it: install "
           "ca-certificates, or name another one by ca_file";
    if (SSL_CTX_load_verify_locations(tls, ca_file, ca_dir) == 1)
        return tls;
failed:
    SSL_CTX_free(tls);
    return NULL;
}

static bool make_vhost(struct cc_ws *ws, struct cc_ws_route *route)
{
    static atomic_uint count; /* engines of other Lua states make some, too */
    struct lws_context_creation_info info = {0};
    char name[32];

    snprintf(name, sizeof name, "ccaas-%u", atomic_fetch_add(&count, 1));
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.vhost_name = name;
    info.protocols = cc_ws_protocols;
    info.provided_client_ssl_ctx = route->tls;
    info.timeout_secs = CC_WS_NEVER;
    info.connect_timeout_secs = CC_WS_NEVER;
    info.retry_and_idle_policy = &cc_ws_no_policy;
    info.http_proxy_address = ""; /* else it reads the environment's */
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    info.log_cx = &ws->log;
#endif
    route->vhost = lws_create_vhost(ws->context, &info);
    return route->vhost != NULL;
}

/* A CA file that was replaced is another one. */
static bool look_at(const char *ca_file, struct timespec *changed)
{
    struct stat about;

    memset(changed, 0, sizeof *changed);
    if (!ca_file)
        return true;
    if (stat(ca_file, &about) != 0)
        return false;
    *changed = about.st_mtim;
    return true;
}

static void free_route(struct cc_ws_route *route)
{
    SSL_CTX_free(route->tls);
    free(route->ca_file);
    free(route->ca_dir);
    cc_address_forget(route->proxy);
    free(route);
}

struct cc_ws_route *cc_ws_route_find(struct cc_ws *ws, const char *ca_file,
                                     const char *ca_dir, const char *proxy,
                                     const char **why)
{
    struct cc_ws_route *route;
    struct timespec changed;
    bool failed = false;

    *why = "the CA file cannot be read: install ca-certificates, or name "
           "another one by ca_file";
    if (!look_at(ca_file, &changed))
        return NULL;
    for (route = ws->routes; route; route = route->next)
        if (same(route->ca_file, ca_file) && same(route->ca_dir, ca_dir) &&
            same(route->proxy, proxy) &&
            memcmp(&route->changed, &changed, sizeof changed) == 0)
            return route;
    *why = cc_address_no_memory;
    route = calloc(1, sizeof *route);
    if (!route)
        return NULL;
    route->changed = changed;
    route->ca_file = cc_copy(ca_file, &failed);
    route->ca_dir = cc_copy(ca_dir, &failed);
    route->proxy = cc_copy(proxy, &failed);
    if (!failed)
        route->tls = make_tls(ca_file, ca_dir, why);
    if (failed || !route->tls || !make_vhost(ws, route)) {
        free_route(route);
        return NULL;
    }
    route->next = ws->routes;
    ws->routes = route;
    return route;
}

bool cc_ws_route_by(struct cc_ws_route *route, const struct cc_address *proxy,
                    const char *number)
{
    char text[256];
    bool done;

    snprintf(text, sizeof text, "%s%s[%s]:%d", proxy->path ? proxy->path : "",
             proxy->path ? "@" : "", number, proxy->port);
    done = lws_set_proxy(route->vhost, text) == 0;
    cc_secret_wipe(text, sizeof text);
    return done;
}

void cc_ws_routes_free(struct cc_ws *ws)
{
    struct cc_ws_route *route;

    while (ws->routes) {
        route = ws->routes;
        ws->routes = route->next;
        free_route(route);
    }
}
