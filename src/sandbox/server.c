/*
 * server.c: one running sandbox.  Its owner's thread makes it, sends it
 * commands and ends it; its own thread runs libwebsockets' loop and, in it,
 * everything else.  A guest in the process: signals are blocked in the
 * thread, and the process's signal dispositions stay as they were.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "descriptor.h"

enum command_state { NO_COMMAND, COMMAND_GIVEN, COMMAND_DONE };

struct cc_sandbox_server {
    lua_State *L;
    struct cc_sandbox_live *live;
    struct lws_context *context;
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    lws_log_cx_t log; /* counted without a lock: all contexts share the usual */
#endif
    int waker; /* the eventfd that wakes it; -1: unknown */
    SSL_CTX *tls;
    struct cc_sandbox_cert cert;
    int port;
    pid_t pid;
    pthread_t thread;
    bool running;
    atomic_bool stopping;

    /* One command at a time; all below is under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t done;
    enum command_state state;
    bool ended; /* the thread answers no more */
    const char *command;
    size_t command_size;
    char *result;
    size_t result_size;
    bool failed;

    struct cc_sandbox_server *next; /* under running_mutex */
};

static pthread_mutex_t running_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct cc_sandbox_server *running_servers;

/* --- signal dispositions ------------------------------------------------ */

#define SIGNALS 32

/* libwebsockets changes some when it makes a context. */
static void save_signals(struct sigaction *saved)
{
    for (int i = 1; i < SIGNALS; i++)
        sigaction(i, NULL, &saved[i]);
}

static void restore_signals(const struct sigaction *saved)
{
    for (int i = 1; i < SIGNALS; i++) {
        struct sigaction now;
        if (sigaction(i, NULL, &now) == 0 &&
            now.sa_handler != saved[i].sa_handler)
            sigaction(i, &saved[i], NULL);
    }
}

/* --- libwebsockets' context ----------------------------------------------- */

static void wake(void *context)
{
    lws_cancel_service(context);
}

/* Finds the descriptor that wakes the context.  False: it was made without one,
 * for want of descriptors. */
static bool find_waker(struct cc_sandbox_server *server)
{
    server->waker = cc_eventfd_find(wake, server->context);
    if (server->waker >= 0)
        fcntl(server->waker, F_SETFD, FD_CLOEXEC);
    return server->waker != -1;
}

/* Some versions of libwebsockets forget to close what wakes it. */
static void destroy_context(struct cc_sandbox_server *server)
{
    struct cc_eventfd waker;
    cc_eventfd_hold(&waker, server->waker);
    lws_context_destroy(server->context);
    cc_eventfd_settle(&waker);
}

/* --- the thread ----------------------------------------------------------- */

static void *serve(void *data)
{
    struct cc_sandbox_server *server = data;
    while (!atomic_load(&server->stopping) &&
           lws_service(server->context, 0) >= 0)
        ;
    /* Nobody wakes a context that is being destroyed. */
    pthread_mutex_lock(&server->mutex);
    server->ended = true;
    pthread_cond_broadcast(&server->done);
    pthread_mutex_unlock(&server->mutex);
    destroy_context(server);
    return NULL;
}

void cc_sandbox_server_run_commands(struct cc_sandbox_server *server)
{
    pthread_mutex_lock(&server->mutex);
    if (server->state == COMMAND_GIVEN) {
        server->result = cc_sandbox_state_command(
            server->L, server->command, server->command_size,
            &server->result_size, &server->failed);
        server->state = COMMAND_DONE;
        pthread_cond_broadcast(&server->done);
    }
    pthread_mutex_unlock(&server->mutex);
}

lua_State *cc_sandbox_server_state(struct cc_sandbox_server *server)
{
    return server->L;
}

struct cc_sandbox_live *cc_sandbox_server_live(struct cc_sandbox_server *server)
{
    return server->live;
}

bool cc_sandbox_server_use_cert(struct cc_sandbox_server *server, SSL_CTX *ctx)
{
    server->tls = ctx;
    return SSL_CTX_use_certificate(ctx, server->cert.cert) == 1 &&
           SSL_CTX_use_PrivateKey(ctx, server->cert.key) == 1 &&
           SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
}

/* --- starting ------------------------------------------------------------- */

static bool make_context(struct cc_sandbox_server *server)
{
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    if (server->cert.cert)
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.user = server;
    /* It would end a TLS connection 5 s after its handshake, in use or not. */
    info.timeout_secs = 24 * 3600;
    info.pt_serv_buf_size = 64 * 1024;
    /* Its tables are as large as the process's limit of descriptors, which
     * can be absurd. */
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 65536)
        info.fd_limit_per_thread = 4096;
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    info.log_cx = &server->log;
#endif
    struct cc_netlinks netlinks;
    cc_netlinks_list(&netlinks);
    server->context = lws_create_context(&info);
    cc_netlinks_keep_new(&netlinks);
    if (!server->context)
        return false;
    if (find_waker(server))
        return true;
    errno = EMFILE;
    return false;
}

