/* The engine: the thread, its queue of wishes, its clock; and what the process
 * as a whole needs (exit, fork).
 *
 * Any thread may put a socket into the queue (lock) with a wish: open, resume,
 * close; the engine's thread does the rest, and alone touches libwebsockets
 * and the list of running sockets.
 */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "lookup.h"
#include "socket.h"

#define LATE 0.25     /* seconds: so late is no timer of a thread that runs */
#define CATCH_UP 0.05 /* for reading what came, then */

/* All engines of the process, for atexit: os.exit() in a script runs no
 * finaliser, and a thread that goes on while the libraries below it clean up
 * crashes. */
static struct cc_ws *engines;
static pthread_mutex_t engines_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void stop_all(void)
{
    struct cc_ws *ws;

    for (;;) {
        pthread_mutex_lock(&engines_lock);
        ws = engines;
        if (ws)
            engines = ws->next;
        pthread_mutex_unlock(&engines_lock);
        if (!ws)
            return;
        cc_ws_stop(ws);
    }
}

static void park(struct cc_ws *ws)
{
    pthread_mutex_lock(&ws->lock);
    ws->park = true;
    cc_ws_wake(ws);
    while (!ws->parked && !ws->ended)
        pthread_cond_wait(&ws->moved, &ws->lock);
    pthread_mutex_unlock(&ws->lock);
}

static void unpark(struct cc_ws *ws)
{
    pthread_mutex_lock(&ws->lock);
    ws->park = false;
    pthread_cond_broadcast(&ws->moved);
    pthread_mutex_unlock(&ws->lock);
}

/* A fork takes place while all engines stand still, in a place where they hold
 * no lock of OpenSSL's that the child may need. */
static void before_fork(void)
{
    struct cc_ws *ws;

    pthread_mutex_lock(&engines_lock);
    for (ws = engines; ws; ws = ws->next)
        park(ws);
    pthread_mutex_unlock(&engines_lock);
}

static void after_fork(void)
{
    struct cc_ws *ws;

    pthread_mutex_lock(&engines_lock);
    for (ws = engines; ws; ws = ws->next)
        unpark(ws);
    pthread_mutex_unlock(&engines_lock);
}

/* The engines of the parent have no thread here; another thread of it may have
 * had the lock just then. */
static void after_fork_in_child(void)
{
    pthread_mutex_init(&engines_lock, NULL);
    engines = NULL;
}

/* The order counts: handlers run last in, first out, so ours has to come after
 * those of the TLS library, which the first context has initialised. */
