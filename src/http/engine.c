/* The engine: the thread, its queue of wishes, its clock.
 *
 * Any thread may put a transfer into the queue (lock) with a wish: start,
 * resume, cancel; the engine's thread does the rest, and alone touches libcurl
 * handles and the list of running transfers.
 */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "engine.h"
#include "text.h"
#include "transfer.h"

#define IDLE_CONNECTIONS 64L /* kept alive, over all hosts */
#define SLEEP_MOST 3600000.0 /* milliseconds; only to have a bound */
#define LOOKUPS_MOST 1000L   /* side by side */

/* Options of libcurl 8.20 and newer, by value, for headers that lack them.  An
 * older library refuses them, and does not need them. */
#define MULTI_RESOLVE_THREADS_MAX ((CURLMoption)20)
#define MULTI_QUICK_EXIT ((CURLMoption)21)

struct cc_http *cc_http_new(void)
{
    struct cc_http *http = calloc(1, sizeof *http);

    if (!http)
        return NULL;
    pthread_mutex_init(&http->lock, NULL);
    pthread_mutex_init(&http->work, NULL);
    pthread_cond_init(&http->began, NULL);
    http->pid = getpid();
    return http;
}

bool cc_http_forked(const struct cc_http *http)
{
    return http->started && http->pid != getpid();
}

/* -- On the engine's thread ------------------------------------------------ */

static void add_running(struct cc_http *http, struct cc_transfer *transfer)
{
    transfer->next = http->running;
    transfer->link = &http->running;
    if (transfer->next)
        transfer->next->link = &transfer->next;
    http->running = transfer;
}

/* The transfer is over: its sink hears of it, and it leaves the engine. */
static void finish(struct cc_transfer *transfer, struct cc_http_end *end)
{
    curl_off_t received = 0;
    long sent = 0;

    if (transfer->easy) {
        cc_transfer_way(transfer, end);
        curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
        curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
        curl_multi_remove_handle(transfer->http->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
        transfer->easy = NULL;
    }
    cc_decode_end(&transfer->decode);
    cc_buffer_free(&transfer->rest);
    if (transfer->link) {
        *transfer->link = transfer->next;
        if (transfer->next)
            transfer->next->link = transfer->link;
        transfer->link = NULL;
    }
    end->sent = (sent > 0 && !end->before) || transfer->redirects > 0;
    end->bytes = received;
    end->at = transfer->began_wall;
    end->seconds = transfer->began > 0 ? cc_clock_now() - transfer->began : 0;
    atomic_store(&transfer->over, true);
    transfer->sink.end(transfer->sink.self, end);
    cc_http_release(transfer);
}

static void finish_as(struct cc_transfer *transfer, enum ccaas_code code,
                      bool transient, const char *message)
{
    struct cc_http_end end = {.code = code, .transient = transient};

    snprintf(end.message, sizeof end.message, "%s", message);
    finish(transfer, &end);
}

static void start(struct cc_http *http, struct cc_transfer *transfer)
{
    transfer->began = transfer->heard = cc_clock_now();
    transfer->began_wall = cc_clock_wall();
    transfer->easy = curl_easy_init();
    if (!transfer->easy || !cc_transfer_prepare(transfer) ||
        curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        finish_as(transfer, CCAAS_MEMORY, false, "out of memory");
        return;
    }
    add_running(http, transfer);
}

static void conclude(struct cc_http *http, struct cc_transfer *transfer,
                     CURLcode result);

/* There may be bytes at hand, which come to the sink from within. */
static void resume(struct cc_http *http, struct cc_transfer *transfer)
{
    CURLcode result;

    if (!transfer->paused)
        return;
    transfer->paused = false;
    result = cc_transfer_unhold(transfer);
    if (result != CURLE_OK)
        conclude(http, transfer, result);
}

static bool waits(const struct cc_transfer *transfer)
{
    return transfer->behind && !transfer->paused;
}

/* Decodes on where the turn before this one left off: a few bytes may hold
 * gigabytes, and others are served, and ends are seen, in between.  True: there
 * is more. */
static bool decode_on(struct cc_http *http)
{
    struct cc_transfer *transfer, *next;
    CURLcode result = CURLE_OK;
    bool more = false;

    for (transfer = http->running; transfer; transfer = next) {
        next = transfer->next;
        transfer->spent = 0;
        if (!waits(transfer))
            continue;
        cc_transfer_decode(transfer);
        if (!transfer->behind)
            result = cc_transfer_broken(transfer)
                         ? CURLE_WRITE_ERROR
                         : cc_transfer_unhold(transfer);
        if (!transfer->behind && (transfer->ended || result != CURLE_OK))
            conclude(http, transfer,
                     result != CURLE_OK ? result : transfer->result);
        else
            more = more || waits(transfer);
    }
    return more;
}

/* Does what others asked for.  False: the engine is to stop. */
static bool serve_queue(struct cc_http *http)
{
    struct cc_transfer *transfer;
    bool wants_start, wants_resume, wants_cancel, stopping;

    for (;;) {
        pthread_mutex_lock(&http->lock);
        stopping = http->stopping;
        transfer = http->queue;
        if (transfer) {
            http->queue = transfer->next_queued;
            transfer->queued = false;
            wants_start = transfer->wants_start;
            wants_resume = transfer->wants_resume;
            wants_cancel = transfer->wants_cancel;
            transfer->wants_start = transfer->wants_resume = false;
        }
        pthread_mutex_unlock(&http->lock);
        if (!transfer)
            return !stopping;
        if (wants_cancel || stopping) {
            if (wants_start || transfer->link)
                finish_as(transfer, CCAAS_CANCELLED, false, "cancelled");
        } else if (wants_start) {
            start(http, transfer);
        } else if (wants_resume && transfer->link) {
            resume(http, transfer);
        }
        cc_http_release(transfer); /* the queue's reference */
    }
}

/* A result has come for the transfer: over, or on to a redirect's target. */
static void conclude(struct cc_http *http, struct cc_transfer *transfer,
                     CURLcode result)
{
    struct cc_http_end end = {.code = CCAAS_OK};
    const char *why;

    if (transfer->behind && !cc_transfer_broken(transfer)) {
        transfer->ended = true;
        transfer->result = result;
        return;
    }
    if ((result == CURLE_OK || transfer->stopped) && transfer->redirecting) {
        why = cc_transfer_redirect(transfer);
        if (why) {
            finish_as(transfer, CCAAS_PROTOCOL, false, why);
            return;
        }
        curl_multi_remove_handle(http->multi, transfer->easy);
        if (!cc_transfer_prepare(transfer) ||
            curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK)
            finish_as(transfer, CCAAS_MEMORY, false, "out of memory");
        return;
    }
    cc_transfer_judge(transfer, result, &end);
    finish(transfer, &end);
}

static void collect_results(struct cc_http *http)
{
    struct cc_transfer *transfer;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        conclude(http, transfer,
                 cc_tls_end_result(transfer, message->data.result));
    }
}

