/* A client's events: a ring of the newest ones, until they are taken. */
#include <string.h>

#include "clock.h"
#include "context.h"
#include "error.h"

struct ccaas_event *cc_client_note(struct ccaas_client *client,
                                   const char *type, const char *method,
                                   const char *url)
{
    struct ccaas_event *event;

    if (!client->events)
        return NULL;
    if (client->count == CC_CLIENT_EVENTS) {
        client->first = (client->first + 1) % CC_CLIENT_EVENTS;
        client->count--;
    }
    event = &client->ring[(client->first + client->count++) % CC_CLIENT_EVENTS];
    memset(event, 0, sizeof *event);
    event->type = type;
    event->at = cc_clock_wall();
    event->seconds = -1;
    event->bytes = event->page = -1;
    strncpy(event->method, method, sizeof event->method - 1);
    cc_error_url(event->url, sizeof event->url, url);
    return event;
}

bool ccaas_client_event(struct ccaas_client *client, struct ccaas_event *event)
{
    if (!client->count)
        return false;
    *event = client->ring[client->first];
    client->first = (client->first + 1) % CC_CLIENT_EVENTS;
    client->count--;
    return true;
}