static void prepare_process(void)
{
    atexit(stop_all);
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

struct cc_ws *cc_ws_new(void)
{
    struct cc_ws *ws = calloc(1, sizeof *ws);

    if (!ws)
        return NULL;
    atomic_init(&ws->references, 1);
    pthread_mutex_init(&ws->lock, NULL);
    pthread_cond_init(&ws->moved, NULL);
    ws->queue_end = &ws->queue;
    ws->gave_end = &ws->gave;
    ws->waiting_end = &ws->waiting;
    ws->watch_at = INFINITY;
    ws->pid = getpid();
    return ws;
}

struct cc_ws *cc_ws_hold(struct cc_ws *ws)
{
    atomic_fetch_add(&ws->references, 1);
    return ws;
}

void cc_ws_let_go(struct cc_ws *ws)
{
    if (atomic_fetch_sub(&ws->references, 1) != 1)
        return;
    if (!cc_ws_forked(ws)) {
        pthread_mutex_destroy(&ws->lock);
        pthread_cond_destroy(&ws->moved);
    }
    free(ws);
}

bool cc_ws_forked(const struct cc_ws *ws)
{
    return ws->started && ws->pid != getpid();
}

void cc_ws_without_libuv(struct cc_ws *ws)
{
    ws->without_libuv = true;
}

/* -- On the engine's thread ------------------------------------------------ */

/* Gives what has been looked up to those who wait for it. */
static void serve_lookups(struct cc_ws *ws, struct cc_lookup *found)
{
    struct cc_socket *socket, *next;
    struct cc_lookup *lookup, **link;

    while (found) {
        lookup = found;
        found = found->next_found;
        for (link = &ws->lookups; *link && *link != lookup;
             link = &(*link)->next)
            ;
        if (*link)
            *link = lookup->next;
        for (socket = ws->running; socket; socket = next) {
            next = socket->next;
            if (socket->lookup == lookup)
                cc_socket_found(socket, lookup);
        }
        cc_lookup_release(lookup);
    }
}

/* Stands still while somebody forks; with the lock held. */
static void stand_still(struct cc_ws *ws)
{
    if (!ws->park)
        return;
    ws->parked = true;
    pthread_cond_broadcast(&ws->moved);
    while (ws->park)
        pthread_cond_wait(&ws->moved, &ws->lock);
    ws->parked = false;
}

static void serve_socket(struct cc_socket *socket, bool opens, bool resumes,
                         bool closes)
{
    if (closes) {
        if (opens || socket->link)
            cc_socket_finish_as(socket, CCAAS_CANCELLED, false,
                                LWS_CLOSE_STATUS_NORMAL, "closed");
    } else if (opens) {
        cc_connect_queue_add(socket);
    } else if (resumes && socket->link) {
        cc_socket_resume(socket);
    }
    cc_ws_release(socket); /* the queue's reference */
}

bool cc_ws_serve(struct cc_ws *ws)
{
    struct cc_socket *socket;
    struct cc_lookup *found;
    bool opens = false, resumes = false, closes = false, stopping;

    for (;;) {
        pthread_mutex_lock(&ws->lock);
        stand_still(ws);
        stopping = ws->stopping;
        found = ws->found;
        ws->found = NULL;
        socket = ws->queue;
        if (socket) {
            ws->queue = socket->next_queued;
            if (!ws->queue)
                ws->queue_end = &ws->queue;
            opens = socket->wants_open;
            resumes = socket->wants_resume;
            closes = socket->wants_close || stopping;
            socket->queued = socket->wants_open = socket->wants_resume = false;
        }
        pthread_mutex_unlock(&ws->lock);
        serve_lookups(ws, found);
        if (!socket) {
            if (!stopping)
                cc_connect_queue_next(ws);
            return !stopping;
        }
        serve_socket(socket, opens, resumes, closes);
    }
}

/* The process was stopped, or had no turn, for `late` seconds: nothing was read
 * and nothing sent, so they do not count.  What has come meanwhile is read
 * before anybody is judged. */
static void pass_over(struct cc_ws *ws, double late)
{
    struct cc_socket *socket;

    for (socket = ws->running; socket; socket = socket->next) {
        socket->began += late;
        socket->heard += late;
        if (socket->pinged > 0)
            socket->pinged += late;
    }
    cc_ws_watch_at(ws, cc_clock_now() + CATCH_UP);
}

static void watch(lws_sorted_usec_list_t *sul)
{
    struct cc_ws *ws = lws_container_of(sul, struct cc_ws, watch);
    struct cc_socket *socket, *next;
    double now = cc_clock_now(), soonest = INFINITY, due;
    double late = now - ws->watch_at;
    bool gone;

    ws->watch_at = INFINITY;
    if (ws->leaving) {
        cc_ws_context_leave(ws);
        return;
    }
    if (late > LATE) {
        pass_over(ws, late);
        return;
    }
    for (socket = ws->running; socket; socket = next) {
        next = socket->next;
        due = cc_socket_watch(socket, now, &gone);
        if (!gone)
            soonest = fmin(soonest, due);
    }
    cc_ws_watch_at(ws, soonest);
    cc_connect_queue_next(ws);
}

void cc_ws_watch_at(struct cc_ws *ws, double when)
{
    double now = cc_clock_now(), seconds;

    when = fmax(when, now); /* a time in the past is not late */
    if (when >= ws->watch_at)
        return;
    ws->watch_at = when;
    seconds = fmin(fmax(when - now, 0), 86400);
    lws_sul_schedule(ws->context, 0, &ws->watch, watch,
                     (lws_usec_t)ceil(seconds * 1e6) + 1);
}

/* All sockets end, the servers are told, and nobody wakes the loop again. */
static void take_leave(struct cc_ws *ws)
{
    struct cc_lookup *lookup;
    struct cc_socket *socket;

    while ((socket = ws->running ? ws->running : ws->waiting))
        cc_socket_finish_as(socket, CCAAS_CANCELLED, false,
                            LWS_CLOSE_STATUS_GOINGAWAY, "closed");
    pthread_mutex_lock(&ws->lock);
    ws->ended = true;
    ws->found = NULL;
    pthread_cond_broadcast(&ws->moved);
    pthread_mutex_unlock(&ws->lock);
    while (ws->lookups) {
        lookup = ws->lookups;
        ws->lookups = lookup->next;
        cc_lookup_release(lookup);
    }
}

static void *run(void *self)
{
    struct cc_ws *ws = self;

    cc_ws_context_run(ws);
    take_leave(ws);
    if (ws->established) {
        ws->leaving = true;
        ws->watch_at = INFINITY;
        cc_ws_watch_at(ws, cc_clock_now() + 0.2);
        cc_ws_context_run(ws);
    }
    cc_ws_context_destroy(ws);
    return NULL;
}

/* -- On any thread ----------------------------------------------------------
 */

void cc_ws_wake(struct cc_ws *ws)
{
    if (ws->started && !ws->ended)
        lws_cancel_service(ws->context);
}

/* Starts the thread, with all signals blocked: they are the host's.  With the
 * lock held. */
static bool start_thread(struct cc_ws *ws)
{
    sigset_t all, before;
    int failed;

    if (!cc_ws_context_make(ws))
        return false;
    pthread_once(&once, prepare_process);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&ws->thread, NULL, run, ws);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        cc_ws_context_destroy(ws);
        return false;
    }
    ws->started = true;
    ws->pid = getpid();
    return true;
}

