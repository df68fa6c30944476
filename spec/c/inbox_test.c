/* Messages between a socket and its reader.
 *
 * The program is linked with --wrap, so that memory can be out, and so that
 * what is held of it is known.
 */
#include "inbox.h"

#include "check.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
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

/* -- An inbox and both of its sides ---------------------------------------- */

static struct ccaas_bell *bell;
static struct ccaas_inbox *inbox;
static struct ccaas_ws_sink sink;
static struct ccaas_inbox_message taken;
static bool resumed;

static struct ccaas_inbox *make(size_t queue, bool block)
{
    static const char *const paths[CCAAS_LIVE_PARTS] = {"k", "c", "t",
                                                        "n", "u", "v"};
    struct ccaas_update_form form = {.key = {1, 2}};

    form.pick = ccaas_pick_form_new(paths, CCAAS_LIVE_PARTS);
    return ccaas_inbox_new(bell, queue, block, &form);
}

static void begin(size_t queue, bool block)
{
    bell = ccaas_bell_new();
    inbox = make(queue, block);
    sink = ccaas_inbox_sink(inbox);
    sink.opened(sink.self);
    resumed = false;
}

static void finish(void)
{
    static const struct ccaas_ws_end end = {.code = CCAAS_OK};

    sink.closed(sink.self, &end);
    ccaas_inbox_shut(inbox);
    ccaas_bell_release(bell);
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

/* Sends it from memory that is gone after it. */
static enum ccaas_ws_answer deliver(const char *text, size_t length)
{
    char *copy = __real_malloc(length ? length : 1);
    enum ccaas_ws_answer answer;

    if (length)
        memcpy(copy, text, length);
    answer = sink.message(sink.self, copy, length, false);
    __real_free(copy);
    return answer;
}

static char *large; /* a text to write to */

static enum ccaas_ws_answer send_long(int key, int number, int minute,
                                      size_t length)
{
    return deliver(large, write_update(large, key, number, minute, length));
}

static enum ccaas_ws_answer send(int key, int number, int minute)
{
    return send_long(key, number, minute, 0);
}

/* The number of the next update; -1: there is none, -2: it is no update. */
static int take(void)
{
    const struct ccaas_part *part = &taken.update.parts[CCAAS_LIVE_VALUE];

    if (!ccaas_inbox_take(inbox, &taken, &resumed))
        return -1;
    if (!taken.update.is_update)
        return -2;
    CHECK(part->begin > taken.bytes && part->end <= taken.bytes + taken.length);
    return atoi(part->begin);
}

static int64_t waiting(void)
{
    int64_t count, conflated, stale;

    ccaas_inbox_counts(inbox, &count, &conflated, &stale);
    return count;
}

static void counts(int64_t want_waiting, int64_t want_conflated,
                   int64_t want_stale)
{
    int64_t have_waiting, have_conflated, have_stale;

    ccaas_inbox_counts(inbox, &have_waiting, &have_conflated, &have_stale);
    CHECK_INT(have_waiting, want_waiting);
    CHECK_INT(have_conflated, want_conflated);
    CHECK_INT(have_stale, want_stale);
}

/* -- The queue ------------------------------------------------------------- */

static void order(void)
{
    begin(100, false);
    CHECK_INT(take(), -1);
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 5; i++)
            send(i % 2, round * 5 + i, 5 - i);
        for (int i = 0; i < 5; i++) {
            CHECK_INT(take(), round * 5 + i);
            CHECK(!resumed);
        }
        CHECK_INT(take(), -1);
    }
    counts(0, 0, 0);
    finish();
}

static void as_they_came(void)
{
    begin(100, false);
    deliver("", 0);
    deliver("{\"k\":", 5);
    sink.message(sink.self, "\0\xFF", 2, true);
    deliver("[]", 2);
    CHECK_INT(take(), -2);
    CHECK_INT(taken.length, 0);
    CHECK(taken.update.fault && !taken.binary);
    CHECK_INT(take(), -2);
    CHECK(taken.length == 5 && memcmp(taken.bytes, "{\"k\":", 5) == 0);
    CHECK_INT(taken.update.fault_at, 5);
    CHECK_INT(take(), -2);
    CHECK(taken.binary && taken.length == 2 && taken.bytes[1] == '\xFF');
    CHECK_INT(take(), -2);
    CHECK(!taken.update.fault && !taken.binary);
    finish();
}