static bool listen_on(struct cc_sandbox_server *server, const char *address,
                      int port)
{
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.options = LWS_SERVER_OPTION_ADOPT_APPLY_LISTEN_ACCEPT_CONFIG;
    if (server->cert.cert)
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                        LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.vhost_name = "ccaas-sandbox";
    info.protocols = cc_sandbox_protocols;
    info.listen_accept_role = "raw-skt";
    info.listen_accept_protocol = cc_sandbox_protocols[0].name;
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    info.log_cx = &server->log;
#endif
    struct lws_vhost *vhost = lws_create_vhost(server->context, &info);
    if (!vhost)
        return false;
    /* A protocol agreed on in the handshake would take the connection out of
     * our hands. */
    if (server->tls)
        SSL_CTX_set_alpn_select_cb(server->tls, NULL, NULL);
    server->port = cc_sandbox_listen(vhost, address, port);
    return server->port > 0 &&
           cc_sandbox_live_begin(server->live, server->L, vhost);
}

static bool start_thread(struct cc_sandbox_server *server)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    server->running = pthread_create(&server->thread, NULL, serve, server) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return server->running;
}

static bool start(struct cc_sandbox_server *server, const char *address,
                  int port, bool tls, char *error)
{
    if (tls && !cc_sandbox_cert_make(&server->cert, error))
        return false;
    struct sigaction saved[SIGNALS];
    lws_set_log_level(0, NULL);
    save_signals(saved);
    bool made = make_context(server);
    bool listening = made && listen_on(server, address, port);
    restore_signals(saved);
    if (!listening) {
        snprintf(error, CC_SANDBOX_ERROR_SIZE,
                 "cannot listen on %s port %d%s%s", address, port,
                 errno ? ": " : "", errno ? strerror(errno) : "");
        return false;
    }
    if (!start_thread(server)) {
        snprintf(error, CC_SANDBOX_ERROR_SIZE, "cannot start a thread");
        return false;
    }
    return true;
}

struct cc_sandbox_server *cc_sandbox_server_start(lua_State *L,
                                                  struct cc_sandbox_live *live,
                                                  const char *address, int port,
                                                  bool tls, char *error)
{
    struct cc_sandbox_server *server = calloc(1, sizeof *server);
    if (!server) {
        lua_close(L);
        cc_sandbox_live_free(live);
        snprintf(error, CC_SANDBOX_ERROR_SIZE, "no memory");
        return NULL;
    }
    server->L = L;
    server->live = live;
    server->pid = getpid();
    server->waker = -1;
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->done, NULL);
    errno = 0;
    if (!start(server, address, port, tls, error)) {
        cc_sandbox_server_stop(server);
        return NULL;
    }
    pthread_mutex_lock(&running_mutex);
    server->next = running_servers;
    running_servers = server;
    pthread_mutex_unlock(&running_mutex);
    return server;
}

/* --- ending --------------------------------------------------------------- */

static void forget(struct cc_sandbox_server *server)
{
    pthread_mutex_lock(&running_mutex);
    struct cc_sandbox_server **at = &running_servers;
    while (*at && *at != server)
        at = &(*at)->next;
    if (*at)
        *at = server->next;
    pthread_mutex_unlock(&running_mutex);
}

static void end_thread(struct cc_sandbox_server *server)
{
    if (server->running) {
        pthread_mutex_lock(&server->mutex);
        atomic_store(&server->stopping, true);
        if (!server->ended)
            lws_cancel_service(server->context);
        pthread_mutex_unlock(&server->mutex);
        pthread_join(server->thread, NULL);
        server->running = false;
    } else if (server->context) {
        destroy_context(server);
    }
    server->context = NULL;
}

void cc_sandbox_server_stop(struct cc_sandbox_server *server)
{
    /* In a forked child there is no such thread, and what it held may be in
     * any state: it is left alone, the parent's file too. */
    if (server->pid != getpid())
        return;
    forget(server);
    end_thread(server);
    cc_sandbox_cert_release(&server->cert);
    lua_close(server->L);
    cc_sandbox_live_free(server->live);
    free(server->result);
    pthread_cond_destroy(&server->done);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

/* Only threads and files: the owner's handles may still point here. */
void cc_sandbox_server_stop_all(void)
{
    struct cc_sandbox_server *server = running_servers;
    if (!server || server->pid != getpid())
        return;
    for (; server; server = server->next) {
        end_thread(server);
        cc_sandbox_cert_release(&server->cert);
    }
}

/* --- what the owner asks -------------------------------------------------- */

int cc_sandbox_server_port(const struct cc_sandbox_server *server)
{
    return server->port;
}

const char *cc_sandbox_server_ca_file(const struct cc_sandbox_server *server)
{
    return server->cert.ca_file;
}

bool cc_sandbox_server_command(struct cc_sandbox_server *server,
                               const char *bytes, size_t size,
                               const char **result, size_t *result_size)
{
    static const char other_process[] = "the sandbox runs in another process";
    static const char ended[] = "the sandbox has ended";
    const char *problem = NULL;
    if (server->pid != getpid()) {
        *result = other_process;
        *result_size = sizeof other_process - 1;
        return false;
    }
    pthread_mutex_lock(&server->mutex);
    free(server->result);
    server->result = NULL;
    server->command = bytes;
    server->command_size = size;
    server->state = COMMAND_GIVEN;
    if (!server->ended)
        lws_cancel_service(server->context);
    while (server->state != COMMAND_DONE && !server->ended)
        pthread_cond_wait(&server->done, &server->mutex);
    if (server->state != COMMAND_DONE)
        problem = ended;
    server->state = NO_COMMAND;
    bool failed = problem || !server->result || server->failed;
    *result = problem ? problem : server->result ? server->result : "no memory";
    *result_size =
        !problem && server->result ? server->result_size : strlen(*result);
    pthread_mutex_unlock(&server->mutex);
    return !failed;
}
