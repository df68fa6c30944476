/* For event_queue_test.c and its neighbours: an event queue, its sender and its
 * reader.
 *
 * The programs are linked with --wrap, so that memory can be out, and so that
 * what is held of it is known.
 */
#ifndef CC_SPEC_EVENT_QUEUE_PEER_H
#define CC_SPEC_EVENT_QUEUE_PEER_H

#include "event_queue.h"

#include "check.h"

#include <malloc.h>
#include <stdatomic.h>

#include "clock.h"

/* -- Memory ---------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static int calls_left = -1; /* that succeed; < 0: all do */
static bool only_one;       /* fails, and what comes after it succeeds */
static atomic_long held_bytes;

static bool memory_is_out(void)
{
    if (calls_left < 0)
        return false;
    if (calls_left > 0) {
        calls_left--;
        return false;
    }
    if (only_one)
        calls_left = -1;
    return true;
}

void *__wrap_malloc(size_t size)
{
    void *memory = memory_is_out() ? NULL : __real_malloc(size);

    held_bytes += memory ? (long)malloc_usable_size(memory) : 0;
    return memory;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *memory = memory_is_out() ? NULL : __real_calloc(count, size);

    held_bytes += memory ? (long)malloc_usable_size(memory) : 0;
    return memory;
}

void *__wrap_realloc(void *memory, size_t size)
{
    long before = memory ? (long)malloc_usable_size(memory) : 0;

    if (memory_is_out())
        return NULL;
    memory = __real_realloc(memory, size);
    held_bytes += (long)malloc_usable_size(memory) - before;
    return memory;
}

void __wrap_free(void *memory)
{
    held_bytes -= memory ? (long)malloc_usable_size(memory) : 0;
    __real_free(memory);
}

/* -- An event queue and both of its sides
 * ---------------------------------------- */

static struct ccaas_waker *waker;
static struct cc_event_queue *queue;
static struct cc_ws_sink sink;
static struct cc_event_queue_message taken;
static bool resumed, was_last;

static struct cc_event_queue *make(size_t capacity, bool block)
{
    static const char *const paths[CCAAS_UPDATE_PARTS] = {"k", "c", "t",
                                                          "n", "u", "v"};
    struct cc_update_form form = {.key = {1, 2}};

    form.pick = cc_pick_form_new(paths, CCAAS_UPDATE_PARTS);
    return cc_event_queue_new(waker, capacity, block, &form);
}

static void begin(size_t capacity, bool block)
{
    waker = cc_waker_new();
    queue = make(capacity, block);
    sink = cc_event_queue_sink(queue);
    sink.opened(sink.self);
    resumed = false;
}

static void finish(void)
{
    static const struct cc_ws_end end = {.code = CCAAS_OK};

    sink.closed(sink.self, &end);
    cc_event_queue_shut(queue);
    cc_waker_release(waker);
    free(taken.bytes);
    memset(&taken, 0, sizeof taken);
}

/* An update: its key, its number, its minute (< 0: it does not say), and blanks
 * behind it to make it so long. */
static size_t write_update(char *text, int key, int number, int minute,
                           size_t length)
{
    char when[40] = "";
    size_t used;

    if (minute >= 0)
        snprintf(when, sizeof when, ",\"u\":\"2024-01-01T00:%02dZ\"", minute);
    used = (size_t)sprintf(text, "{\"k\":\"%d\",\"n\":%d%s,\"v\":{}}", key,
                           number, when);
    if (used < length)
        memset(text + used, ' ', length - used);
    return used < length ? length : used;
}

/* Sends it from memory that is gone after it, within a turn that goes on. */
static enum cc_ws_answer bring(const char *text, size_t length)
{
    char *copy = __real_malloc(length ? length : 1);
    enum cc_ws_answer answer;

    if (length)
        memcpy(copy, text, length);
    answer = sink.message(sink.self, copy, length, false);
    __real_free(copy);
    return answer;
}

/* The same, and the turn is over. */
static enum cc_ws_answer deliver(const char *text, size_t length)
{
    enum cc_ws_answer answer = bring(text, length);

    sink.flush(sink.self);
    return answer;
}

static char *large; /* a text to write to */

static enum cc_ws_answer send_long(int key, int number, int minute,
                                   size_t length)
{
    return deliver(large, write_update(large, key, number, minute, length));
}

__attribute__((unused)) static enum cc_ws_answer send(int key, int number,
                                                      int minute)
{
    return send_long(key, number, minute, 0);
}

/* The number of the next update; -1: there is none, -2: it is no update. */
static int take(void)
{
    const struct ccaas_part *part = &taken.update.parts[CCAAS_UPDATE_VALUE];

    if (!cc_event_queue_take(queue, &taken, &resumed, &was_last))
        return -1;
    if (!taken.update.is_update)
        return -2;
    CHECK(part->begin > taken.bytes && part->end <= taken.bytes + taken.length);
    return atoi(part->begin);
}

__attribute__((unused)) static int64_t waiting(void)
{
    int64_t count, conflated, stale;

    cc_event_queue_counts(queue, &count, &conflated, &stale);
    return count;
}

__attribute__((unused)) static void
counts(int64_t want_waiting, int64_t want_conflated, int64_t want_stale)
{
    int64_t have_waiting, have_conflated, have_stale;

    cc_event_queue_counts(queue, &have_waiting, &have_conflated, &have_stale);
    CHECK_INT(have_waiting, want_waiting);
    CHECK_INT(have_conflated, want_conflated);
    CHECK_INT(have_stale, want_stale);
}

#endif
