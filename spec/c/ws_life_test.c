/* How websockets live: silence, waiting, look-ups, many of them; on both
 * loops. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "ws_peer.h"

/* -- Look-ups: "hang.test" answers when it is let, "two.test" has an address at
 * which nobody listens before the one that is right. */

static sem_t let_go;
static atomic_int hanging;

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

static double cpu_seconds(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void test_liveness(void)
{
    struct cc_ws *ws = engine();
    struct cc_ws_request request =
        request_for(on_server("ws", "127.0.0.1", plain_port, "/echo"));
    struct watcher *watcher, *other;
    struct cc_ws_end end;
    double began = cc_clock_now();

    request.silence = 1.5;
    watcher = open_with(ws, &request, false);
    other = open_path(ws, "/echo");
    CHECK(wait_opened(watcher) && wait_opened(other));
    while (cc_clock_now() - began < 3.5 && !watcher->closed)
        usleep(20000);
    CHECK(!watcher->closed); /* the server answers pings, and says no more */
    began = cc_clock_now();
    kill(server, SIGSTOP);
    CHECK(wait_closed(watcher));
    kill(server, SIGCONT);
    CHECK(cc_clock_now() - began > 0.2);
    CHECK(cc_clock_now() - began < 10);
    end = finish(watcher);
    CHECK_INT(end.code, CCAAS_TIMEOUT);
    CHECK(end.transient && end.opened);
    CHECK(end.quiet >= 1.5);
    CHECK(!other->closed);
    finish(other);
    cc_ws_free(ws);
}

static unsigned progress(struct cc_ws *ws, const char *name)
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
    struct cc_ws *ws = engine();
    struct cc_ws_request request;
    struct watcher *watcher;
    unsigned before = 0, now = 0;
    double from, spent;
    char path[128];

    snprintf(path, sizeof path, "/flood?count=%u&size=1000&name=%s", total,
             name);
    request = request_for(on_server(scheme, "localhost", port, path));
    request.ca_file = in_certificates("ca.pem");
    request.silence = 1;
    watcher = open_with(ws, &request, true);
    CHECK(wait_messages(watcher, 1));
    do {
        before = now;
        usleep(200000);
        now = progress(ws, name);
    } while (now != before || !now);
    CHECK(now < total);
    from = cc_clock_now();
    spent = cpu_seconds();
    while (cc_clock_now() - from < 2.2)
        usleep(20000);
    spent = cpu_seconds() - spent;
    CHECK(spent < 0.3); /* it waits without turning round and round */
    CHECK_INT(watcher->count, 1);
    CHECK(!watcher->closed); /* its silence was longer than it may be */
    cc_ws_resume(watcher->socket);
    CHECK(wait_messages(watcher, total));
    CHECK(watcher->ordered);
    finish(watcher);
    cc_ws_free(ws);
}

static void test_back_pressure(void)
{
    check_back_pressure("ws", plain_port, name_of("press"));
    check_back_pressure("wss", tls_port, name_of("press-tls"));
}

/* The rest of a TLS record is there before the sink can take it: libwebsockets
 * reads for ever if a part of the record is still with the TLS library. */
static void test_full_within_a_record(void)
{
    enum { OTHERS = 20 }; /* more than have a wide buffer of their own accord */
    struct cc_ws *ws = engine();
    struct cc_ws_request request =
        request_for(on_server("wss", "localhost", tls_port, "/echo"));
    struct watcher *others[OTHERS], *watcher;

    request.ca_file = in_certificates("ca.pem");
    for (int i = 0; i < OTHERS; i++)
        others[i] = open_with(ws, &request, false);
    for (int i = 0; i < OTHERS; i++)
        CHECK(wait_opened(others[i]));
    request.url =
        on_server("wss", "localhost", tls_port, "/burst?count=1000&size=150");
    full_every = 7;
    watcher = open_with(ws, &request, false);
    full_every = 0;
    for (unsigned count = 7; count <= 1000; count += 7) {
        CHECK(wait_messages(watcher, count));
        CHECK_INT(watcher->count, count); /* no more until it is resumed */
        cc_ws_resume(watcher->socket);
    }
    CHECK(wait_messages(watcher, 1000));
    CHECK(watcher->ordered);
    finish(watcher);
    for (int i = 0; i < OTHERS; i++)
        finish(others[i]);
    cc_ws_free(ws);
}

static void test_look_up_hangs(void)
{
    struct cc_ws *ws = engine();
    struct cc_ws_request request = request_for("ws://hang.test/");
    struct watcher *hangs, *late, *works;
    struct cc_ws_end end;

    request.connect_timeout = 1;
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
    cc_ws_stop(ws); /* does not wait for it */
    CHECK_INT(hanging, 1);
    end = finish(late);
    CHECK_INT(end.code, CCAAS_CANCELLED);
    cc_ws_free(ws);
    sem_post(&let_go);
    while (hanging)
        usleep(1000);
}

static void test_every_address(void)
{
    struct cc_ws *ws = engine();
    struct cc_ws_request request =
        request_for(on_server("ws", "two.test", plain_port, "/hello"));
    struct watcher *watcher = open_with(ws, &request, false);

    CHECK(wait_messages(watcher, 5));
    finish(watcher);
    cc_ws_free(ws);
}

