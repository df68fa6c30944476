/* Websockets against Debian's python3-websockets, on both loops. */
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "check.h"
#include "clock.h"
#include "ws_peer.h"

static bool without_libuv;

static struct ccaas_ws *engine(void)
{
    struct ccaas_ws *ws = ccaas_ws_new();

    if (without_libuv)
        ccaas_ws_without_libuv(ws);
    return ws;
}

/* -- Look-ups: "hang.test" answers when it is let, "two.test" has an address at
 * which nobody listens before the one that is right. */

static sem_t let_go;
static atomic_int hanging, threads_looking;

int getaddrinfo(const char *host, const char *service,
                const struct addrinfo *hints, struct addrinfo **info)
{
    static int (*real)(const char *, const char *, const struct addrinfo *,
                       struct addrinfo **);
    struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST,
                               .ai_socktype = SOCK_STREAM};
    struct addrinfo *second;
    int failed;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!(hints->ai_flags & AI_NUMERICHOST))
        threads_looking++;
    if (strcmp(host, "hang.test") == 0 && !(hints->ai_flags & AI_NUMERICHOST)) {
        hanging++;
        sem_wait(&let_go);
        hanging--;
        return EAI_AGAIN;
    }
    if (strcmp(host, "two.test") == 0 && !(hints->ai_flags & AI_NUMERICHOST)) {
        failed = real("127.0.0.9", service, &numeric, info) ||
                 real("127.0.0.1", service, &numeric, &second);
        if (!failed)
            (*info)->ai_next = second;
        return failed;
    }
    return real(host, service, hints, info);
}

static void test_messages(void)
{
    struct ccaas_ws *ws = engine();
    struct watcher *watcher = open_path(ws, "/hello");
    struct ccaas_ws_end end;

    CHECK(wait_messages(watcher, 5));
    CHECK(watcher->opened);
    CHECK_STR(watcher->texts[0], "hello");
    CHECK(!watcher->binaries[0]);
    CHECK_INT(watcher->lengths[1], 2);
    CHECK(watcher->binaries[1]);
    CHECK_STR(watcher->texts[2], "frag\xc3\xbcments");
    CHECK(!watcher->binaries[2]);
    CHECK_STR(watcher->texts[3], "binary");
    CHECK(watcher->binaries[3]);
    CHECK_INT(watcher->lengths[4], 0);
    end = finish(watcher);
    CHECK_INT(end.code, CCAAS_CANCELLED);
    CHECK(end.opened);
    ccaas_ws_free(ws);
}

/* What the server saw of a connection's end: its closing code. */
static int code_at_server(struct ccaas_ws *ws, const char *name)
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

static struct watcher *open_named(struct ccaas_ws *ws, const char *path,
                                  const char *name)
{
    char whole[256];

    snprintf(whole, sizeof whole, "%s%cname=%s", path,
             strchr(path, '?') ? '&' : '?', name);
    return open_path(ws, whole);
}

static void test_server_closes(void)
{
    static const struct {
        const char *path;
        int code;
        const char *reason;
    } cases[] = {
        {"/close?code=1000", 1000, ""},
        {"/close?code=4001&reason=tsch%C3%BCss", 4001, "tsch\xc3\xbcss"},
        {"/close?code=1011&reason=a%0Ab", 1011, "a?b"},
        {"/raw?hex=8800", 1005, ""},
    };
    struct ccaas_ws *ws = engine();
    struct watcher *watcher;
    struct ccaas_ws_end end;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        watcher = open_path(ws, cases[i].path);
        CHECK(wait_closed(watcher));
        end = finish(watcher);
        CHECK_INT(end.code, CCAAS_OK);
        CHECK_INT(end.close_code, cases[i].code);
        CHECK_STR(end.close_reason, cases[i].reason);
        CHECK(end.opened);
    }
    watcher = open_named(ws, "/close?code=4002", name_of("server"));
    CHECK(wait_closed(watcher));
    finish(watcher);
    CHECK_INT(code_at_server(ws, name_of("server")), 4002);
    watcher = open_path(ws, "/abort");
    CHECK(wait_closed(watcher));
    end = finish(watcher);
    CHECK_INT(end.code, CCAAS_NETWORK);
    CHECK_INT(end.close_code, 0);
    CHECK(end.transient);
    ccaas_ws_free(ws);
}

