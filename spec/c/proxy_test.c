/* Which proxy a websocket goes by: libcurl's rules. */
#include "proxy.h"

#include "check.h"

static const char *const *variables; /* names and values, ends with NULL */

static const char *environment(const char *name)
{
    for (const char *const *at = variables; at && *at; at += 2)
        if (strcmp(*at, name) == 0)
            return at[1];
    return NULL;
}

#define SET(...) (variables = (const char *const[]){__VA_ARGS__, NULL})
#define UNSET() (variables = NULL)
#define GOES(url, option, proxy)                                               \
    CHECK_STR(cc_proxy_for(url, option, environment), proxy)
#define DIRECT(url, option) CHECK(!cc_proxy_for(url, option, environment))

#define P "http://proxy:3128"
#define Q "http://other:8080"

static void option(void)
{
    UNSET();
    GOES("wss://a.example/x", P, P);
    GOES("ws://127.0.0.1:8080/x", P, P);
    DIRECT("wss://a.example/x", NULL);
    DIRECT("ws://127.0.0.1/x", NULL);
}

static void option_first(void)
{
    SET("wss_proxy", Q, "https_proxy", Q, "all_proxy", Q);
    GOES("wss://a.example/", P, P);
    DIRECT("wss://a.example/", "");
}

static void from_environment(void)
{
    SET("https_proxy", P);
    GOES("wss://a.example/", NULL, P);
    GOES("WSS://a.example/", NULL, P);
    SET("HTTPS_PROXY", P);
    GOES("wss://a.example/", NULL, P);
    SET("ALL_PROXY", P);
    GOES("wss://a.example/", NULL, P);
    SET("all_proxy", Q, "https_proxy", P);
    GOES("wss://a.example/", NULL, P);
    SET("https_proxy", Q, "wss_proxy", P);
    GOES("wss://a.example/", NULL, P);
    SET("https_proxy", "", "HTTPS_PROXY", P);
    GOES("wss://a.example/", NULL, P);
    SET("http_proxy", Q, "HTTP_PROXY", Q, "ws_proxy", Q);
    DIRECT("wss://a.example/", NULL);
    SET("https_proxy", "");
    DIRECT("wss://a.example/", NULL);
}

/* In clear it is this machine only. */
static void none_in_clear(void)
{
    SET("ws_proxy", P, "http_proxy", P, "HTTP_PROXY", P, "https_proxy", P,
        "all_proxy", P, "ALL_PROXY", P);
    DIRECT("ws://127.0.0.1:8080/", NULL);
    DIRECT("ws://localhost/", NULL);
    GOES("ws://127.0.0.1:8080/", Q, Q);
}

static void exempt_from_both(void)
{
    SET("https_proxy", P, "no_proxy", "a.example");
    DIRECT("wss://a.example/", NULL);
    DIRECT("wss://a.example/", Q);
    GOES("wss://b.example/", NULL, P);
    GOES("wss://b.example/", Q, Q);
    SET("https_proxy", P, "NO_PROXY", "a.example");
    DIRECT("wss://a.example/", NULL);
    SET("https_proxy", P, "no_proxy", "b.example", "NO_PROXY", "a.example");
    GOES("wss://a.example/", NULL, P);
    SET("https_proxy", P, "no_proxy", "", "NO_PROXY", "a.example");
    DIRECT("wss://a.example/", NULL);
}

static void exempt(const char *list, const char *url, int direct)
{
    const char *have;

    SET("no_proxy", list);
    have = cc_proxy_for(url, P, environment);
    if ((have == NULL) != direct)
        printf("  no_proxy=\"%s\", %s\n", list, url);
    CHECK_INT(have == NULL, direct);
}

static void names_and_those_below(void)
{
    exempt("example.com", "wss://example.com/", 1);
    exempt("example.com", "wss://www.example.com/", 1);
    exempt("example.com", "wss://a.b.example.com/", 1);
    exempt("example.com", "wss://nonexample.com/", 0);
    exempt("www.example.com", "wss://example.com/", 0);
    exempt("example.com", "wss://example.com.evil/", 0);
    exempt("example.com", "wss://evil/?example.com", 0);
    exempt("example", "wss://example.com/", 0);
    exempt("com", "wss://example.com/", 1);
    exempt("*.example.com", "wss://www.example.com/", 0);
    exempt("example.com", "wss://example.co/", 0);
}

static void dots(void)
{
    exempt(".example.com", "wss://example.com/", 1);
    exempt(".example.com", "wss://www.example.com/", 1);
    exempt("example.com.", "wss://www.example.com/", 1);
    exempt("example.com", "wss://www.example.com./", 1);
    exempt(".example.com.", "wss://example.com.:8443/", 1);
    exempt(".", "wss://example.com/", 0);
    exempt("..", "wss://example.com/", 0);
}

static void cases(void)
{
    exempt("EXAMPLE.com", "wss://www.Example.COM/", 1);
    exempt("FD00::A", "wss://[fd00::a]/", 1);
}

