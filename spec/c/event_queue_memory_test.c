/* Messages between a socket and its reader: memory that is bounded, or out. */
#include "event_queue_peer.h"

#include <poll.h>

/* -- Memory is bounded ----------------------------------------------------- */

static void bytes(void)
{
    for (int is_block = 0; is_block < 2; is_block++) {
        begin(100, is_block);
        CHECK_INT(send_long(0, 0, 1, CC_EVENT_QUEUE_BYTES / 2), CC_WS_MORE);
        CHECK_INT(send_long(1, 1, 1, CC_EVENT_QUEUE_BYTES / 2),
                  is_block ? CC_WS_FULL : CC_WS_MORE);
        CHECK_INT(send_long(2, 2, 1, CC_EVENT_QUEUE_BYTES / 4), CC_WS_FULL);
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
    const size_t much = CC_EVENT_QUEUE_BYTES / 2;
    enum cc_ws_answer answer = CC_WS_MORE;
    int key;

    begin(8, false);
    for (key = 0; key < 4; key++)
        send(key, key, 1);
    for (; key < 8; key++)
        deliver("[]", 2);
    for (key = 0; key < 4 && answer == CC_WS_MORE; key++)
        answer = send_long(key, 10 + key, 2, much);
    CHECK_INT(answer, CC_WS_FULL);
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
    for (int key = 0; key < 4; key++) {
        send_long(key, 30 + key, 2, much); /* it is too old */
        send(key, 40 + key, 5);
    }
    counts(4, 13, 4);
    CHECK(held_bytes - before < 100000);
    for (int key = 0; key < 4; key++)
        CHECK_INT(take(), 40 + key);
    finish();
}

/* Nor do small ones stay in the buffers of larger ones that were too old. */
static void small_ones_after_stale_ones(void)
{
    enum { KEYS = 1024 };
    long before;

    if (CC_EVENT_QUEUE_BYTES < 1000000)
        return; /* the sender would wait before */
    begin(KEYS, false);
    for (int key = 0; key < KEYS; key++)
        send(key, key, 1);
    send(0, 0, 2);
    before = held_bytes;
    for (int key = 0; key < KEYS; key++) {
        send_long(key, key, 0, 3200);
        send(key, key, 3);
    }
    counts(KEYS, KEYS + 1, KEYS);
    CHECK(held_bytes - before < 300000);
    finish();
}

/* Those that the reader took in one go are counted until they are read. */
static void half_read(void)
{
    const size_t part = CC_EVENT_QUEUE_BYTES / 8;

    begin(64, true);
    for (int i = 0; i < 7; i++)
        CHECK_INT(send_long(1, i, 1, part), CC_WS_MORE);
    CHECK_INT(take(), 0);
    CHECK_INT(bring(large, write_update(large, 1, 7, 1, part - 1)), CC_WS_MORE);
    CHECK_INT(bring("1", 1), CC_WS_FULL);
    for (int i = 1; i < 8; i++)
        CHECK_INT(take(), i);
    CHECK_INT(take(), -2);
    CHECK_INT(take(), -1);
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
    CHECK(most <= CC_EVENT_QUEUE_BYTES + 4 * (long)much);
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
        send_long(1, i, 1, 3 * CC_EVENT_QUEUE_KEPT);
        CHECK_INT(take(), i);
        CHECK(held_bytes - before >= 3 * CC_EVENT_QUEUE_KEPT);
        CHECK_INT(take(), -1);
        CHECK(held_bytes - before < CC_EVENT_QUEUE_KEPT);
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

/* -- Memory is out --------------------------------------------------------- */

static void none_for_it(void)
{
    struct cc_update_form form = {.key = {1, 2}};
    long before = held_bytes;
    const char *path = "k";

    waker = cc_waker_new();
    form.pick = cc_pick_form_new(&path, 1);
    calls_left = 0;
    CHECK(!cc_event_queue_new(waker, 4, true, &form));
    calls_left = -1;
    cc_waker_release(waker);
    CHECK_INT(held_bytes, before);
}

/* The first `calls` succeed; then a message is lost. */
static void none_for_a_message(int calls)
{
    static const struct cc_ws_end end = {.code = CCAAS_CANCELLED};
    struct cc_ws_end have;
    double before, after, at, from;

    begin(20, false);
    for (int i = 0; i < 8; i++)
        send(i, i, 1);
    CHECK(!cc_event_queue_broken(queue));
    before = cc_clock_wall();
    calls_left = calls;
    send_long(8, 8, 1, 500);
    calls_left = -1;
    after = cc_clock_wall();
    CHECK(cc_event_queue_broken(queue));
    while (cc_clock_wall() == after)
        ;
    /* What follows would hide the loss. */
    CHECK_INT(send(9, 9, 1), CC_WS_FULL);
    calls_left = 0; /* nor is it another loss */
    CHECK_INT(send_long(9, 9, 1, 50000), CC_WS_FULL);
    calls_left = -1;
    for (int i = 0; i < 8; i++) {
        CHECK_INT(take(), i);
        CHECK(!resumed);
    }
    CHECK_INT(take(), -1);
    CHECK(!resumed);
    sink.closed(sink.self, &end);
    CHECK(cc_event_queue_closed(queue, &have, &at, &from));
    CHECK(from >= before && from <= after && at > after);
    sink = cc_event_queue_sink(queue);
    CHECK(!cc_event_queue_broken(queue));
    CHECK_INT(send(1, 1, 1), CC_WS_MORE);
    CHECK_INT(take(), 1);
    finish();
}

static void none_for_messages(void)
{
    if (CC_EVENT_QUEUE_BYTES < 1000)
        return; /* the sender would wait before */
    none_for_a_message(0);
    none_for_a_message(1);
}

static void none_within_a_turn(void)
{
    static const struct cc_ws_end end = {.code = CCAAS_CANCELLED};
    struct cc_ws_end have;
    double after, at, from;

    begin(100, true);
    for (int i = 0; i < 4; i++) /* there is room for so many */
        send(1, i, 1);
    while (take() >= 0)
        ;
    bring("[]", 2); /* and is now known to be */
    for (int i = 0; i < 2; i++)
        CHECK_INT(bring("[]", 2), CC_WS_MORE);
    after = cc_clock_wall();
    while (cc_clock_wall() == after)
        ;
    calls_left = 0;
    CHECK_INT(bring(large, write_update(large, 1, 1, 1, 5000)), CC_WS_FULL);
    calls_left = -1;
    CHECK_INT(bring("[]", 2), CC_WS_FULL);
    CHECK(cc_event_queue_broken(queue));
    for (int i = 0; i < 3; i++)
        CHECK_INT(take(), -2);
    CHECK_INT(take(), -1);
    sink.closed(sink.self, &end);
    CHECK(cc_event_queue_closed(queue, &have, &at, &from));
    CHECK(from <= after); /* when the first one that is in doubt came */
    sink = cc_event_queue_sink(queue);
    finish();
}

/* Nobody else would wake the reader. */
static void none_and_nothing_waits(void)
{
    for (int is_first = 0; is_first < 2; is_first++) {
        struct pollfd wait = {.events = POLLIN};

        begin(8, true);
        if (!is_first) {
            send(1, 1, 1);
            take();
        }
        wait.fd = cc_waker_fd(waker);
        cc_waker_disarm(waker);
        cc_waker_arm(waker);
        calls_left = 0;
        CHECK_INT(bring(large, write_update(large, 1, 1, 1, 5000)), CC_WS_FULL);
        calls_left = -1;
        CHECK_INT(poll(&wait, 1, 0), 1);
        CHECK_INT(take(), -1);
        CHECK(cc_event_queue_broken(queue));
        finish();
    }
}

static void none_when_nobody_reads(void)
{
    static const struct cc_ws_end end = {.code = CCAAS_CANCELLED};

    begin(8, true);
    send(1, 1, 1);
    cc_event_queue_shut(queue);
    calls_left = 0;
    CHECK_INT(bring(large, write_update(large, 1, 1, 1, 5000)), CC_WS_MORE);
    calls_left = -1;
    sink.closed(sink.self, &end);
    cc_waker_release(waker);
}

static void none_for_the_index(void)
{
    begin(3, false);
    for (int key = 0; key < 3; key++)
        CHECK_INT(send(key, key, 1), CC_WS_MORE);
    only_one = true;
    calls_left = 1; /* for its copy */
    CHECK_INT(send(0, 10, 2), CC_WS_FULL);
    only_one = false;
    CHECK_INT(calls_left, -1);
    CHECK(!cc_event_queue_broken(queue));
    counts(4, 0, 0);
    CHECK_INT(send(0, 11, 3), CC_WS_FULL); /* now there is one */
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
    CHECK_INT(send_long(0, 3, 2, 500), CC_WS_FULL);
    calls_left = -1;
    CHECK(cc_event_queue_broken(queue));
    CHECK_INT(take(), 0);
    CHECK_INT(take(), 2);
    CHECK_INT(take(), -1);
    finish();
}

int main(void)
{
    large = malloc(2 * CC_EVENT_QUEUE_BYTES + 2000000);
    it("is full of bytes as well as of messages", bytes);
    it("makes the sender wait if newer ones grow ever larger", growing_ones);
    it("gives memory back when newer ones are smaller", shrinking_ones);
    it("keeps small ones in small buffers", small_ones_after_stale_ones);
    it("counts what was taken at once until it is read", half_read);
    it("keeps no more buffers than it may have bytes", buffers);
    it("keeps no large buffer", large_buffers);
    it("grows and still knows what waits", growth);
    it("takes over the form even without memory", none_for_it);
    it("reports that a message was lost for lack of memory, and takes no more",
       none_for_messages);
    it("gives what came before it in the same turn", none_within_a_turn);
    it("wakes a reader that nothing else would wake", none_and_nothing_waits);
    it("tolerates that its reader is gone", none_when_nobody_reads);
    it("works without an index if memory is short", none_for_the_index);
    it("keeps the old one if there is no memory for the newer one",
       none_for_a_newer_one);
    free(large);
    return check_report();
}