static void block(void)
{
    begin(4, true);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            CHECK_INT(send(1, i, 1), CCAAS_WS_MORE);
        CHECK_INT(send(1, 3, 1), CCAAS_WS_FULL);
        CHECK_INT(take(), 0);
        CHECK(!resumed);
        CHECK_INT(take(), 1);
        CHECK(resumed); /* half of it is free */
        CHECK_INT(take(), 2);
        CHECK(!resumed);
        CHECK_INT(take(), 3);
        CHECK_INT(take(), -1);
        CHECK(!resumed);
    }
    counts(0, 0, 0);
    finish();
}

static void latest(void)
{
    begin(3, false);
    for (int key = 0; key < 3; key++)
        CHECK_INT(send(key, key, 1), CCAAS_WS_MORE);
    CHECK_INT(send(1, 10, 2), CCAAS_WS_MORE);
    CHECK_INT(send(1, 11, 3), CCAAS_WS_MORE);
    CHECK_INT(send(0, 12, 1), CCAAS_WS_MORE); /* of the same time */
    CHECK_INT(send(2, 13, -1), CCAAS_WS_MORE);
    counts(3, 4, 0);
    CHECK_INT(take(), 12);
    CHECK_INT(take(), 11);
    CHECK_INT(take(), 13);
    CHECK_INT(take(), -1);
    CHECK(!resumed);
    finish();
}

static void older_ones(void)
{
    begin(2, false);
    send(0, 0, 5);
    send(1, 1, 5);
    CHECK_INT(send(0, 2, 4), CCAAS_WS_MORE);
    counts(2, 0, 1);
    CHECK_INT(send(0, 3, 6), CCAAS_WS_MORE);
    CHECK_INT(send(0, 4, 5), CCAAS_WS_MORE);
    counts(2, 1, 2);
    CHECK_INT(take(), 3);
    CHECK_INT(take(), 1);
    finish();
}

static void others_wait(void)
{
    begin(2, false);
    send(0, 0, 1);
    CHECK_INT(send(1, 1, 1), CCAAS_WS_MORE);
    CHECK_INT(send(2, 2, 1), CCAAS_WS_FULL);
    CHECK_INT(send(2, 3, 2), CCAAS_WS_FULL); /* waits already: is replaced */
    counts(3, 1, 0);
    CHECK_INT(take(), 0);
    CHECK(!resumed);
    CHECK_INT(take(), 1);
    CHECK(resumed);
    CHECK_INT(take(), 3);
    send(0, 0, 1);
    send(1, 1, 1);
    CHECK_INT(deliver("[]", 2), CCAAS_WS_FULL);
    CHECK_INT(waiting(), 3);
    finish();
}

static void taken_ones_are_forgotten(void)
{
    begin(3, false);
    for (int key = 0; key < 3; key++)
        send(key, key, 1);
    send(0, 10, 2); /* the index is made */
    CHECK_INT(take(), 10);
    CHECK_INT(send(0, 11, 1), CCAAS_WS_MORE); /* there is room, it waits anew */
    CHECK_INT(send(0, 12, 3), CCAAS_WS_MORE);
    counts(3, 2, 0);
    CHECK_INT(take(), 1);
    CHECK_INT(take(), 2);
    CHECK_INT(take(), 12);
    finish();
}

/* -- Memory is bounded ----------------------------------------------------- */

