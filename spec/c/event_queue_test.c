/* Messages between a socket and its reader: what waits, and in what order. */
#include "event_queue_peer.h"

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
    sink.flush(sink.self);
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
            CHECK_INT(send(1, i, 1), CC_WS_MORE);
        CHECK_INT(send(1, 3, 1), CC_WS_FULL);
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

/* No message is seen by its reader before the others of its turn have to be;
 * the queue is full when it is full all the same. */
static void within_a_turn(void)
{
    for (int is_block = 0; is_block < 2; is_block++) {
        int room = CC_EVENT_QUEUE_BYTES < 8000 ? 30 : 200;
        char text[64];

        begin((size_t)room, is_block);
        for (int i = 1; i < room; i++)
            CHECK_INT(bring(text, write_update(text, i, i, 1, 0)), CC_WS_MORE);
        CHECK_INT(bring(text, write_update(text, room, room, 1, 0)),
                  is_block ? CC_WS_FULL : CC_WS_MORE);
        CHECK_INT(bring(text, write_update(text, 7, 1000, 2, 0)),
                  is_block ? CC_WS_FULL : CC_WS_MORE);
        counts(room + is_block, !is_block, 0);
        for (int i = 1; i <= room; i++)
            CHECK_INT(take(), i == 7 && !is_block ? 1000 : i);
        CHECK_INT(take(), is_block ? 1000 : -1);
        finish();
    }
}

/* A turn that brings much is put in bit by bit. */
static void a_long_turn(void)
{
    int count, length = CC_EVENT_QUEUE_BYTES / 8;

    begin(65536, true);
    bring("[]", 2);
    CHECK_INT(take(), -2);
    for (count = 0; !waiting() && count < 1000; count++)
        bring("[]", 2);
    CHECK(count > 1 && count <= 64);
    while (take() == -2)
        count--;
    CHECK_INT(count, 0);
    bring(large, write_update(large, 1, 1, 1, (size_t)length));
    CHECK_INT(waiting(), 1);
    finish();
}

static void large_ones_within_a_turn(void)
{
    long before;

    begin(1024, true);
    bring("[]", 2);
    before = held_bytes;
    for (int i = 0; i < 40; i++) {
        size_t length = i % 5 ? 0 : CC_EVENT_QUEUE_BYTES / 64;

        bring(large, write_update(large, i, i, 1, length));
    }
    sink.flush(sink.self);
    CHECK_INT(take(), -2);
    for (int i = 0; i < 40; i++)
        CHECK_INT(take(), i);
    CHECK_INT(take(), -1);
    for (int i = 0; i < 2000; i++) {
        send(1, i, 1);
        take();
    }
    CHECK(held_bytes - before < 40000);
    finish();
}

static void latest(void)
{
    begin(3, false);
    for (int key = 0; key < 3; key++)
        CHECK_INT(send(key, key, 1), CC_WS_MORE);
    CHECK_INT(send(1, 10, 2), CC_WS_MORE);
    CHECK_INT(send(1, 11, 3), CC_WS_MORE);
    CHECK_INT(send(0, 12, 1), CC_WS_MORE); /* of the same time */
    CHECK_INT(send(2, 13, -1), CC_WS_MORE);
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
    CHECK_INT(send(0, 2, 4), CC_WS_MORE);
    counts(2, 0, 1);
    CHECK_INT(send(0, 3, 6), CC_WS_MORE);
    CHECK_INT(send(0, 4, 5), CC_WS_MORE);
    counts(2, 1, 2);
    CHECK_INT(take(), 3);
    CHECK_INT(take(), 1);
    finish();
}

static void others_wait(void)
{
    begin(2, false);
    send(0, 0, 1);
    CHECK_INT(send(1, 1, 1), CC_WS_MORE);
    CHECK_INT(send(2, 2, 1), CC_WS_FULL);
    CHECK_INT(send(2, 3, 2), CC_WS_FULL); /* waits already: is replaced */
    counts(3, 1, 0);
    CHECK_INT(take(), 0);
    CHECK(!resumed);
    CHECK_INT(take(), 1);
    CHECK(resumed);
    CHECK_INT(take(), 3);
    send(0, 0, 1);
    send(1, 1, 1);
    CHECK_INT(deliver("[]", 2), CC_WS_FULL);
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
    CHECK_INT(send(0, 11, 1), CC_WS_MORE); /* there is room, it waits anew */
    CHECK_INT(send(0, 12, 3), CC_WS_MORE);
    counts(3, 2, 0);
    CHECK_INT(take(), 1);
    CHECK_INT(take(), 2);
    CHECK_INT(take(), 12);
    finish();
}

/* -- Opening and closing --------------------------------------------------- */

static void openings(void)
{
    static const struct cc_ws_end end = {.code = CCAAS_NETWORK};
    struct cc_ws_end have;
    double before = cc_clock_wall(), at, from;

    waker = cc_waker_new();
    queue = make(4, true);
    for (int i = 0; i < 3; i++) {
        sink = cc_event_queue_sink(queue);
        CHECK(cc_event_queue_opened(queue) < 0);
        CHECK(!cc_event_queue_closed(queue, &have, &at, &from));
        sink.opened(sink.self);
        CHECK(cc_event_queue_opened(queue) >= before);
        CHECK(cc_event_queue_opened(queue) <= cc_clock_wall());
        sink.closed(sink.self, &end);
    }
    sink = cc_event_queue_sink(queue);
    finish();
}