/* When the transfer's patience ends: time in which we made the server wait
 * does not count. */
static double patience(const struct cc_transfer *transfer)
{
    if (transfer->paused || transfer->behind)
        return transfer->deadline;
    return fmin(transfer->deadline, transfer->heard + transfer->timeout);
}

/* Ends those whose time is up.  Returns the milliseconds until somebody
 * else's is. */
static int watch(struct cc_http *http)
{
    struct cc_transfer *transfer, *next;
    double now = cc_clock_now(), soonest = INFINITY, ends;
    char message[96], seconds[CC_SECONDS_ROOM];

    for (transfer = http->running; transfer; transfer = next) {
        next = transfer->next;
        ends = patience(transfer);
        if (transfer->sink.wanted &&
            !transfer->sink.wanted(transfer->sink.self)) {
            finish_as(transfer, CCAAS_CANCELLED, false, "cancelled");
        } else if (ends > now) {
            soonest = fmin(soonest, ends);
        } else if (transfer->deadline <= now) {
            finish_as(transfer, CCAAS_TIMEOUT, false,
                      "the deadline has passed");
        } else {
            cc_text_seconds(seconds, transfer->timeout);
            snprintf(message, sizeof message,
                     "no byte from the server for %s s", seconds);
            finish_as(transfer, CCAAS_TIMEOUT, true, message);
        }
    }
    if (isinf(soonest))
        return (int)SLEEP_MOST;
    return (int)fmin(SLEEP_MOST, ceil((soonest - now) * 1000));
}

/* Sleeps, without the right to work, until something is to be done. */
static void rest(struct cc_http *http, int milliseconds)
{
    struct curl_waitfd guest;
    void (*attend)(void *self);

    pthread_mutex_lock(&http->lock);
    guest = http->guest;
    attend = http->attend;
    pthread_mutex_unlock(&http->lock);
    pthread_mutex_unlock(&http->work);
    curl_multi_poll(http->multi, &guest, attend ? 1 : 0, milliseconds, NULL);
    pthread_mutex_lock(&http->work);
    if (attend && guest.revents)
        attend(http->attend_self);
}

static void *run(void *self)
{
    struct cc_http *http = self;
    int active, milliseconds;
    bool more;

    pthread_mutex_lock(&http->work);
    http->begun = true;
    pthread_cond_broadcast(&http->began);
    while (serve_queue(http)) {
        curl_multi_perform(http->multi, &active);
        collect_results(http);
        more = decode_on(http);
        milliseconds = watch(http);
        rest(http, more ? 0 : milliseconds);
    }
    while (http->running)
        finish_as(http->running, CCAAS_CANCELLED, false, "cancelled");
    curl_multi_cleanup(http->multi);
    http->multi = NULL;
    pthread_mutex_unlock(&http->work);
    return NULL;
}