static void test_we_close(void)
{
    static const struct {
        const char *path;
        int code;
        enum ccaas_code why;
    } cases[] = {
        {"/echo", 1000, CCAAS_CANCELLED},
        {"/raw?hex=8102c328", 1007, CCAAS_PROTOCOL},       /* no UTF-8 */
        {"/raw?hex=0102c3bc8001ed", 1007, CCAAS_PROTOCOL}, /* in a fragment */
        {"/flood?count=1&size=1048577", 1009, CCAAS_TOO_LARGE},
    };
    struct ccaas_ws *ws = engine();
    struct watcher *watcher;
    struct ccaas_ws_end end;
    char name[64];
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(name, sizeof name, "ours%zu-%d", i, without_libuv);
        watcher = open_named(ws, cases[i].path, name);
        CHECK(wait_opened(watcher));
        if (i > 0)
            CHECK(wait_closed(watcher));
        CHECK_INT(watcher->count, 0);
        end = finish(watcher);
        CHECK_INT(end.code, cases[i].why);
        CHECK_INT(code_at_server(ws, name), cases[i].code);
    }
    watcher = open_path(ws, "/flood?count=1&size=1048576");
    CHECK(wait_messages(watcher, 1));
    CHECK_INT(watcher->lengths[0], 1048576);
    finish(watcher);
    watcher = open_path(ws, "/raw?hex=8302c328"); /* there is no such kind */
    CHECK(wait_closed(watcher));
    end = finish(watcher);
    CHECK_INT(end.code, CCAAS_NETWORK);
    ccaas_ws_free(ws);
}

static void test_refused(void)
{
    static const struct {
        const char *path;
        int status;
        enum ccaas_code code;
        bool transient;
        const char *retry_after;
    } cases[] = {
        {"/status/400", 400, CCAAS_BAD_REQUEST, false, ""},
        {"/status/401", 401, CCAAS_AUTH, false, ""},
        {"/status/403", 403, CCAAS_FORBIDDEN, false, ""},
        {"/status/404", 404, CCAAS_NOT_FOUND, false, ""},
        {"/status/429", 429, CCAAS_RATE_LIMITED, true, ""},
        {"/status/500", 500, CCAAS_SERVER, true, ""},
        {"/status/503", 503, CCAAS_SERVER, true, "17"},
        {"/status/200", 200, CCAAS_PROTOCOL, false, ""},
        {"/status/302", 302, CCAAS_PROTOCOL, false, ""},
        {"/status/307", 307, CCAAS_PROTOCOL, false, ""},
    };
    struct ccaas_ws *ws = engine();
    struct watcher *watcher;
    struct ccaas_ws_end end;
    char path[64];
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(path, sizeof path, "%s?token=s3cret", cases[i].path);
        watcher = open_path(ws, path);
        CHECK(wait_closed(watcher));
        end = finish(watcher);
        CHECK_INT(end.code, cases[i].code);
        CHECK_INT(end.status, cases[i].status);
        CHECK_INT(end.transient, cases[i].transient);
        CHECK_STR(end.retry_after, cases[i].retry_after);
        CHECK(!end.opened && end.message[0] && !strstr(end.message, "s3cret"));
    }
    ccaas_ws_free(ws);
}

