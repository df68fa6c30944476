/* libwebsockets' context on a loop of ours, and its vhosts.
 *
 * The context is made by the thread that opens the first socket, and from then
 * on the engine's alone.  With libwebsockets' libuv plug-in it runs on a loop
 * of ours, which costs a fraction of its own poll loop when there are many
 * sockets; and a loop that libwebsockets made would catch the host's signals.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "descriptor.h"
#include "socket.h"

#define SIGNALS 32
/* Its tables are as large as the process's limit of descriptors, which can be
 * absurd; a table of its own size is searched, so only then. */
#define DESCRIPTORS_MOST 65536
#define SOCKETS_MOST 16384
/* What an engine opens, and some for its first connection.  libuv aborts the
 * process when it cannot make a pipe for its signals, and libwebsockets makes a
 * context that cannot be woken when it has no descriptor for that. */
#define DESCRIPTORS_LEAST 16
/* Of an answer to the handshake. */
#define HEADERS_MOST (16 * 1024)

/* Its own idle policy would hang up a socket that is not read from. */
const lws_retry_bo_t cc_ws_no_policy = {0};

/* libwebsockets changes some when it makes a context. */
static void save_signals(struct sigaction *saved)
{
    int i;

    for (i = 1; i < SIGNALS; i++)
        sigaction(i, NULL, &saved[i]);
}

static void restore_signals(const struct sigaction *saved)
{
    struct sigaction now;
    int i;

    for (i = 1; i < SIGNALS; i++)
        if (sigaction(i, NULL, &now) == 0 &&
            now.sa_handler != saved[i].sa_handler)
            sigaction(i, &saved[i], NULL);
}

/* False: there is no context on that loop. */
static bool make_on(struct cc_ws *ws, uv_loop_t *loop)
{
    struct lws_context_creation_info info = {0};
    void *foreign[1] = {loop};
    struct cc_netlinks netlinks;
    struct rlimit limit;

    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    if (loop) {
        info.options |= LWS_SERVER_OPTION_LIBUV;
        info.foreign_loops = foreign;
    }
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.user = ws;
    info.timeout_secs = CC_WS_NEVER;
    info.pt_serv_buf_size = CC_WS_SEND_BUFFER;
    info.max_http_header_data2 = HEADERS_MOST;
    info.retry_and_idle_policy = &cc_ws_no_policy;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur > DESCRIPTORS_MOST)
        info.fd_limit_per_thread = SOCKETS_MOST;
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    memset(&ws->log, 0, sizeof ws->log);
    info.log_cx = &ws->log;
#endif
    cc_netlinks_list(&netlinks);
    ws->context = lws_create_context(&info);
    cc_netlinks_keep_new(&netlinks);
    return ws->context != NULL;
}

/* Of those that it polls, sockets are the kernel's word of addresses. */
static void look_at_handle(uv_handle_t *handle, void *self)
{
    struct cc_ws *ws = self;
    struct stat about;
    uv_os_fd_t fd;

    if (handle->type == UV_POLL && uv_fileno(handle, &fd) == 0 &&
        fstat(fd, &about) == 0 && !S_ISSOCK(about.st_mode))
        ws->waker = fd;
}

static void wake(void *context)
{
    lws_cancel_service(context);
}

/* Finds the descriptor that wakes the context.  False: it was made without one,
 * for want of descriptors. */
static bool find_waker(struct cc_ws *ws)
{
    ws->waker = -1;
    if (ws->has_loop)
        uv_walk(&ws->loop, look_at_handle, ws);
    else
        ws->waker = cc_eventfd_find(wake, ws->context);
    if (ws->waker == -1)
        return false;
    if (ws->waker >= 0)
        fcntl(ws->waker, F_SETFD, FD_CLOEXEC);
    else
        ws->waker = -1;
    return true;
}

static bool make_context(struct cc_ws *ws)
{
    ws->has_loop = false;
    if (!ws->without_libuv) {
        if (uv_loop_init(&ws->loop) != 0)
            return false;
        ws->has_loop = make_on(ws, &ws->loop);
        if (!ws->has_loop)
            uv_loop_close(&ws->loop);
    }
    if (!ws->has_loop && !make_on(ws, NULL))
        return false;
    if (find_waker(ws))
        return true;
    cc_ws_context_destroy(ws);
    return false;
}

bool cc_ws_context_make(struct cc_ws *ws)
{
    struct sigaction saved[SIGNALS];
    const char *why;
    bool made;

    if (!cc_descriptors_left(DESCRIPTORS_LEAST))
        return false;
    lws_set_log_level(0, NULL); /* it would show addresses, tokens and all */
    save_signals(saved);
    made = make_context(ws);
    restore_signals(saved);
    if (!made)
        return false;
    /* Who is woken is told by way of a vhost: one has to be there. */
    if (cc_ws_route_find(ws, NULL, NULL, NULL, &why))
        return true;
    cc_ws_context_destroy(ws);
    return false;
}

void cc_ws_context_run(struct cc_ws *ws)
{
    ws->over = false;
    while (!ws->over) {
        if (ws->has_loop)
            uv_run(&ws->loop, UV_RUN_ONCE);
        else
            lws_service(ws->context, 0);
        cc_ws_flush(ws);
        /* Not from here: its clock would not be set by what is begun. */
        if (cc_connect_queue_due(ws))
            lws_cancel_service(ws->context);
        cc_ws_rest(ws);
    }
}

void cc_ws_context_leave(struct cc_ws *ws)
{
    ws->over = true;
    if (ws->has_loop)
        uv_stop(&ws->loop);
    else
        lws_cancel_service(ws->context); /* its clock alone does not wake it */
}

/* Lets the loop see to the handles that are closing; that takes few turns. */
static void finish_closing(uv_loop_t *loop)
{
    int turns;

    for (turns = 0; turns < 100 && uv_loop_alive(loop); turns++)
        uv_run(loop, UV_RUN_NOWAIT);
}

void cc_ws_context_destroy(struct cc_ws *ws)
{
    struct cc_eventfd waker;

    lws_sul_cancel(&ws->watch);
    cc_eventfd_hold(&waker, ws->waker);
    lws_context_destroy(ws->context);
    if (ws->has_loop) {
        /* On a loop that is not its own, the first call only begins it.  Some
         * versions have closed the descriptor that wakes it, and will do so
         * again; some never do. */
        cc_eventfd_refill(&waker);
        finish_closing(&ws->loop);
        lws_context_destroy(ws->context);
        uv_loop_close(&ws->loop);
        ws->has_loop = false;
    }
    cc_eventfd_settle(&waker);
    ws->context = NULL;
    cc_ws_routes_free(ws);
}