static void ends_of_the_host(void)
{
    exempt("a.example", "wss://a.example", 1);
    exempt("a.example", "wss://a.example:8443", 1);
    exempt("a.example", "wss://a.example:8443/x", 1);
    exempt("a.example", "wss://a.example?x=/b", 1);
    exempt("a.example", "wss://a.example/b.example:80", 1);
    exempt("b.example", "wss://a.example/b.example:80", 0);
    exempt("a.example:8443", "wss://a.example:8443/x", 0);
    exempt("127.0.0.1", "ws://127.0.0.1:8080/x", 1);
    exempt("::1", "ws://[::1]:8080/x", 1);
    exempt("::1", "ws://[::1]", 1);
}

static void everything(void)
{
    exempt("*", "wss://a.example/", 1);
    exempt("*", "wss://10.0.0.1/", 1);
    exempt("*", "wss://[::1]/", 1);
    exempt("a,*", "wss://b.example/", 0);
    exempt(" *", "wss://b.example/", 0);
}

static void lists(void)
{
    exempt("a.example,b.example", "wss://b.example/", 1);
    exempt("a.example, b.example", "wss://b.example/", 1);
    exempt(",,a.example,,\tb.example ,", "wss://b.example/", 1);
    exempt("a.example,b.example", "wss://c.example/", 0);
    exempt(" ", "wss://c.example/", 0);
    exempt(",", "wss://c.example/", 0);
}

static void numbers(void)
{
    exempt("10.1.2.3", "wss://10.1.2.3/", 1);
    exempt("10.1.2.3", "wss://10.1.2.4/", 0);
    exempt("0.1.2.3", "wss://10.1.2.3/", 0);
    exempt("2.3", "wss://10.1.2.3/", 0); /* no name to be below of */
    exempt("fd00::1", "wss://[fd00:0:0::1]/", 1);
    exempt("fd00::1", "wss://[fd00::2]/", 0);
    exempt("[fd00::1]", "wss://[fd00::1]/", 0);
    exempt("a.example,10.1.2.3", "wss://10.1.2.3/", 1);
}

static void nets(void)
{
    exempt("10.0.0.0/8", "wss://10.1.2.3/", 1);
    exempt("10.0.0.0/8", "wss://11.1.2.3/", 0);
    exempt("192.168.4.0/22", "wss://192.168.7.255/", 1);
    exempt("192.168.4.0/22", "wss://192.168.8.0/", 0);
    exempt("10.1.2.2/31", "wss://10.1.2.3/", 1);
    exempt("10.1.2.3/32", "wss://10.1.2.3/", 1);
    exempt("10.1.2.3/32", "wss://10.1.2.2/", 0);
    exempt("10.1.2.3/33", "wss://10.1.2.3/", 0);
    exempt("128.0.0.0/1", "wss://200.1.2.3/", 1);
    exempt("fd00::/8", "wss://[fd12::1]/", 1);
    exempt("fd00::/8", "wss://[fe00::1]/", 0);
    exempt("fd00::/7", "wss://[fc00::1]/", 1);
    exempt("fd00::1/128", "wss://[fd00::1]/", 1);
    exempt("fd00::1/129", "wss://[fd00::1]/", 0);
    exempt("10.0.0.0/8", "wss://[::1]/", 0);
    exempt("::/1", "wss://10.1.2.3/", 0);
    exempt("10.0.0.0/8", "wss://10.example/", 0);
}

/* A net without a width that is one is the number itself; it is never
 * everything. */
static void nets_without_width(void)
{
    static const char *const widths[] = {"0", "", "x", "-1", "-0", "/8", "+0"};
    char list[32];

    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        snprintf(list, sizeof list, "10.0.0.0/%s", widths[i]);
        exempt(list, "wss://172.1.2.3/", 0);
        exempt(list, "wss://10.1.2.3/", 0);
        snprintf(list, sizeof list, "fd00::/%s", widths[i]);
        exempt(list, "wss://[fc00::1]/", 0);
    }
    exempt("10.0.0.0/0", "wss://10.0.0.0/", 1);
    exempt("10.0.0.0/99999999999999999999", "wss://10.0.0.0/", 0);
}

static void very_long(void)
{
    char list[600];

    memset(list, 'a', sizeof list);
    list[sizeof list - 1] = '\0';
    exempt(list, "wss://a.example/", 0);
    exempt(list, "wss://10.0.0.1/", 0);
    memset(list, '1', sizeof list - 1);
    exempt(list, "wss://1.1.1.1/", 0);
    memcpy(list + sizeof list - 20, ",a.example", 11);
    exempt(list, "wss://a.example/", 1);
}

int main(void)
{
    it("takes the one that was named, and none without a name", option);
    it("takes it before the environment's, and \"\" for none", option_first);
    it("looks into wss_proxy, https_proxy and all_proxy, in that order",
       from_environment);
    it("takes none of the environment's without TLS", none_in_clear);
    it("uses none for what no_proxy lists, wherever the proxy was named",
       exempt_from_both);
    it("exempts a name and all below it", names_and_those_below);
    it("ignores dots at either end", dots);
    it("ignores case", cases);
    it("knows where the host ends", ends_of_the_host);
    it("exempts everything by a * alone", everything);
    it("reads lists with commas and blanks", lists);
    it("exempts numbers", numbers);
    it("exempts nets", nets);
    it("treats a net without a width as its number", nets_without_width);
    it("accepts long entries", very_long);
    return check_report();
}