static void bytes(void)
{
    for (int is_block = 0; is_block < 2; is_block++) {
        begin(100, is_block);
        CHECK_INT(send_long(0, 0, 1, CCAAS_INBOX_BYTES / 2), CCAAS_WS_MORE);
        CHECK_INT(send_long(1, 1, 1, CCAAS_INBOX_BYTES / 2),
                  is_block ? CCAAS_WS_FULL : CCAAS_WS_MORE);
        CHECK_INT(send_long(2, 2, 1, CCAAS_INBOX_BYTES / 4), CCAAS_WS_FULL);
        CHECK_INT(take(), 0);
        CHECK(!resumed);
        CHECK_INT(take(), 1);
        CHECK(resumed == !is_block);
        CHECK_INT(take(), 2);
        /* Where order is all that counts they are taken in one go, and the
         * sender goes on when those are read. */
        CHECK_INT(take(), -1);
        CHECK(resumed == is_block);
        finish();
    }
}

static void growing_ones(void)
{
    const size_t much = CCAAS_INBOX_BYTES / 2;
    enum ccaas_ws_answer answer = CCAAS_WS_MORE;
    int key;

    begin(8, false);
    for (key = 0; key < 4; key++)
        send(key, key, 1);
    for (; key < 8; key++)
        deliver("[]", 2);
    for (key = 0; key < 4 && answer == CCAAS_WS_MORE; key++)
        answer = send_long(key, 10 + key, 2, much);
    CHECK_INT(answer, CCAAS_WS_FULL);
    CHECK(key == 2 || key == 3); /* so many times a half are too much */
    for (int i = 0; i < 4; i++)
        CHECK_INT(take(), i < key ? 10 + i : i);
    CHECK(resumed);
    finish();
}

static void shrinking_ones(void)
{
    const size_t much = 1000 * 1000;
    long before;

    begin(4, false);
    for (int key = 0; key < 4; key++)
        send(key, key, 1);
    send(0, 4, 2);
    before = held_bytes;
    for (int key = 0; key < 4; key++) {
        send_long(key, 10 + key, 3, much);
        CHECK(held_bytes - before >= (long)much);
        send(key, 20 + key, 4);
        CHECK(held_bytes - before < 100000);
    }
    for (int key = 0; key < 4; key++)
        CHECK_INT(take(), 20 + key);
    finish();
}

/* A ring that was full of small ones does not come to be full of large
 * buffers. */
static void buffers(void)
{
    const size_t much = 60000;
    long before, most = 0;

    begin(1024, true);
    for (int i = 0; i < 1024; i++)
        send(1, i, 1);
    for (int i = 0; i < 1024; i++)
        CHECK_INT(take(), i);
    before = held_bytes;
    for (int i = 0; i < 3000; i++) {
        send_long(1, i, 1, much);
        CHECK_INT(take(), i);
        most = held_bytes - before > most ? held_bytes - before : most;
    }
    CHECK(most <= CCAAS_INBOX_BYTES + 4 * (long)much);
    finish();
}

static void large_buffers(void)
{
    long before;

    begin(4, true);
    send(1, 0, 1);
    take();
    before = held_bytes;
    for (int i = 0; i < 3; i++) {
        send_long(1, i, 1, 3 * CCAAS_INBOX_KEPT);
        CHECK_INT(take(), i);
        CHECK(held_bytes - before >= 3 * CCAAS_INBOX_KEPT);
        CHECK_INT(take(), -1);
        CHECK(held_bytes - before < CCAAS_INBOX_KEPT);
    }
    finish();
}

/* Others come past a full queue until the ring grows, again and again, while
 * those that wait are found and replaced. */
static void growth(void)
{
    begin(4, false);
    for (int key = 0; key < 200; key++) {
        send(key, key, 1);
        for (int other = 0; other <= key; other += 1 + key / 8)
            send(other, 1000 + key, 2);
        if (key % 3 == 2)
            take();
    }
    while (take() >= 0)
        CHECK(taken.update.hash != 0);
    CHECK_INT(waiting(), 0);
    finish();
}

/* -- Opening and closing --------------------------------------------------- */

