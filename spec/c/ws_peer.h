/* For ws_test.c and its neighbours: their server, and sinks that remember what
 * they were told. */
#ifndef CC_SPEC_WS_PEER_H
#define CC_SPEC_WS_PEER_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "ws.h"

#define PATIENCE                                                               \
    20 /* seconds until a test gives up; never waited for in vain */

extern char **environ;

static bool without_libuv; /* this turn is on libwebsockets' own loop */
static int plain_port, tls_port, proxy_port;
static pid_t server;
static int server_input;
static char certificates[] = "/tmp/ccaas-ws-XXXXXX";

static char *in_certificates(const char *name)
{
    static char path[8][64];
    static unsigned turn;
    char *to = path[turn++ % 8];

    snprintf(to, sizeof path[0], "%s/%s", certificates, name);
    return to;
}

/* Two authorities, and a certificate for "localhost" by the first. */
static bool make_certificates(void)
{
    char command[2048];

    if (!mkdtemp(certificates))
        return false;
    snprintf(command, sizeof command,
             "cd %s && exec >/dev/null 2>&1 && K='-newkey ec -pkeyopt "
             "ec_paramgen_curve:P-256 -nodes' && openssl req -x509 $K -keyout "
             "ca.key -out ca.pem -subj /CN=ours -days 2 && openssl req -x509 "
             "$K -keyout other.key -out other.pem -subj /CN=other -days 2 && "
             "openssl req $K -keyout key.pem -out a.csr -subj /CN=localhost && "
             "echo subjectAltName=DNS:localhost > ext && openssl x509 -req -in "
             "a.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "
             "ext -out cert.pem && echo none > empty.pem",
             certificates);
    return system(command) == 0;
}

