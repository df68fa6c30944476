/* What goes over a websocket, against Debian's python3-websockets, on both
 * loops. */
#include "ws_peer.h"

static void test_messages(void)
{
    struct cc_ws *ws = engine();
    struct watcher *watcher = open_path(ws, "/hello");
    struct cc_ws_end end;

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
    cc_ws_free(ws);
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
        {"/close?code=1011&reason=a%0Ab", 1011, "a\\nb"},
        {"/raw?hex=8800", 1005, ""},
    };
    struct cc_ws *ws = engine();
    struct watcher *watcher;
    struct cc_ws_end end;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        watcher = open_path(ws, cases[i].path);
        CHECK(wait_closed(watcher));
        end = finish(watcher);
        CHECK_INT(end.code, CCAAS_OK);
        CHECK_INT(end.close_code, cases[i].code);
        CHECK(end.quiet == 0); /* nothing can be missing */
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
    cc_ws_free(ws);
}

static void test_last_heard(void)
{
    struct cc_ws *ws = engine();
    struct watcher *watcher = open_path(ws, "/twice");
    struct cc_ws_end end;

    CHECK(wait_closed(watcher));
    CHECK_INT(watcher->count, 2);
    end = finish(watcher);
    CHECK_INT(end.code, CCAAS_NETWORK);
    CHECK(end.quiet > 0 && end.quiet < 2.9); /* since the first: 3 */
    cc_ws_free(ws);
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
    struct cc_ws *ws = engine();
    struct watcher *watcher;
    struct cc_ws_end end;
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
    CHECK_INT(end.code, CCAAS_PROTOCOL);
    cc_ws_free(ws);
}

/* Of the answer's headers that say when to come again; "": none. */
static const char *retry_after(const struct cc_ws_end *end)
{
    static const char name[] = "retry-after";

    return end->answer_length > sizeof name && !strcmp(end->answer, name)
               ? end->answer + sizeof name
               : "";
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
    struct cc_ws *ws = engine();
    struct watcher *watcher;
    struct cc_ws_end end;
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
        CHECK_STR(retry_after(&end), cases[i].retry_after);
        CHECK(!end.opened && end.message[0] && !strstr(end.message, "s3cret"));
    }
    cc_ws_free(ws);
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
    struct cc_ws *ws = engine();
    struct cc_ws_request request;
    struct cc_ws_end end;
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
    cc_ws_free(ws);
}

static void test_request(void)
{
    const char *const lines[] = {"X-Tenant: acme", "X-Cut: a\r\nX-Not: b",
                                 NULL};
    struct cc_ws *ws = engine();
    struct cc_ws_request request;
    struct watcher *watcher;
    char path[3100] = "/headers?token=";

    memset(path + strlen(path), 'a', 3000);
    request = request_for(on_server("ws", "127.0.0.1", plain_port, path));
    request.headers = lines;
    request.bearer = cc_secret_new("t0ken", 5);
    watcher = open_with(ws, &request, false);
    cc_secret_release(request.bearer);
    CHECK(wait_messages(watcher, 2));
    CHECK(strcmp(watcher->texts[0], path) == 0);
    CHECK(strstr(watcher->texts[1], "[\"X-Tenant\", \"acme\"]") != NULL);
    CHECK(strstr(watcher->texts[1], "[\"X-Cut\", \"a\"]") != NULL);
    CHECK(strstr(watcher->texts[1], "\"Bearer t0ken\"") != NULL);
    CHECK(strstr(watcher->texts[1], "X-Not") == NULL);
    CHECK(strstr(watcher->texts[1], "Extensions") == NULL);
    CHECK(strstr(watcher->texts[1], "Origin") == NULL);
    finish(watcher);
    cc_ws_free(ws);
}

static void check_tls(struct cc_ws *ws, const char *host, const char *ca_file,
                      const char *expected)
{
    struct cc_ws_request request =
        request_for(on_server("wss", host, tls_port, "/hello"));
    struct cc_ws_end end;
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
    struct cc_ws *ws = engine();

    check_tls(ws, "localhost", in_certificates("ca.pem"), NULL);
    check_tls(ws, "localhost", in_certificates("other.pem"), "certificate");
    check_tls(ws, "localhost", NULL, "certificate");
    check_tls(ws, "127.0.0.1", in_certificates("ca.pem"), "mismatch");
    check_tls(ws, "localhost", in_certificates("nothing.pem"), "CA file");
    check_tls(ws, "localhost", in_certificates("empty.pem"), "CA file");
    check_tls(ws, "localhost", in_certificates("ca.pem"), NULL);
    cc_ws_free(ws);
}

static void test_proxy(void)
{
    struct cc_ws *ws = engine();
    struct cc_ws_request request = request_for(
        on_server("wss", "localhost", tls_port, "/asked?token=s3cret"));
    struct watcher *watcher;
    struct cc_ws_end end;
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
    cc_ws_free(ws);
}

static void run_all(void)
{
    it("messages come whole, text and binary, fragments put together",
       test_messages);
    it("a server's closing code and reason are told", test_server_closes);
    it("a connection that was lost says when it was last heard of",
       test_last_heard);
    it("a server is told why its connection is closed", test_we_close);
    it("a refused handshake has its status, and is not followed elsewhere",
       test_refused);
    it("an address that cannot be reached or parsed gives an error that says "
       "so",
       test_unreachable);
    it("a request has its headers and its path, however long", test_request);
    it("a certificate must be trusted, and be the host's", test_tls);
    it("a proxy is asked for the host by name, with user and password",
       test_proxy);
}

int main(void)
{
    return on_both_loops(run_all);
}
