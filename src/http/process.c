/* All engines of the process: what becomes of them when it ends or forks.
 *
 * os.exit() in a script runs no finaliser, and a thread that goes on while the
 * libraries below it clean up crashes. */
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"

static struct cc_http *engines;
static pthread_mutex_t engines_lock = PTHREAD_MUTEX_INITIALIZER;

static void stop_all(void)
{
    struct cc_http *http;

    for (;;) {
        pthread_mutex_lock(&engines_lock);
        http = engines;
        if (http)
            engines = http->next;
        pthread_mutex_unlock(&engines_lock);
        if (!http)
            return;
        cc_http_stop(http);
    }
}

/* An engine that nothing of may go into a child, or NULL. */
static struct cc_http *find_staying(void)
{
    struct cc_http *http;

    pthread_mutex_lock(&engines_lock);
    for (http = engines; http && http->stays != getpid();)
        http = http->next;
    pthread_mutex_unlock(&engines_lock);
    return http;
}

/* A fork takes place while all engines sleep, so that no lock that the child
 * may need is held for ever by a thread that is not there: also none that a
 * thread takes while it begins. */
static void before_fork(void)
{
    struct cc_http *http;

    while ((http = find_staying()) != NULL) {
        cc_http_stop(http);
        http->started = http->stopping = http->begun = false;
        http->stays = 0;
    }
    pthread_mutex_lock(&engines_lock);
    for (http = engines; http; http = http->next) {
        pthread_mutex_lock(&http->work);
        while (!http->begun)
            pthread_cond_wait(&http->began, &http->work);
    }
}

static void after_fork(void)
{
    struct cc_http *http;

    for (http = engines; http; http = http->next)
        pthread_mutex_unlock(&http->work);
    pthread_mutex_unlock(&engines_lock);
}

/* The engines of the parent have no thread here to be joined. */
static void after_fork_in_child(void)
{
    after_fork();
    engines = NULL;
}

/* The order counts: handlers run last in, first out, so ours has to come after
 * those of libcurl and of the TLS library below it. */
static void prepare(void)
{
    curl_global_init(CURL_GLOBAL_ALL);
    atexit(stop_all);
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void cc_http_process_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, prepare);
}

void cc_http_process_add(struct cc_http *http)
{
    pthread_mutex_lock(&engines_lock);
    http->next = engines;
    engines = http;
    pthread_mutex_unlock(&engines_lock);
}

void cc_http_process_remove(struct cc_http *http)
{
    struct cc_http **link;

    pthread_mutex_lock(&engines_lock);
    for (link = &engines; *link; link = &(*link)->next)
        if (*link == http) {
            *link = http->next;
            break;
        }
    pthread_mutex_unlock(&engines_lock);
}
