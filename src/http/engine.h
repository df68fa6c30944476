/* The engine, as engine.c and process.c share it. */
#ifndef CC_HTTP_ENGINE_H
#define CC_HTTP_ENGINE_H

#include <curl/curl.h>
#include <pthread.h>
#include <sys/types.h>

#include "http.h"

struct cc_http {
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the fields below, up to the blank line */
    bool started, stopping;
    pid_t stays; /* the process of which nothing may go into a child, or 0 */
    struct cc_transfer *queue;
    struct curl_waitfd guest; /* is polled, too, if attend is set */
    void (*attend)(void *self);
    void *attend_self;
    struct cc_http *next; /* in the list of engines: guarded by its lock */

    pthread_mutex_t work;        /* the thread has it while it does not sleep */
    bool begun;                  /* the thread has had it; with it held */
    pthread_cond_t began;        /* tells of that */
    struct cc_transfer *running; /* the thread's */
    pid_t pid;                   /* where the thread is */
};

/* process.c: before the first engine of the process starts its thread; any
 * thread. */
void cc_http_process_prepare(void);
/* An engine whose thread runs is on the list; any thread. */
void cc_http_process_add(struct cc_http *http);
void cc_http_process_remove(struct cc_http *http);

#endif