static void test_unreachable(void)
{
    static const struct {
        const char *url;
        enum ccaas_code code;
    } cases[] = {
        {"ws://127.0.0.1:1/?token=s3cret", CCAAS_CONNECT},
        {"ws://nowhere.invalid/?token=s3cret", CCAAS_DNS},
        {"http://127.0.0.1/", CCAAS_PROTOCOL},
        {"ws:///s3cret", CCAAS_PROTOCOL},
        {"ws://user:s3cret@127.0.0.1/", CCAAS_PROTOCOL},
        {"ws://127.0.0.1:99999/s3cret", CCAAS_PROTOCOL},
        {"ws://127.0.0.1/s3cret\r\nX: y", CCAAS_PROTOCOL},
        {"wss://[::1]/s3cret", CCAAS_PROTOCOL},
    };
    struct ccaas_ws *ws = engine();
    struct ccaas_ws_request request;
    struct ccaas_ws_end end;
    struct watcher *watcher;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        request = request_for(cases[i].url);
        watcher = open_with(ws, &request, false);
        CHECK(wait_closed(watcher));
        end = finish(watcher);
        CHECK_INT(end.code, cases[i].code);
        CHECK(end.message[0] && !strstr(end.message, "s3cret"));
    }
    ccaas_ws_free(ws);
}

static void test_request(void)
{
    const char *const lines[] = {"X-Tenant: acme", "X-Cut: a\r\nX-Not: b",
                                 NULL};
    struct ccaas_ws *ws = engine();
    struct ccaas_ws_request request;
    struct watcher *watcher;
    char path[3100] = "/headers?token=";

    memset(path + strlen(path), 'a', 3000);
    request = request_for(on_server("ws", "127.0.0.1", plain_port, path));
    request.headers = lines;
    request.bearer = ccaas_secret_new("t0ken", 5);
    watcher = open_with(ws, &request, false);
    ccaas_secret_release(request.bearer);
    CHECK(wait_messages(watcher, 2));
    CHECK(strcmp(watcher->texts[0], path) == 0);
    CHECK(strstr(watcher->texts[1], "[\"X-Tenant\", \"acme\"]") != NULL);
    CHECK(strstr(watcher->texts[1], "[\"X-Cut\", \"a\"]") != NULL);
    CHECK(strstr(watcher->texts[1], "\"Bearer t0ken\"") != NULL);
    CHECK(strstr(watcher->texts[1], "X-Not") == NULL);
    CHECK(strstr(watcher->texts[1], "Extensions") == NULL);
    CHECK(strstr(watcher->texts[1], "Origin") == NULL);
    finish(watcher);
    ccaas_ws_free(ws);
}

static void check_tls(struct ccaas_ws *ws, const char *host,
                      const char *ca_file, const char *expected)
{
    struct ccaas_ws_request request =
        request_for(on_server("wss", host, tls_port, "/hello"));
    struct ccaas_ws_end end;
    struct watcher *watcher;

    request.ca_file = ca_file;
    watcher = open_with(ws, &request, false);
    CHECK(expected ? wait_closed(watcher) : wait_messages(watcher, 5));
    end = finish(watcher);
    CHECK_INT(end.code, expected ? CCAAS_TLS : CCAAS_CANCELLED);
    if (expected && !strstr(end.message, expected))
        CHECK_STR(end.message, expected);
}

static void test_tls(void)
{
    struct ccaas_ws *ws = engine();

    check_tls(ws, "localhost", in_certificates("ca.pem"), NULL);
    check_tls(ws, "localhost", in_certificates("other.pem"), "certificate");
    check_tls(ws, "localhost", NULL, "certificate");
    check_tls(ws, "127.0.0.1", in_certificates("ca.pem"), "mismatch");
    check_tls(ws, "localhost", in_certificates("nothing.pem"), "CA file");
    check_tls(ws, "localhost", in_certificates("empty.pem"), "CA file");
    check_tls(ws, "localhost", in_certificates("ca.pem"), NULL);
    ccaas_ws_free(ws);
}

