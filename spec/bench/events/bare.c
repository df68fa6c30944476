/* The floor: libwebsockets alone, on its own loop;
 * messages are counted and discarded.  One thread; the context goes with the
 * process. */
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools.h"

static long count;
static double start;
static int over;

static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *in, size_t length)
{
    (void)user, (void)in, (void)length;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        start = bench_now();
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        count += lws_is_final_fragment(wsi);
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        bench_fail("connect", in ? in : "failed");
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        over = 1;
        break;
    default:
        break;
    }
    return 0;
}

int main(void)
{
    static const struct lws_protocols protocols[] = {
        {.name = "bare", .callback = on_event, .rx_buffer_size = 16 * 1024},
        {.name = NULL}};
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
                                             .protocols = protocols};
    struct lws_client_connect_info to = {0};
    struct lws_context *context;

    lws_set_log_level(LLL_ERR, NULL);
    context = lws_create_context(&info);
    if (!context)
        bench_fail("libwebsockets", "no context");
    to.context = context;
    to.address = to.host = "127.0.0.1";
    to.port = atoi(strrchr(bench_env("BENCH_BASE"), ':') + 1);
    to.path = "/";
    to.local_protocol_name = "bare";
    to.ietf_version_or_minus_one = -1;
    if (!lws_client_connect_via_info(&to))
        bench_fail("connect", "failed");
    while (!over)
        lws_service(context, 0);
    printf("%ld 0 %.4f 0 %ld\n", count, bench_now() - start, bench_peak());
    return 0;
}
