/* Messages between a socket and its reader, each on a thread of its own. */
#include "event_queue_peer.h"

#include <poll.h>
#include <pthread.h>

/* -- Two threads ----------------------------------------------------------- */

#define MANY 20000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t go_on = PTHREAD_COND_INITIALIZER;
static int resumes, waited;

static void *sender(void *unused)
{
    char text[128];

    for (int i = 0; i < MANY; i++) {
        size_t length = write_update(text, i % 7, i, -1, 0);

        if (sink.message(sink.self, text, length, false) == CC_WS_MORE)
            continue;
        pthread_mutex_lock(&lock);
        waited++;
        while (resumes < waited)
            pthread_cond_wait(&go_on, &lock);
        pthread_mutex_unlock(&lock);
    }
    sink.closed(sink.self, &(struct cc_ws_end){.code = CCAAS_NETWORK});
    return unused;
}

static void two_threads(bool is_block)
{
    struct cc_ws_end end;
    double at, from;
    pthread_t thread;
    int last[7], before = -1, count = 0, number;
    int64_t have_waiting, conflated, stale;

    resumes = waited = 0;
    begin(16, is_block);
    pthread_create(&thread, NULL, sender, NULL);
    while (!cc_event_queue_closed(queue, &end, &at, &from)) {
        number = take();
        if (resumed) {
            pthread_mutex_lock(&lock);
            resumes++;
            pthread_cond_signal(&go_on);
            pthread_mutex_unlock(&lock);
        }
        if (number < 0)
            continue;
        count++;
        if (is_block)
            CHECK(number == before + 1);
        before = number;
        last[number % 7] = number;
    }
    pthread_join(thread, NULL);
    cc_event_queue_counts(queue, &have_waiting, &conflated, &stale);
    CHECK_INT(count + conflated, MANY);
    for (int i = 0; i < 7; i++)
        CHECK(last[i] >= MANY - 7);
    sink = cc_event_queue_sink(queue);
    finish();
}

static void two_threads_block(void)
{
    two_threads(true);
}

static void two_threads_latest(void)
{
    two_threads(false);
}

static void *heedless_sender(void *self)
{
    struct cc_ws_sink own = *(struct cc_ws_sink *)self;
    char text[128];

    for (int i = 0; i < 3000; i++)
        own.message(own.self, text, write_update(text, i % 3, i, -1, 0), false);
    own.closed(own.self, &(struct cc_ws_end){.code = CCAAS_CANCELLED});
    return NULL;
}

static void shut_meanwhile(void)
{
    for (int round = 0; round < 20; round++) {
        pthread_t thread;

        begin(8, round % 2);
        pthread_create(&thread, NULL, heedless_sender, &sink);
        for (int i = 0; i < round * 20; i++)
            take();
        cc_event_queue_shut(queue);
        pthread_join(thread, NULL);
        cc_waker_release(waker);
        free(taken.bytes);
        memset(&taken, 0, sizeof taken);
    }
}

/* -- Waking the reader ----------------------------------------------------- */

/* Was the waker rung since the last time? */
static bool rung(void)
{
    struct pollfd wait = {.fd = cc_waker_fd(waker), .events = POLLIN};
    bool is = poll(&wait, 1, 0) == 1;

    cc_waker_disarm(waker);
    cc_waker_arm(waker);
    return is;
}

static void rings_at_flush(void)
{
    begin(8, true);
    rung();
    bring("1", 1);
    bring("2", 1);
    CHECK(!rung());
    sink.flush(sink.self);
    CHECK(rung());
    sink.flush(sink.self);
    CHECK(!rung());
    bring("3", 1);
    sink.flush(sink.self);
    CHECK(!rung()); /* the reader has not looked since */
    finish();
}

static void rings_not_for_what_is_taken(void)
{
    begin(8, true);
    rung();
    bring("1", 1);
    take();
    sink.flush(sink.self);
    CHECK(!rung());
    bring("2", 1);
    sink.flush(sink.self);
    CHECK(rung());
    finish();
}

static void arms_with_the_last(void)
{
    begin(8, true);
    bring("1", 1);
    bring("2", 1);
    sink.flush(sink.self);
    rung();
    cc_waker_disarm(waker);
    take();
    CHECK(!was_last);
    CHECK(!cc_waker_is_armed(waker));
    take();
    CHECK(was_last);
    CHECK(cc_waker_is_armed(waker));
    bring("3", 1);
    sink.flush(sink.self);
    CHECK(rung());
    sink.closed(sink.self, &(struct cc_ws_end){.code = CCAAS_NETWORK});
    take();
    CHECK(!was_last); /* how it ended is to be looked at */
    sink = cc_event_queue_sink(queue);
    finish();
}

static void rings_at_once_when_full(void)
{
    begin(2, true);
    rung();
    CHECK_INT(bring("1", 1), CC_WS_MORE);
    CHECK(!rung());
    CHECK_INT(bring("2", 1), CC_WS_FULL);
    CHECK(rung());
    finish();
}

static void rings_at_once_when_closed(void)
{
    begin(8, true);
    rung();
    bring("1", 1);
    sink.closed(sink.self, &(struct cc_ws_end){.code = CCAAS_NETWORK});
    CHECK(rung());
    sink = cc_event_queue_sink(queue);
    finish();
}

static void *sender_in_turns(void *unused)
{
    char text[128];

    for (int i = 0; i < MANY; i++) {
        size_t length = write_update(text, 1, i, -1, 0);

        sink.message(sink.self, text, length, false);
        if (i % 3 == 0 || i == MANY - 1)
            sink.flush(sink.self);
    }
    return unused;
}

/* The reader sleeps whenever there is nothing, and, trusting, after the last
 * one without another look: a ring that is lost is a sleeper that is never
 * woken. */
static void wakes_a_sleeper(bool trusting)
{
    struct pollfd wait = {.events = POLLIN};
    pthread_t thread;
    int last = -1;
    bool slept = true;

    begin(65536, true);
    wait.fd = cc_waker_fd(waker);
    pthread_create(&thread, NULL, sender_in_turns, NULL);
    while (last < MANY - 1 && slept) {
        int number = take();

        if (number >= 0) {
            last = number;
            if (trusting && was_last && last < MANY - 1) {
                slept = poll(&wait, 1, 30000) == 1;
                cc_waker_disarm(waker);
            }
            continue;
        }
        cc_waker_disarm(waker);
        cc_waker_arm(waker);
        number = take();
        if (number >= 0)
            last = number;
        else
            slept = poll(&wait, 1, 30000) == 1;
    }
    CHECK(slept);
    CHECK_INT(last, MANY - 1);
    pthread_join(thread, NULL);
    finish();
}

static void wakes_one_that_looks_twice(void)
{
    wakes_a_sleeper(false);
}

static void wakes_one_that_trusts(void)
{
    wakes_a_sleeper(true);
}

int main(void)
{
    large = malloc(2 * CC_EVENT_QUEUE_BYTES + 2000000);
    it("loses nothing between two threads", two_threads_block);
    it("keeps the newest between two threads", two_threads_latest);
    it("may be left while the other thread sends", shut_meanwhile);
    it("rings for what came when it is flushed, once", rings_at_flush);
    it("does not ring for what was taken already", rings_not_for_what_is_taken);
    it("rings at once when it is full", rings_at_once_when_full);
    it("rings at once when the socket has ended", rings_at_once_when_closed);
    it("arms the waker with the last one", arms_with_the_last);
    it("wakes a reader that sleeps, whenever there is something",
       wakes_one_that_looks_twice);
    it("wakes one that sleeps after the last one", wakes_one_that_trusts);
    free(large);
    return check_report();
}