static void test_proxy(void)
{
    struct ccaas_ws *ws = engine();
    struct ccaas_ws_request request = request_for(
        on_server("wss", "localhost", tls_port, "/asked?token=s3cret"));
    struct watcher *watcher;
    struct ccaas_ws_end end;
    char wanted[64];

    request.ca_file = in_certificates("ca.pem");
    request.proxy = on_server("http", "user:p%40ss@localhost", proxy_port, "");
    watcher = open_with(ws, &request, false);
    CHECK(wait_messages(watcher, 1));
    snprintf(wanted, sizeof wanted, "localhost:%d dXNl", tls_port);
    CHECK(strstr(watcher->texts[0], wanted) != NULL);
    finish(watcher);
    request.proxy = on_server("http", "user:wr0ng@localhost", proxy_port, "");
    watcher = open_with(ws, &request, false);
    CHECK(wait_closed(watcher));
    end = finish(watcher);
    CHECK_INT(end.code, CCAAS_CONNECT);
    CHECK(strstr(end.message, "proxy") && !strstr(end.message, "wr0ng"));
    request.proxy = "socks5://user:wr0ng@localhost";
    watcher = open_with(ws, &request, false);
    CHECK(wait_closed(watcher));
    end = finish(watcher);
    CHECK_INT(end.code, CCAAS_PROTOCOL);
    CHECK(!strstr(end.message, "wr0ng"));
    ccaas_ws_free(ws);
}

static void test_liveness(void)
{
    struct ccaas_ws *ws = engine();
    struct ccaas_ws_request request =
        request_for(on_server("ws", "127.0.0.1", plain_port, "/echo"));
    struct watcher *watcher, *other;
    struct ccaas_ws_end end;
    double began = ccaas_clock_now();

    request.silence = 0.6;
    watcher = open_with(ws, &request, false);
    other = open_path(ws, "/echo");
    CHECK(wait_opened(watcher) && wait_opened(other));
    while (ccaas_clock_now() - began < 1.5 && !watcher->closed)
        usleep(20000);
    CHECK(!watcher->closed); /* the server answers pings, and says no more */
    began = ccaas_clock_now();
    kill(server, SIGSTOP);
    CHECK(wait_closed(watcher));
    kill(server, SIGCONT);
    CHECK(ccaas_clock_now() - began > 0.3);
    CHECK(ccaas_clock_now() - began < 5);
    end = finish(watcher);
    CHECK_INT(end.code, CCAAS_TIMEOUT);
    CHECK(end.transient && end.opened);
    CHECK(!other->closed);
    finish(other);
    ccaas_ws_free(ws);
}

static unsigned progress(struct ccaas_ws *ws, const char *name)
{
    struct watcher *asks;
    unsigned count = 0;
    char path[128];

    snprintf(path, sizeof path, "/progress?name=%s", name);
    asks = open_path(ws, path);
    if (wait_messages(asks, 1))
        count = (unsigned)atoi(asks->texts[0]);
    finish(asks);
    return count;
}