/* Has the engine, which was just started, in the list.  Not with its lock held:
 * a fork takes the list's first. */
static void enlist(struct cc_ws *ws)
{
    pthread_mutex_lock(&engines_lock);
    pthread_mutex_lock(&ws->lock);
    if (!ws->stopping) {
        ws->next = engines;
        engines = ws;
    }
    pthread_mutex_unlock(&ws->lock);
    pthread_mutex_unlock(&engines_lock);
}

/* Puts the socket into the queue; with the lock held. */
static void enqueue(struct cc_ws *ws, struct cc_socket *socket)
{
    if (socket->queued || ws->stopping)
        return;
    *ws->queue_end = socket;
    ws->queue_end = &socket->next_queued;
    socket->next_queued = NULL;
    socket->queued = true;
    atomic_fetch_add(&socket->references, 1);
    cc_ws_wake(ws);
}

struct cc_socket *cc_ws_open(struct cc_ws *ws,
                             const struct cc_ws_request *request,
                             const struct cc_ws_sink *sink)
{
    struct cc_socket *socket;
    bool ready, fresh;

    if (cc_ws_forked(ws))
        return NULL;
    socket = cc_socket_new(ws, request, sink);
    if (!socket)
        return NULL;
    pthread_mutex_lock(&ws->lock);
    fresh = !ws->started;
    ready = !ws->stopping && (ws->started || start_thread(ws));
    if (ready) {
        atomic_fetch_add(&socket->references, 1); /* the engine's */
        socket->wants_open = true;
        enqueue(ws, socket);
    }
    pthread_mutex_unlock(&ws->lock);
    if (ready && fresh)
        enlist(ws);
    if (!ready) {
        cc_ws_release(socket);
        return NULL;
    }
    return socket;
}

void cc_ws_close(struct cc_socket *socket)
{
    struct cc_ws *ws = socket->ws;

    if (cc_ws_forked(ws))
        return;
    pthread_mutex_lock(&ws->lock);
    socket->wants_close = true;
    enqueue(ws, socket);
    pthread_mutex_unlock(&ws->lock);
}

void cc_ws_resume(struct cc_socket *socket)
{
    struct cc_ws *ws = socket->ws;

    if (cc_ws_forked(ws))
        return;
    pthread_mutex_lock(&ws->lock);
    socket->wants_resume = true;
    enqueue(ws, socket);
    pthread_mutex_unlock(&ws->lock);
}

void cc_ws_stop(struct cc_ws *ws)
{
    struct cc_ws **link;
    bool running;

    if (cc_ws_forked(ws))
        return;
    pthread_mutex_lock(&ws->lock);
    running = ws->started && !ws->stopping;
    ws->stopping = true;
    if (running)
        cc_ws_wake(ws);
    pthread_mutex_unlock(&ws->lock);
    if (!running)
        return;
    pthread_join(ws->thread, NULL);
    pthread_mutex_lock(&engines_lock);
    for (link = &engines; *link; link = &(*link)->next)
        if (*link == ws) {
            *link = ws->next;
            break;
        }
    pthread_mutex_unlock(&engines_lock);
}

void cc_ws_free(struct cc_ws *ws)
{
    if (!ws)
        return;
    cc_ws_stop(ws);
    cc_ws_let_go(ws);
}