/* -- On any thread ----------------------------------------------------------
 */

static void set_options(CURLM *multi)
{
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS);
    /* From 8.20 on look-ups run in a pool of 20 threads that the clean-up
     * joins: some that hang would keep all other names waiting, and the end of
     * the process. */
    curl_multi_setopt(multi, MULTI_RESOLVE_THREADS_MAX, LOOKUPS_MOST);
    curl_multi_setopt(multi, MULTI_QUICK_EXIT, 1L);
}

/* Starts the thread, with all signals blocked: they are the host's.  With the
 * lock held. */
static bool start_thread(struct cc_http *http)
{
    sigset_t all, before;
    int failed;

    cc_http_process_prepare();
    http->multi = curl_multi_init();
    if (!http->multi)
        return false;
    /* Without descriptors it comes without one to be woken by. */
    if (curl_multi_wakeup(http->multi) != CURLM_OK) {
        curl_multi_cleanup(http->multi);
        http->multi = NULL;
        return false;
    }
    set_options(http->multi);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&http->thread, NULL, run, http);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        curl_multi_cleanup(http->multi);
        http->multi = NULL;
        return false;
    }
    http->started = true;
    http->pid = getpid();
    cc_http_process_add(http);
    return true;
}

/* Puts the transfer into the queue; with the lock held. */
static void enqueue(struct cc_http *http, struct cc_transfer *transfer)
{
    struct cc_transfer **last = &http->queue;

    if (transfer->queued || http->stopping)
        return;
    while (*last)
        last = &(*last)->next_queued;
    *last = transfer;
    transfer->next_queued = NULL;
    transfer->queued = true;
    atomic_fetch_add(&transfer->references, 1);
    curl_multi_wakeup(http->multi);
}

void cc_http_stay(struct cc_http *http)
{
    http->stays = getpid();
}

bool cc_http_attend(struct cc_http *http, int fd, void (*attend)(void *self),
                    void *self)
{
    bool ready;

    pthread_mutex_lock(&http->lock);
    ready = !http->stopping && (http->started || start_thread(http));
    if (ready) {
        http->guest.fd = fd;
        http->guest.events = CURL_WAIT_POLLIN;
        http->attend = attend;
        http->attend_self = self;
        curl_multi_wakeup(http->multi);
    }
    pthread_mutex_unlock(&http->lock);
    return ready;
}

struct cc_transfer *cc_http_send(struct cc_http *http,
                                 const struct cc_http_request *request,
                                 const struct cc_http_sink *sink)
{
    struct cc_transfer *transfer;
    bool ready;

    if (cc_http_forked(http))
        return NULL;
    transfer = cc_transfer_new(http, request, sink);
    if (!transfer)
        return NULL;
    pthread_mutex_lock(&http->lock);
    ready = !http->stopping && (http->started || start_thread(http));
    if (ready) {
        atomic_fetch_add(&transfer->references, 1); /* the engine's */
        transfer->wants_start = true;
        enqueue(http, transfer);
    }
    pthread_mutex_unlock(&http->lock);
    if (!ready) {
        cc_http_release(transfer);
        return NULL;
    }
    return transfer;
}

void cc_http_cancel(struct cc_transfer *transfer)
{
    struct cc_http *http = transfer->http;

    /* To wake the thread for nothing would cost more than all the rest. */
    if (cc_http_forked(http) || atomic_load(&transfer->over))
        return;
    pthread_mutex_lock(&http->lock);
    transfer->wants_cancel = true;
    enqueue(http, transfer);
    pthread_mutex_unlock(&http->lock);
}

void cc_http_resume(struct cc_transfer *transfer)
{
    struct cc_http *http = transfer->http;

    if (cc_http_forked(http))
        return;
    pthread_mutex_lock(&http->lock);
    transfer->wants_resume = true;
    enqueue(http, transfer);
    pthread_mutex_unlock(&http->lock);
}

void cc_http_stop(struct cc_http *http)
{
    bool running;

    if (cc_http_forked(http))
        return;
    pthread_mutex_lock(&http->lock);
    running = http->started && !http->stopping;
    http->stopping = true;
    if (running)
        curl_multi_wakeup(http->multi);
    pthread_mutex_unlock(&http->lock);
    if (!running)
        return;
    pthread_join(http->thread, NULL);
    cc_http_process_remove(http);
}

void cc_http_free(struct cc_http *http)
{
    if (!http)
        return;
    cc_http_stop(http);
    if (!cc_http_forked(http)) {
        pthread_mutex_destroy(&http->lock);
        pthread_mutex_destroy(&http->work);
        pthread_cond_destroy(&http->began);
    }
    free(http);
}