static bool start_server(void)
{
    char script[] = CCAAS_SPEC_C "/ws_server.py", python[] = "/usr/bin/python3";
    char *command[] = {python, script, NULL, NULL, NULL};
    posix_spawn_file_actions_t actions;
    int in[2], out[2], failed;
    FILE *said;

    if (!make_certificates() || pipe(in) != 0 || pipe(out) != 0)
        return false;
    command[2] = in_certificates("cert.pem");
    command[3] = in_certificates("key.pem");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addclose(&actions, in[1]);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    failed = posix_spawn(&server, python, &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    server_input = in[1];
    said = fdopen(out[0], "r");
    if (failed ||
        fscanf(said, "%d %d %d", &plain_port, &tls_port, &proxy_port) != 3)
        return false;
    fclose(said);
    return true;
}

static void stop_server(void)
{
    char command[128];

    close(server_input);
    waitpid(server, NULL, 0);
    snprintf(command, sizeof command, "rm -r %s", certificates);
    if (system(command) != 0)
        printf("%s stays\n", certificates);
}

/* A socket's sink. */
struct watcher {
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool opened, closed, full_at_first;
    unsigned full_every; /* so many messages; 0: never */
    int after_end;       /* calls that came after the last one */
    unsigned count;      /* messages */
    bool ordered;        /* those of /flood came in order */
    char texts[8][8192];
    size_t lengths[8];
    bool binaries[8];
    struct cc_ws_end end;
    struct cc_socket *socket;
};

static void on_opened(void *self)
{
    struct watcher *watcher = self;

    pthread_mutex_lock(&watcher->lock);
    watcher->after_end += watcher->closed;
    watcher->opened = true;
    pthread_cond_broadcast(&watcher->news);
    pthread_mutex_unlock(&watcher->lock);
}

static enum cc_ws_answer on_message(void *self, const char *bytes,
                                    size_t length, bool binary)
{
    struct watcher *watcher = self;
    enum cc_ws_answer answer = CC_WS_MORE;
    size_t kept = length < 8191 ? length : 8191;
    char number[11] = "";

    pthread_mutex_lock(&watcher->lock);
    watcher->after_end += watcher->closed;
    if (watcher->count < 8) {
        memcpy(watcher->texts[watcher->count], bytes, kept);
        watcher->lengths[watcher->count] = length;
        watcher->binaries[watcher->count] = binary;
    }
    if (length >= 10) {
        memcpy(number, bytes, 10);
        watcher->ordered =
            watcher->ordered && (unsigned)atoi(number) == watcher->count;
    }
    if (watcher->full_at_first && watcher->count == 0)
        answer = CC_WS_FULL;
    watcher->count++;
    if (watcher->full_every && watcher->count % watcher->full_every == 0)
        answer = CC_WS_FULL;
    pthread_cond_broadcast(&watcher->news);
    pthread_mutex_unlock(&watcher->lock);
    return answer;
}

static void on_closed(void *self, const struct cc_ws_end *end)
{
    struct watcher *watcher = self;

    pthread_mutex_lock(&watcher->lock);
    watcher->after_end += watcher->closed;
    watcher->closed = true;
    watcher->end = *end;
    pthread_cond_broadcast(&watcher->news);
    pthread_mutex_unlock(&watcher->lock);
}

static struct watcher *watcher_new(void)
{
    struct watcher *watcher = calloc(1, sizeof *watcher);

    pthread_mutex_init(&watcher->lock, NULL);
    pthread_cond_init(&watcher->news, NULL);
    watcher->ordered = true;
    return watcher;
}

/* Waits until it has opened (count -1), has so many messages, or has closed;
 * false: it never came to that. */
static bool wait_for(struct watcher *watcher, int count, bool closed)
{
    struct timespec until;
    bool there;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    pthread_mutex_lock(&watcher->lock);
    for (;;) {
        there = closed      ? watcher->closed
                : count < 0 ? watcher->opened
                            : watcher->count >= (unsigned)count;
        if (there || watcher->closed ||
            pthread_cond_timedwait(&watcher->news, &watcher->lock, &until) ==
                ETIMEDOUT)
            break;
    }
    pthread_mutex_unlock(&watcher->lock);
    return there;
}

static bool wait_opened(struct watcher *watcher)
{
    return wait_for(watcher, -1, false);
}

static bool wait_messages(struct watcher *watcher, unsigned count)
{
    return wait_for(watcher, (int)count, false);
}

static bool wait_closed(struct watcher *watcher)
{
    return wait_for(watcher, 0, true);
}

static unsigned full_every; /* of the sockets that are opened now */

/* Opens a socket whose watcher is waited for later. */
static struct watcher *open_with(struct cc_ws *ws,
                                 const struct cc_ws_request *request, bool full)
{
    struct watcher *watcher = watcher_new();
    struct cc_ws_sink sink = {watcher, on_opened, on_message, on_closed, NULL};

    watcher->full_at_first = full;
    watcher->full_every = full_every;
    watcher->socket = cc_ws_open(ws, request, &sink);
    return watcher;
}

static struct cc_ws_request request_for(const char *url)
{
    return (struct cc_ws_request){.url = url,
                                  .connect_timeout = PATIENCE,
                                  .silence = PATIENCE,
                                  .max_message = 1 << 20};
}

/* A URL on the server, good until the eighth next. */
static const char *on_server(const char *scheme, const char *host, int port,
                             const char *path)
{
    static char urls[8][8192];
    static unsigned turn;
    char *to = urls[turn++ % 8];

    snprintf(to, sizeof urls[0], "%s://%s:%d%s", scheme, host, port, path);
    return to;
}

static struct watcher *open_path(struct cc_ws *ws, const char *path)
{
    struct cc_ws_request request =
        request_for(on_server("ws", "127.0.0.1", plain_port, path));

    return open_with(ws, &request, false);
}

/* Closes it, waits for that, and frees it.  Gives how it had ended. */
static struct cc_ws_end finish(struct watcher *watcher)
{
    struct cc_ws_end end;

    cc_ws_close(watcher->socket);
    if (!wait_closed(watcher) || watcher->after_end) {
        printf("a socket never ended, or more than once\n");
        exit(1);
    }
    end = watcher->end;
    cc_ws_release(watcher->socket);
    pthread_mutex_destroy(&watcher->lock);
    pthread_cond_destroy(&watcher->news);
    free(watcher);
    return end;
}

static struct cc_ws *engine(void)
{
    struct cc_ws *ws = cc_ws_new();

    if (without_libuv)
        cc_ws_without_libuv(ws);
    return ws;
}

/* What the server saw of a connection's end: its closing code. */
__attribute__((unused)) static int code_at_server(struct cc_ws *ws,
                                                  const char *name)
{
    struct watcher *asks;
    char path[128];
    int code = 0;

    snprintf(path, sizeof path, "/code?name=%s", name);
    asks = open_path(ws, path);
    if (wait_messages(asks, 1))
        code = atoi(asks->texts[0]);
    finish(asks);
    return code;
}

static const char *name_of(const char *what)
{
    static char name[64];

    snprintf(name, sizeof name, "%s-%d", what, without_libuv);
    return name;
}

__attribute__((unused)) static struct watcher *
open_named(struct cc_ws *ws, const char *path, const char *name)
{
    char whole[256];

    snprintf(whole, sizeof whole, "%s%cname=%s", path,
             strchr(path, '?') ? '&' : '?', name);
    return open_path(ws, whole);
}

/* Runs the tests on both loops. */
static int on_both_loops(void (*run_all)(void))
{
    if (!start_server()) {
        printf("no server: are python3-websockets and openssl installed?\n");
        return 1;
    }
    run_all();
    without_libuv = true;
    run_all();
    stop_server();
    return check_report();
}

#endif
