/* An engine's and a client's reference counts, and the engine's two network
 * sides: see context.h. */
#include <stdlib.h>

#include "context.h"
#include "error.h"

void ccaas_engine_free(struct ccaas_engine *engine)
{
    if (engine && --engine->references == 0)
        engine->ends->engine(engine);
}

struct ccaas_client *ccaas_client_hold(struct ccaas_client *client)
{
    client->references++;
    return client;
}

void ccaas_client_free(struct ccaas_client *client)
{
    if (client && --client->references == 0)
        client->engine->ends->client(client);
}

struct cc_http *cc_engine_http(struct ccaas_engine *engine)
{
    /* A forked child leaves the parent's as it is: its locks may be held for
     * ever, and its sockets belong to the parent. */
    if (cc_http_forked(engine->http)) {
        struct cc_http *http = cc_http_new();

        if (!http)
            return NULL;
        engine->http = http;
        engine->nginx_socket = NULL; /* the parent's */
    }
    return engine->http;
}

struct cc_ws *cc_engine_ws(struct ccaas_engine *engine)
{
    if (!engine->ws || cc_ws_forked(engine->ws))
        engine->ws = cc_ws_new();
    return engine->ws;
}