static void openings(void)
{
    static const struct ccaas_ws_end end = {.code = CCAAS_NETWORK};
    struct ccaas_ws_end have;
    double before = ccaas_clock_wall(), at, from;

    bell = ccaas_bell_new();
    inbox = make(4, true);
    for (int i = 0; i < 3; i++) {
        sink = ccaas_inbox_sink(inbox);
        CHECK(ccaas_inbox_opened(inbox) < 0);
        CHECK(!ccaas_inbox_closed(inbox, &have, &at, &from));
        sink.opened(sink.self);
        CHECK(ccaas_inbox_opened(inbox) >= before);
        CHECK(ccaas_inbox_opened(inbox) <= ccaas_clock_wall());
        sink.closed(sink.self, &end);
    }
    sink = ccaas_inbox_sink(inbox);
    finish();
}

static void closing(void)
{
    static const struct ccaas_ws_end end = {
        .code = CCAAS_NETWORK, .quiet = 7, .close_reason = "why"};
    struct ccaas_ws_end have = {.code = CCAAS_OK};
    double before, at, from;

    begin(4, true);
    send(1, 1, 1);
    send(1, 2, 1);
    CHECK(!ccaas_inbox_closed(inbox, &have, &at, &from));
    before = ccaas_clock_wall();
    sink.closed(sink.self, &end);
    CHECK(!ccaas_inbox_closed(inbox, &have, &at, &from));
    CHECK_INT(take(), 1);
    CHECK(!ccaas_inbox_closed(inbox, &have, &at, &from));
    CHECK_INT(take(), 2);
    CHECK(ccaas_inbox_closed(inbox, &have, &at, &from));
    CHECK_INT(have.code, CCAAS_NETWORK);
    CHECK_STR(have.close_reason, "why");
    CHECK(at >= before && at <= ccaas_clock_wall());
    CHECK(from == at - 7);
    sink = ccaas_inbox_sink(inbox);
    CHECK(!ccaas_inbox_closed(inbox, &have, &at, &from));
    finish();
}

static void nobody_reads(void)
{
    static const struct ccaas_ws_end end = {.code = CCAAS_CANCELLED};
    long before = held_bytes;

    bell = ccaas_bell_new();
    inbox = make(4, true);
    sink = ccaas_inbox_sink(inbox);
    sink.opened(sink.self);
    send(1, 1, 1);
    ccaas_inbox_shut(inbox);
    for (int i = 0; i < 10; i++)
        CHECK_INT(send(1, i, 1), CCAAS_WS_MORE);
    sink.closed(sink.self, &end);
    ccaas_bell_release(bell);
    CHECK_INT(held_bytes, before);
    ccaas_inbox_shut(NULL);
}

/* -- Memory is out --------------------------------------------------------- */

static void none_for_it(void)
{
    struct ccaas_update_form form = {.key = {1, 2}};
    long before = held_bytes;
    const char *path = "k";

    bell = ccaas_bell_new();
    form.pick = ccaas_pick_form_new(&path, 1);
    calls_left = 0;
    CHECK(!ccaas_inbox_new(bell, 4, true, &form));
    calls_left = -1;
    ccaas_bell_release(bell);
    CHECK_INT(held_bytes, before);
}

/* The first `calls` succeed; then a message is lost. */
static void none_for_a_message(int calls)
{
    static const struct ccaas_ws_end end = {.code = CCAAS_CANCELLED};
    struct ccaas_ws_end have;
    double before, after, at, from;

    begin(20, false);
    for (int i = 0; i < 8; i++)
        send(i, i, 1);
    CHECK(!ccaas_inbox_broken(inbox));
    before = ccaas_clock_wall();
    calls_left = calls;
    CHECK_INT(send_long(8, 8, 1, 500), CCAAS_WS_FULL);
    calls_left = -1;
    after = ccaas_clock_wall();
    CHECK(ccaas_inbox_broken(inbox));
    while (ccaas_clock_wall() == after)
        ;
    /* What follows would hide the loss. */
    CHECK_INT(send(9, 9, 1), CCAAS_WS_FULL);
    for (int i = 0; i < 8; i++) {
        CHECK_INT(take(), i);
        CHECK(!resumed);
    }
    CHECK_INT(take(), -1);
    CHECK(!resumed);
    sink.closed(sink.self, &end);
    CHECK(ccaas_inbox_closed(inbox, &have, &at, &from));
    CHECK(from >= before && from <= after && at > after);
    sink = ccaas_inbox_sink(inbox);
    CHECK(!ccaas_inbox_broken(inbox));
    CHECK_INT(send(1, 1, 1), CCAAS_WS_MORE);
    CHECK_INT(take(), 1);
    finish();
}