static void test_many(void)
{
    struct cc_ws *ws = engine();
    struct watcher *watchers[200];
    double from, spent;
    int i, open = 0;
    struct cc_ws_request request =
        request_for(on_server("ws", "localhost", plain_port, "/hello"));

    for (i = 0; i < 200; i++)
        watchers[i] = open_with(ws, &request, false);
    for (i = 0; i < 200; i++)
        open += wait_messages(watchers[i], 5);
    CHECK_INT(open, 200);
    from = cc_clock_now();
    spent = cpu_seconds();
    while (cc_clock_now() - from < 0.5)
        usleep(50000);
    CHECK(cpu_seconds() - spent < 0.2); /* idle sockets cost nothing */
    for (i = 0; i < 100; i++)
        finish(watchers[i]);
    cc_ws_stop(ws); /* with the others open */
    for (i = 100; i < 200; i++)
        CHECK_INT(finish(watchers[i]).code, CCAAS_CANCELLED);
    cc_ws_free(ws);
}

/* Somebody listens, but says nothing: not to TCP's peer, not to TLS's. */
static void test_no_answer(void)
{
    static const char *const schemes[] = {"ws", "wss"};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0), i;
    struct cc_ws *ws = engine();
    struct cc_ws_request request;
    struct watcher *watcher;
    struct cc_ws_end end;

    CHECK(bind(listening, (struct sockaddr *)&address, size) == 0 &&
          listen(listening, 4) == 0 &&
          getsockname(listening, (struct sockaddr *)&address, &size) == 0);
    for (i = 0; i < 2; i++) {
        request = request_for(
            on_server(schemes[i], "127.0.0.1", ntohs(address.sin_port), "/"));
        request.connect_timeout = 0.2;
        watcher = open_with(ws, &request, false);
        CHECK(wait_closed(watcher));
        end = finish(watcher);
        CHECK_INT(end.code, CCAAS_TIMEOUT);
        CHECK(end.transient && !end.opened);
        CHECK(end.quiet == 0);
    }
    cc_ws_free(ws);
    close(listening);
}

#define CROWD 70 /* more than connect side by side */

/* A server that takes connections and says nothing. */
static int listen_silently(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(bind(listening, (struct sockaddr *)&address, size) == 0 &&
          listen(listening, 2 * CROWD) == 0 &&
          getsockname(listening, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    return listening;
}

static void test_turns(void)
{
    struct watcher *watchers[CROWD], *works;
    struct cc_ws *ws = engine();
    struct cc_ws_request request;
    int port, listening = listen_silently(&port), i;

    request = request_for(on_server("ws", "127.0.0.1", port, "/"));
    request.connect_timeout = 2 * PATIENCE;
    for (i = 0; i < CROWD; i++)
        watchers[i] = open_with(ws, &request, false);
    works = open_path(ws, "/echo");
    CHECK(wait_opened(works));
    finish(works);
    for (i = 0; i < CROWD; i++)
        CHECK_INT(finish(watchers[i]).code, CCAAS_CANCELLED);
    /* Some of these wait for their turn yet. */
    for (i = 0; i < CROWD; i++)
        watchers[i] = open_with(ws, &request, false);
    CHECK_INT(finish(watchers[CROWD - 1]).code, CCAAS_CANCELLED);
    CHECK_INT(finish(watchers[CROWD - 3]).code, CCAAS_CANCELLED);
    watchers[CROWD - 3] = watchers[CROWD - 2];
    cc_ws_stop(ws);
    for (i = 0; i < CROWD - 2; i++)
        CHECK_INT(finish(watchers[i]).code, CCAAS_CANCELLED);
    cc_ws_free(ws);
    close(listening);
}

static void test_crowd(void)
{
    static struct watcher *watchers[2 * CROWD];
    struct cc_ws *ws = engine();
    int i;

    for (i = 0; i < 2 * CROWD; i++)
        watchers[i] = open_path(ws, "/flood?count=20");
    for (i = 0; i < 2 * CROWD; i++)
        CHECK(wait_messages(watchers[i], 20));
    for (i = 0; i < 2 * CROWD; i++) {
        CHECK(watchers[i]->ordered);
        CHECK_INT(finish(watchers[i]).code, CCAAS_CANCELLED);
    }
    cc_ws_free(ws);
}

static void run_all(void)
{
    it("a server that goes silent is noticed, and one that answers pings is "
       "not lost",
       test_liveness);
    it("a server that never answers the handshake is given up on",
       test_no_answer);
    it("a sink that is full makes the server wait", test_back_pressure);
    it("a sink may be full in the midst of a TLS record",
       test_full_within_a_record);
    it("a look-up that hangs does not hold up others", test_look_up_hangs);
    it("many sockets whose server hangs do not hold up others for long",
       test_turns);
    it("many sockets open, and each gets all of its messages", test_crowd);
    it("every address of a host is tried", test_every_address);
    it("two hundred idle sockets on one engine cost nothing", test_many);
}

int main(void)
{
    sem_init(&let_go, 0, 0);
    return on_both_loops(run_all);
}
