/* Look-ups: see lookup.h.  The thread of a look-up is detached; it shares
 * nothing with the engine but the look-up, which it hands over under the
 * engine's lock. */
#include "lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "descriptor.h"
#include "socket.h"

/* Those who want the same name within this time share one look-up; later ones
 * do not wait for one that may hang. */
#define SHARED_SECONDS 1.0

/* Writes the addresses as numbers. */
static void take_names(struct cc_names *names, const struct addrinfo *info)
{
    names->count = 0;
    for (; info && names->count < CC_NAMES_MOST; info = info->ai_next)
        if (getnameinfo(
                info->ai_addr, info->ai_addrlen, names->text[names->count],
                sizeof names->text[names->count], NULL, 0, NI_NUMERICHOST) == 0)
            names->count++;
}

/* Is it this machine's own name, or below it?  Whatever /etc/hosts says, it has
 * both addresses (RFC 6761): libcurl sees it so, too. */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    const size_t length = sizeof name - 1;
    size_t end = strlen(host), i;

    if (end && host[end - 1] == '.')
        end--;
    if (end < length || (end > length && host[end - length - 1] != '.'))
        return false;
    for (i = 0; i < length; i++)
        if ((host[end - length + i] | 0x20) != name[i])
            return false;
    return true;
}

bool cc_lookup_known(const char *host, struct cc_names *names)
{
    unsigned char unused[16];

    names->count = 0;
    if (is_localhost(host)) {
        strcpy(names->text[names->count++], "::1");
        strcpy(names->text[names->count++], "127.0.0.1");
        return true;
    }
    if ((inet_pton(AF_INET, host, unused) != 1 &&
         inet_pton(AF_INET6, host, unused) != 1) ||
        strlen(host) >= sizeof names->text[0])
        return false;
    strcpy(names->text[names->count++], host);
    return true;
}

void cc_lookup_release(struct cc_lookup *lookup)
{
    if (!lookup || atomic_fetch_sub(&lookup->references, 1) != 1)
        return;
    cc_ws_let_go(lookup->ws);
    free(lookup->host);
    free(lookup);
}

static void *look_up(void *self)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *info = NULL;
    struct cc_lookup *lookup = self;
    struct cc_ws *ws = lookup->ws;

    lookup->failure = getaddrinfo(lookup->host, NULL, &hints, &info);
    lookup->starved = lookup->failure && !cc_descriptors_left(4);
    if (lookup->failure == 0) {
        take_names(&lookup->names, info);
        freeaddrinfo(info);
        if (!lookup->names.count)
            lookup->failure = EAI_NONAME;
    }
    pthread_mutex_lock(&ws->lock);
    if (!ws->ended) {
        lookup->next_found = ws->found;
        ws->found = lookup;
        cc_ws_wake(ws);
    }
    pthread_mutex_unlock(&ws->lock);
    cc_lookup_release(lookup);
    return NULL;
}

/* A detached thread; it has the signal mask of the engine's: all blocked. */
static bool start_thread(struct cc_lookup *lookup)
{
    pthread_attr_t detached;
    pthread_t thread;
    int failed;

    if (pthread_attr_init(&detached) != 0)
        return false;
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    failed = pthread_create(&thread, &detached, look_up, lookup);
    pthread_attr_destroy(&detached);
    return !failed;
}

struct cc_lookup *cc_lookup_start(struct cc_ws *ws, const char *host)
{
    struct cc_lookup *lookup;
    double now = cc_clock_now();
    bool failed = false;

    for (lookup = ws->lookups; lookup; lookup = lookup->next)
        if (now - lookup->began < SHARED_SECONDS &&
            strcmp(lookup->host, host) == 0)
            return lookup;
    lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return NULL;
    atomic_init(&lookup->references, 2);
    lookup->ws = cc_ws_hold(ws);
    lookup->began = now;
    lookup->host = cc_copy(host, &failed);
    if (failed || !start_thread(lookup)) {
        atomic_store(&lookup->references, 1);
        cc_lookup_release(lookup);
        return NULL;
    }
    lookup->next = ws->lookups;
    ws->lookups = lookup;
    return lookup;
}
