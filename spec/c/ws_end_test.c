/* How websockets end, and what the process does meanwhile: stops, forks and
 * exits; on both loops. */
#include <dirent.h>

#include "ws_peer.h"

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* At any moment of its handshake, and nothing stays behind. */
static void test_close_early(void)
{
    struct cc_ws *first = engine(), *ws = engine();
    struct cc_ws_request request =
        request_for(on_server("wss", "localhost", tls_port, "/hello"));
    struct watcher *watcher;
    int i, before, ended = 0;

    finish(open_path(first, "/hello")); /* libuv keeps a pipe for good */
    cc_ws_free(first);
    request.ca_file = in_certificates("ca.pem");
    before = count_descriptors();
    for (i = 0; i < 60; i++) {
        watcher = open_with(ws, &request, false);
        usleep((useconds_t)i * 100);
        ended += finish(watcher).code == CCAAS_CANCELLED;
    }
    CHECK_INT(ended, 60);
    cc_ws_free(ws);
    for (i = 0; i < 1000 && count_descriptors() != before; i++)
        usleep(10000);
    CHECK_INT(count_descriptors(), before);
}

/* What the server saw of a socket whose engine was stopped: its closing code.
 */
static int code_of_stopped(struct cc_ws *asking, const char *name)
{
    struct cc_ws *ws = engine();
    struct watcher *watcher = open_named(ws, "/echo", name);
    struct cc_ws_request request =
        request_for(on_server("ws", "127.0.0.1", plain_port, "/echo"));
    struct cc_ws_sink sink = {NULL, on_opened, on_message, on_closed, NULL};

    CHECK(wait_opened(watcher));
    cc_ws_stop(ws);
    cc_ws_stop(ws);
    CHECK_INT(finish(watcher).code, CCAAS_CANCELLED);
    CHECK(cc_ws_open(ws, &request, &sink) == NULL);
    cc_ws_free(ws);
    return code_at_server(asking, name);
}

static void test_stop(void)
{
    static const char *const names[] = {"stop", "stop-2", "stop-3"};
    struct cc_ws *other = engine();
    struct watcher *early = open_path(other, "/echo");
    int i, code = 0;

    /* The goodbye is not waited for as long as a machine may stall. */
    for (i = 0; i < 3 && code != 1001; i++)
        code = code_of_stopped(other, name_of(names[i]));
    CHECK_INT(code, 1001);
    cc_ws_free(other); /* before its last socket is let go of */
    CHECK_INT(finish(early).code, CCAAS_CANCELLED);
}

/* A fork's child leaves the parent's engine alone, and has one of its own. */
static bool works_in_child(struct cc_ws *ws, struct watcher *watcher)
{
    struct watcher *inner;
    bool good = cc_ws_forked(ws);

    cc_ws_close(watcher->socket);
    cc_ws_free(ws);
#ifndef __SANITIZE_THREAD__ /* which has no threads after a fork */
    ws = engine();
    inner = open_path(ws, "/hello");
    good = good && wait_messages(inner, 5);
    finish(inner);
    cc_ws_free(ws);
#else
    (void)inner;
#endif
    return good;
}

static void test_fork(void)
{
    struct cc_ws *ws = engine();
    struct watcher *watcher = open_path(ws, "/echo"), *inner;
    int i, status, good = 0;
    pid_t child;

    CHECK(wait_opened(watcher));
    for (i = 0; i < 5; i++) {
        child = fork();
        if (child == 0)
            _exit(works_in_child(ws, watcher) ? 0 : 1);
        waitpid(child, &status, 0);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    CHECK_INT(good, 5);
    CHECK(!watcher->closed);
    inner = open_path(ws, "/hello");
    CHECK(wait_messages(inner, 5));
    finish(inner);
    finish(watcher);
    cc_ws_free(ws);
}

/* The process may end at any moment: what this does is done in a child, which
 * is this program once more. */
static int end_with_sockets(void)
{
    static struct watcher *watchers[3]; /* nothing here is a leak */
    static struct cc_ws *ws;
    struct cc_ws_request request =
        request_for(on_server("wss", "localhost", tls_port, "/hello"));
    int i;

    ws = engine();
    request.ca_file = getenv("CCAAS_SPEC_CA");
    for (i = 0; i < 3; i++) {
        watchers[i] = open_with(ws, &request, false);
        if (i == 1 && !wait_messages(watchers[0], 1))
            return 2;
    }
    exit(0);
}

static char *program;

static void test_exit(void)
{
    char mode[] = "exit", tls[16], loop[2] = {without_libuv ? '1' : '0', 0};
    char *command[] = {program, mode, tls, loop, NULL};
    int i, status, good = 0;
    pid_t child;

    setenv("CCAAS_SPEC_CA", in_certificates("ca.pem"), 1);
    snprintf(tls, sizeof tls, "%d", tls_port);
    for (i = 0; i < 10; i++) {
        if (posix_spawn(&child, program, NULL, NULL, command, environ) != 0)
            break;
        waitpid(child, &status, 0);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    CHECK_INT(good, 10);
}

static void test_guest(void)
{
    struct sigaction before[32], after;
    struct cc_ws *ws = engine();
    struct watcher *watcher;
    int i, changed = 0;

    for (i = 1; i < 32; i++)
        sigaction(i, NULL, &before[i]);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    watcher = open_path(ws, "/hello");
    CHECK(wait_messages(watcher, 5));
    finish(watcher);
    unsetenv("http_proxy");
    cc_ws_free(ws);
    for (i = 1; i < 32; i++) {
        sigaction(i, NULL, &after);
        changed += after.sa_handler != before[i].sa_handler;
    }
    CHECK_INT(changed, 0);
}

#define BESIDE 4

static void *open_in_turn(void *refused)
{
    int i;

    for (i = 0; i < 25; i++) {
        struct cc_ws *ws = engine();
        struct watcher *watcher = open_with(ws, refused, false);

        CHECK(wait_closed(watcher));
        finish(watcher);
        cc_ws_free(ws);
    }
    return NULL;
}

/* Was: libwebsockets 4.3 counts the users of its log without a lock, and
 * aborted the process when the count was wrong. */
static void test_beside(void)
{
    struct cc_ws_request refused = request_for("ws://127.0.0.1:1/");
    pthread_t threads[BESIDE];
    int i;

    for (i = 0; i < BESIDE; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, open_in_turn, &refused), 0);
    for (i = 0; i < BESIDE; i++)
        pthread_join(threads[i], NULL);
}

static void run_all(void)
{
    it("a socket may be closed at any moment of its handshake",
       test_close_early);
    it("an engine stops with sockets open, and says goodbye", test_stop);
    it("a fork leaves the parent's sockets alone", test_fork);
    it("a process may exit with sockets open", test_exit);
    it("engines of several threads come and go side by side", test_beside);
    it("signals and the environment's proxy stay the host's", test_guest);
}

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc > 3 && strcmp(argv[1], "exit") == 0) {
        tls_port = atoi(argv[2]);
        without_libuv = atoi(argv[3]);
        return end_with_sockets();
    }
    return on_both_loops(run_all);
}