static void none_for_messages(void)
{
    if (CCAAS_INBOX_BYTES < 1000)
        return; /* the sender would wait before */
    none_for_a_message(0);
    none_for_a_message(1);
}

static void none_for_the_index(void)
{
    begin(3, false);
    for (int key = 0; key < 3; key++)
        CHECK_INT(send(key, key, 1), CCAAS_WS_MORE);
    only_one = true;
    calls_left = 0;
    CHECK_INT(send(0, 10, 2), CCAAS_WS_FULL);
    only_one = false;
    CHECK_INT(calls_left, -1);
    CHECK(!ccaas_inbox_broken(inbox));
    counts(4, 0, 0);
    CHECK_INT(send(0, 11, 3), CCAAS_WS_FULL); /* now there is one */
    counts(4, 1, 0);
    CHECK_INT(take(), 0);
    CHECK_INT(take(), 1);
    CHECK_INT(take(), 2);
    CHECK_INT(take(), 11);
    finish();
}

static void none_for_a_newer_one(void)
{
    begin(2, false);
    send(0, 0, 1);
    send(1, 1, 1);
    send(1, 2, 2); /* the index is there */
    calls_left = 0;
    CHECK_INT(send_long(0, 3, 2, 500), CCAAS_WS_FULL);
    calls_left = -1;
    CHECK(ccaas_inbox_broken(inbox));
    CHECK_INT(take(), 0);
    CHECK_INT(take(), 2);
    CHECK_INT(take(), -1);
    finish();
}

/* -- A model --------------------------------------------------------------- */

struct entry {
    int key, number, minute; /* key < 0: no update */
    size_t length;
};

static struct {
    struct entry entries[4096];
    size_t count, queue, bytes;
    bool block, held;
    int64_t conflated, stale;
} model;

static bool model_full(void)
{
    return model.count >= model.queue || model.bytes >= CCAAS_INBOX_BYTES;
}

static struct entry *model_find(int key)
{
    for (size_t i = 0; i < model.count; i++)
        if (model.entries[i].key == key)
            return &model.entries[i];
    return NULL;
}

static void model_send(const struct entry *entry)
{
    bool was_full = model_full();
    struct entry *found = NULL;

    /* The newest of several is the one that was put in last; while a queue is
     * not full, several may wait. */
    for (size_t i = 0; entry->key >= 0 && i < model.count; i++)
        if (model.entries[i].key == entry->key)
            found = &model.entries[i];
    if (was_full && !model.block && found) {
        if (entry->minute >= 0 && entry->minute < found->minute) {
            model.stale++;
            return;
        }
        model.bytes += entry->length - found->length;
        model.held |= entry->length > found->length &&
                      model.bytes > CCAAS_INBOX_BYTES / 4 * 5;
        *found = *entry;
        model.conflated++;
        return;
    }
    model.entries[model.count++] = *entry;
    model.bytes += entry->length;
    model.held |= model_full() && (was_full || model.block);
}

/* True: there is room again for a sender that waits. */
static bool model_take(struct entry *entry)
{
    *entry = (struct entry){.number = -1};
    if (model.count) {
        *entry = model.entries[0];
        model.count--;
        memmove(model.entries, model.entries + 1,
                model.count * sizeof *model.entries);
        model.bytes -= entry->length;
    }
    return model.held && model.count <= model.queue / 2 &&
           model.bytes <= CCAAS_INBOX_BYTES / 2;
}

static unsigned random_state;

static unsigned any(unsigned below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % below;
}