/* A sink that is full makes the server wait, however long, and gets it all. */
static void check_back_pressure(const char *scheme, int port, const char *name)
{
    const unsigned total = 30000; /* 30 MB: more than the kernel takes */
    struct ccaas_ws *ws = engine();
    struct ccaas_ws_request request;
    struct watcher *watcher;
    unsigned before = 0, now = 0;
    double from;
    char path[128];
    struct rusage use;
    double spent;

    snprintf(path, sizeof path, "/flood?count=%u&size=1000&name=%s", total,
             name);
    request = request_for(on_server(scheme, "localhost", port, path));
    request.ca_file = in_certificates("ca.pem");
    request.silence = 0.3;
    watcher = open_with(ws, &request, true);
    CHECK(wait_messages(watcher, 1));
    do {
        before = now;
        usleep(200000);
        now = progress(ws, name);
    } while (now != before || !now);
    CHECK(now < total);
    from = ccaas_clock_now();
    getrusage(RUSAGE_SELF, &use);
    spent = (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / 1e6 +
            (double)use.ru_stime.tv_sec + (double)use.ru_stime.tv_usec / 1e6;
    while (ccaas_clock_now() - from < 0.7)
        usleep(20000);
    getrusage(RUSAGE_SELF, &use);
    spent = (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / 1e6 +
            (double)use.ru_stime.tv_sec + (double)use.ru_stime.tv_usec / 1e6 -
            spent;
    CHECK(spent < 0.1); /* it waits without turning round and round */
    CHECK_INT(watcher->count, 1);
    CHECK(!watcher->closed); /* its silence was longer than it may be */
    ccaas_ws_resume(watcher->socket);
    CHECK(wait_messages(watcher, total));
    CHECK(watcher->ordered);
    finish(watcher);
    ccaas_ws_free(ws);
}

static void test_back_pressure(void)
{
    check_back_pressure("ws", plain_port, name_of("press"));
    check_back_pressure("wss", tls_port, name_of("press-tls"));
}

static void test_look_up_hangs(void)
{
    struct ccaas_ws *ws = engine();
    struct ccaas_ws_request request = request_for("ws://hang.test/");
    struct watcher *hangs, *late, *works;
    struct ccaas_ws_end end;

    request.connect_timeout = 0.3;
    hangs = open_with(ws, &request, false);
    request.connect_timeout = PATIENCE;
    late = open_with(ws, &request, false);
    works = open_path(ws, "/hello");
    CHECK(wait_messages(works, 5));
    finish(works);
    CHECK(wait_closed(hangs));
    end = finish(hangs);
    CHECK_INT(end.code, CCAAS_TIMEOUT);
    CHECK_INT(hanging, 1); /* both wait for the same one */
    sem_post(&let_go);
    CHECK(wait_closed(late));
    end = finish(late);
    CHECK_INT(end.code, CCAAS_DNS);
    late = open_with(ws, &request, false);
    while (!hanging)
        usleep(1000);
    ccaas_ws_stop(ws); /* does not wait for it */
    CHECK_INT(hanging, 1);
    end = finish(late);
    CHECK_INT(end.code, CCAAS_CANCELLED);
    ccaas_ws_free(ws);
    sem_post(&let_go);
    while (hanging)
        usleep(1000);
}

static void test_every_address(void)
{
    struct ccaas_ws *ws = engine();
    struct ccaas_ws_request request =
        request_for(on_server("ws", "two.test", plain_port, "/hello"));
    struct watcher *watcher = open_with(ws, &request, false);

    CHECK(wait_messages(watcher, 5));
    finish(watcher);
    ccaas_ws_free(ws);
}

static void test_many(void)
{
    struct ccaas_ws *ws = engine();
    struct watcher *watchers[200];
    struct rusage use;
    double from, spent;
    int i, open = 0, looked = threads_looking;
    struct ccaas_ws_request request =
        request_for(on_server("ws", "localhost", plain_port, "/hello"));

    for (i = 0; i < 200; i++)
        watchers[i] = open_with(ws, &request, false);
    for (i = 0; i < 200; i++)
        open += wait_messages(watchers[i], 5);
    CHECK_INT(open, 200);
    CHECK(threads_looking - looked < 20); /* they share their look-ups */
    from = ccaas_clock_now();
    getrusage(RUSAGE_SELF, &use);
    spent = (double)use.ru_utime.tv_usec + (double)use.ru_stime.tv_usec +
            1e6 * (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec);
    while (ccaas_clock_now() - from < 0.5)
        usleep(50000);
    getrusage(RUSAGE_SELF, &use);
    spent = (double)use.ru_utime.tv_usec + (double)use.ru_stime.tv_usec +
            1e6 * (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) - spent;
    CHECK(spent < 50000); /* microseconds: idle sockets cost nothing */
    for (i = 0; i < 100; i++)
        finish(watchers[i]);
    ccaas_ws_stop(ws); /* with the others open */
    for (i = 100; i < 200; i++)
        CHECK_INT(finish(watchers[i]).code, CCAAS_CANCELLED);
    ccaas_ws_free(ws);
}

static void test_stop(void)
{
    struct ccaas_ws *ws = engine(), *other = engine();
    struct watcher *watcher = open_named(ws, "/echo", name_of("stop"));
    struct watcher *early = open_path(other, "/echo");
    struct ccaas_ws_request request =
        request_for(on_server("ws", "127.0.0.1", plain_port, "/echo"));
    struct ccaas_ws_sink sink = {NULL, on_opened, on_message, on_closed};

    CHECK(wait_opened(watcher));
    ccaas_ws_stop(ws);
    ccaas_ws_stop(ws);
    CHECK_INT(finish(watcher).code, CCAAS_CANCELLED);
    CHECK(ccaas_ws_open(ws, &request, &sink) == NULL);
    ccaas_ws_free(ws);
    CHECK_INT(code_at_server(other, name_of("stop")), 1001);
    ccaas_ws_free(other); /* before its last socket is let go of */
    CHECK_INT(finish(early).code, CCAAS_CANCELLED);
}

static void test_fork(void)
{
    struct ccaas_ws *ws = engine();
    struct watcher *watcher = open_path(ws, "/echo"), *inner;
    int i, status, good = 0;
    pid_t child;

    CHECK(wait_opened(watcher));
    for (i = 0; i < 5; i++) {
        child = fork();
        if (child == 0) {
            good = ccaas_ws_forked(ws);
            ccaas_ws_close(watcher->socket);
            ccaas_ws_free(ws);
            ws = engine();
            inner = open_path(ws, "/hello");
            good = good && wait_messages(inner, 5);
            finish(inner);
            ccaas_ws_free(ws);
            _exit(good ? 0 : 1);
        }
        waitpid(child, &status, 0);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    CHECK_INT(good, 5);
    CHECK(!watcher->closed);
    inner = open_path(ws, "/hello");
    CHECK(wait_messages(inner, 5));
    finish(inner);
    finish(watcher);
    ccaas_ws_free(ws);
}

/* The process may end at any moment: what this does is done in a child, which
 * is this program once more. */
static int end_with_sockets(void)
{
    struct ccaas_ws *ws = engine();
    struct ccaas_ws_request request =
        request_for(on_server("wss", "localhost", tls_port, "/hello"));
    struct watcher *watcher;

    request.ca_file = getenv("CCAAS_SPEC_CA");
    watcher = open_with(ws, &request, false);
    open_with(ws, &request, false);
    if (!wait_messages(watcher, 1))
        return 2;
    open_with(ws, &request, false);
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
    struct ccaas_ws *ws = engine();
    struct watcher *watcher;
    int i, changed = 0;

    for (i = 1; i < 32; i++)
        sigaction(i, NULL, &before[i]);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    watcher = open_path(ws, "/hello");
    CHECK(wait_messages(watcher, 5));
    finish(watcher);
    unsetenv("http_proxy");
    ccaas_ws_free(ws);
    for (i = 1; i < 32; i++) {
        sigaction(i, NULL, &after);
        changed += after.sa_handler != before[i].sa_handler;
    }
    CHECK_INT(changed, 0);
}

static void run_all(void)
{
    it("messages come whole, text and binary, fragments put together",
       test_messages);
    it("a server's closing code and reason are told", test_server_closes);
    it("a server is told why it is hung up on", test_we_close);
    it("a refused handshake has its status, and is not followed elsewhere",
       test_refused);
    it("what cannot be reached or read as an address says so",
       test_unreachable);
    it("a request has its headers and its path, however long", test_request);
    it("a certificate must be ours to believe, and the host's", test_tls);
    it("a proxy is asked for the host by name, with user and password",
       test_proxy);
    it("a server that goes silent is noticed, one that is quiet is not",
       test_liveness);
    it("a sink that is full makes the server wait", test_back_pressure);
    it("a look-up that hangs holds up nobody", test_look_up_hangs);
    it("every address of a host is tried", test_every_address);
    it("two hundred sockets on one engine, idle for nothing", test_many);
    it("an engine stops with sockets open, and says goodbye", test_stop);
    it("a fork leaves the parent's sockets alone", test_fork);
    it("a process may exit with sockets open", test_exit);
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
    sem_init(&let_go, 0, 0);
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