static void closing(void)
{
    static const struct cc_ws_end end = {
        .code = CCAAS_NETWORK, .quiet = 7, .close_reason = "why"};
    struct cc_ws_end have = {.code = CCAAS_OK};
    double before, at, from;

    begin(4, true);
    send(1, 1, 1);
    send(1, 2, 1);
    CHECK(!cc_event_queue_closed(queue, &have, &at, &from));
    before = cc_clock_wall();
    sink.closed(sink.self, &end);
    CHECK(!cc_event_queue_closed(queue, &have, &at, &from));
    CHECK_INT(take(), 1);
    CHECK(!cc_event_queue_closed(queue, &have, &at, &from));
    CHECK_INT(take(), 2);
    CHECK(cc_event_queue_closed(queue, &have, &at, &from));
    CHECK_INT(have.code, CCAAS_NETWORK);
    CHECK_STR(have.close_reason, "why");
    CHECK(at >= before && at <= cc_clock_wall());
    CHECK(from == at - 7);
    sink = cc_event_queue_sink(queue);
    CHECK(!cc_event_queue_closed(queue, &have, &at, &from));
    finish();
}

static void closing_within_a_turn(void)
{
    static const struct cc_ws_end end = {.code = CCAAS_NETWORK};
    struct cc_ws_end have;
    double at, from;

    begin(8, true);
    for (int i = 0; i < 5; i++)
        bring("[]", 2);
    sink.closed(sink.self, &end);
    for (int i = 0; i < 5; i++) {
        CHECK(!cc_event_queue_closed(queue, &have, &at, &from));
        CHECK_INT(take(), -2);
    }
    CHECK(cc_event_queue_closed(queue, &have, &at, &from));
    sink = cc_event_queue_sink(queue);
    finish();
}

static void nobody_reads(void)
{
    static const struct cc_ws_end end = {.code = CCAAS_CANCELLED};
    long before = held_bytes;

    waker = cc_waker_new();
    queue = make(4, true);
    sink = cc_event_queue_sink(queue);
    sink.opened(sink.self);
    send(1, 1, 1);
    cc_event_queue_shut(queue);
    for (int i = 0; i < 10; i++)
        CHECK_INT(send(1, i, 1), CC_WS_MORE);
    sink.closed(sink.self, &end);
    cc_waker_release(waker);
    CHECK_INT(held_bytes, before);

    waker = cc_waker_new();
    queue = make(100, true);
    sink = cc_event_queue_sink(queue);
    sink.opened(sink.self);
    send(1, 1, 1);
    for (int i = 0; i < 10; i++)
        bring("[]", 2);
    cc_event_queue_shut(queue); /* while some are not put in */
    sink.closed(sink.self, &end);
    cc_waker_release(waker);
    CHECK_INT(held_bytes, before);
    cc_event_queue_shut(NULL);
}

/* -- A model --------------------------------------------------------------- */

struct entry {
    int key, number, minute; /* key < 0: no update */
    size_t length;
};

static struct {
    struct entry entries[4096];
    size_t count, capacity, bytes;
    bool block, held;
    int64_t conflated, stale;
} model;

static bool model_full(void)
{
    return model.count >= model.capacity || model.bytes >= CC_EVENT_QUEUE_BYTES;
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
                      model.bytes > CC_EVENT_QUEUE_BYTES / 4 * 5;
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
    return model.held && model.count <= model.capacity / 2 &&
           model.bytes <= CC_EVENT_QUEUE_BYTES / 2;
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
        entry.length =
            write_update(large, entry.key, number, entry.minute,
                         any(6)    ? 0
                         : any(20) ? any(700)
                                   : any(CC_EVENT_QUEUE_BYTES / 100));
    model_send(&entry);
    is_held = bring(large, entry.length) == CC_WS_FULL;
    if (any(8) == 0)
        sink.flush(sink.self);
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
    int have;

    sink.flush(sink.self);
    have = take();

    CHECK_INT(have, entry.key < 0 ? -2 : entry.number);
    /* With several taken in one go it may come later, but not too late. */
    if (!model.block || have == -1)
        CHECK_INT(resumed, resume);
    else
        CHECK(resume || !resumed);
    model.held &= !resumed;
    if (!model.block)
        CHECK(was_last == (have != -1 && !model.count));
    else
        CHECK(!was_last || (have != -1 && !model.count));
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
        model.capacity = 1 + any(any(3) ? 40 : 300);
        model.block = any(4) == 0;
        begin(model.capacity, model.block);
        for (int i = 0; i < 1500 && !check_failed_here; i++) {
            if (any(100) == 0)
                hurry = any(5);
            /* A sender that was told to wait may still have some to give. */
            if (any(4) < hurry && (!model.held || any(20) == 0))
                model_deliver(i);
            else
                model_compare();
            if (any(3))
                continue;
            sink.flush(sink.self);
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

int main(void)
{
    large = malloc(2 * CC_EVENT_QUEUE_BYTES + 2000000);
    it("gives messages in the order in which they came", order);
    it("gives any message unchanged", as_they_came);
    it("makes the sender wait when it is full, until it is half empty", block);
    it("is full at the same message within a turn", within_a_turn);
    it("adds the messages of a long turn bit by bit", a_long_turn);
    it("takes large ones within a turn, and keeps little of them",
       large_ones_within_a_turn);
    it("keeps the newest of each metric and category, in its place", latest);
    it("passes over one that is older than the one that waits", older_ones);
    it("makes the sender wait for a message that replaces none", others_wait);
    it("does not replace a message that was taken", taken_ones_are_forgotten);
    it("is used for one socket after the other", openings);
    it("tells the end after all messages, and since when some may be missed",
       closing);
    it("gives what came in the turn in which it ended", closing_within_a_turn);
    it("drops messages after its reader has gone", nobody_reads);
    it("behaves like a plain list", like_a_model);
    free(large);
    return check_report();
}