static void model_deliver(int number)
{
    struct entry entry = {.key = (int)any(12), .number = number, .minute = -1};
    bool is_held;

    if (any(10))
        entry.minute = (int)any(60);
    if (any(20) == 0)
        entry.key = -1;
    if (entry.key < 0)
        entry.length = (size_t)sprintf(large, "[%d]", number);
    else
        entry.length = write_update(large, entry.key, number, entry.minute,
                                    any(6) ? 0 : any(700));
    model_send(&entry);
    is_held = deliver(large, entry.length) == CCAAS_WS_FULL;
    /* Those that were taken in one go count until they are read. */
    if (model.block)
        CHECK(is_held || !model.held);
    else
        CHECK(is_held == model.held);
    model.held = is_held;
}

static void model_compare(void)
{
    struct entry entry;
    bool resume = model_take(&entry);
    int have = take();

    CHECK_INT(have, entry.key < 0 ? -2 : entry.number);
    /* With several taken in one go it may come later, but not too late. */
    if (!model.block || have == -1)
        CHECK_INT(resumed, resume);
    else
        CHECK(resume || !resumed);
    model.held &= !resumed;
    if (have != -1)
        CHECK_INT(taken.length, entry.length);
    if (have == -2)
        CHECK_INT(atoi(taken.bytes + 1), entry.number);
}

static void like_a_model(void)
{
    for (unsigned seed = 1; seed <= 60 && !check_failed_here; seed++) {
        unsigned hurry = 1;

        random_state = seed;
        memset(&model, 0, sizeof model);
        model.queue = 1 + any(40);
        model.block = any(4) == 0;
        begin(model.queue, model.block);
        for (int i = 0; i < 1500 && !check_failed_here; i++) {
            if (any(100) == 0)
                hurry = any(5);
            /* A sender that was told to wait may still have some to give. */
            if (any(4) < hurry && (!model.held || any(20) == 0))
                model_deliver(i);
            else
                model_compare();
            counts((int64_t)model.count, model.conflated, model.stale);
        }
        while (model.count && !check_failed_here)
            model_compare();
        if (check_failed_here)
            printf("  with seed %u\n", seed);
        finish();
    }
    CHECK(!model_find(-2));
}

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

        if (sink.message(sink.self, text, length, false) == CCAAS_WS_MORE)
            continue;
        pthread_mutex_lock(&lock);
        waited++;
        while (resumes < waited)
            pthread_cond_wait(&go_on, &lock);
        pthread_mutex_unlock(&lock);
    }
    sink.closed(sink.self, &(struct ccaas_ws_end){.code = CCAAS_NETWORK});
    return unused;
}

static void two_threads(bool is_block)
{
    struct ccaas_ws_end end;
    double at, from;
    pthread_t thread;
    int last[7], before = -1, count = 0, number;
    int64_t have_waiting, conflated, stale;

    resumes = waited = 0;
    begin(16, is_block);
    pthread_create(&thread, NULL, sender, NULL);
    while (!ccaas_inbox_closed(inbox, &end, &at, &from)) {
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
    ccaas_inbox_counts(inbox, &have_waiting, &conflated, &stale);
    CHECK_INT(count + conflated, MANY);
    for (int i = 0; i < 7; i++)
        CHECK(last[i] >= MANY - 7);
    sink = ccaas_inbox_sink(inbox);
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
    struct ccaas_ws_sink own = *(struct ccaas_ws_sink *)self;
    char text[128];

    for (int i = 0; i < 3000; i++)
        own.message(own.self, text, write_update(text, i % 3, i, -1, 0), false);
    own.closed(own.self, &(struct ccaas_ws_end){.code = CCAAS_CANCELLED});
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
        ccaas_inbox_shut(inbox);
        pthread_join(thread, NULL);
        ccaas_bell_release(bell);
        free(taken.bytes);
        memset(&taken, 0, sizeof taken);
    }
}

/* -- Waking the reader ----------------------------------------------------- */

/* Was the bell rung since the last time? */
static bool rung(void)
{
    struct pollfd wait = {.fd = ccaas_bell_fd(bell), .events = POLLIN};
    bool is = poll(&wait, 1, 0) == 1;

    ccaas_bell_disarm(bell);
    ccaas_bell_arm(bell);
    return is;
}

static void rings_at_flush(void)
{
    begin(8, true);
    rung();
    deliver("1", 1);
    deliver("2", 1);
    CHECK(!rung());
    sink.flush(sink.self);
    CHECK(rung());
    sink.flush(sink.self);
    CHECK(!rung());
    deliver("3", 1);
    sink.flush(sink.self);
    CHECK(!rung()); /* the reader has not looked since */
    finish();
}

static void rings_not_for_what_is_taken(void)
{
    begin(8, true);
    rung();
    deliver("1", 1);
    take();
    sink.flush(sink.self);
    CHECK(!rung());
    deliver("2", 1);
    sink.flush(sink.self);
    CHECK(rung());
    finish();
}

static void rings_at_once_when_full(void)
{
    begin(2, true);
    rung();
    CHECK_INT(deliver("1", 1), CCAAS_WS_MORE);
    CHECK(!rung());
    CHECK_INT(deliver("2", 1), CCAAS_WS_FULL);
    CHECK(rung());
    finish();
}

static void rings_at_once_when_closed(void)
{
    begin(8, true);
    rung();
    deliver("1", 1);
    sink.closed(sink.self, &(struct ccaas_ws_end){.code = CCAAS_NETWORK});
    CHECK(rung());
    sink = ccaas_inbox_sink(inbox);
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

/* The reader sleeps whenever there is nothing: a ring that is lost is a
 * sleeper that is never woken. */
static void wakes_a_sleeper(void)
{
    struct pollfd wait = {.events = POLLIN};
    pthread_t thread;
    int last = -1;
    bool slept = true;

    begin(65536, true);
    wait.fd = ccaas_bell_fd(bell);
    pthread_create(&thread, NULL, sender_in_turns, NULL);
    while (last < MANY - 1 && slept) {
        int number = take();

        if (number >= 0) {
            last = number;
            continue;
        }
        ccaas_bell_disarm(bell);
        ccaas_bell_arm(bell);
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

int main(void)
{
    large = malloc(2 * CCAAS_INBOX_BYTES + 2000000);
    it("gives messages in the order in which they came", order);
    it("gives anything as it came", as_they_came);
    it("has the sender wait when it is full, until it is half empty", block);
    it("keeps the newest of each metric and category, in its place", latest);
    it("passes over one that is older than the one that waits", older_ones);
    it("has the sender wait for what nothing can be replaced by", others_wait);
    it("replaces nothing that was taken", taken_ones_are_forgotten);
    it("is full of bytes as well as of messages", bytes);
    it("has the sender wait when newer ones are ever larger", growing_ones);
    it("gives memory back when newer ones are smaller", shrinking_ones);
    it("keeps no more buffers than it may have bytes", buffers);
    it("keeps no large buffer", large_buffers);
    it("grows while it knows what waits", growth);
    it("is used for one socket after the other", openings);
    it("tells the end after all messages, and since when some may be missed",
       closing);
    it("drops what comes after its reader went", nobody_reads);
    it("takes the form over without memory, too", none_for_it);
    it("tells that a message was lost for want of memory, and takes no more",
       none_for_messages);
    it("does without an index for want of memory", none_for_the_index);
    it("keeps the old one where there is no memory for the newer one",
       none_for_a_newer_one);
    it("does what a plain list does", like_a_model);
    it("loses nothing between two threads", two_threads_block);
    it("keeps the newest between two threads", two_threads_latest);
    it("may be left while the other thread sends", shut_meanwhile);
    free(large);
    it("rings for what came when it is flushed, once", rings_at_flush);
    it("does not ring for what was taken already", rings_not_for_what_is_taken);
    it("rings at once when it is full", rings_at_once_when_full);
    it("rings at once when the socket has ended", rings_at_once_when_closed);
    it("wakes a reader that sleeps, whenever there is something",
       wakes_a_sleeper);
    return check_report();
}
