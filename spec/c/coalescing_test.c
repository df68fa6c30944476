/* How long the engine sleeps after a turn. */
#include "coalescing.h"

#include "check.h"

#include <stdbool.h>

#define MANY 250 /* sockets: 5 ms */
#define PAUSE 0.005

static struct cc_coalescing state;

static double turn(double at, size_t bytes)
{
    return cc_coalescing_pause(&state, at, MANY, bytes);
}

static void start(void)
{
    state = (struct cc_coalescing){0};
}

static bool about(double have, double want)
{
    return have > want - 1e-9 && have < want + 1e-9;
}

static void alone(void)
{
    start();
    CHECK(turn(1, 100) == 0);
    CHECK(turn(1 + 2.1 * PAUSE, 100) == 0);
    CHECK(turn(2, 100) == 0);
}

static void often(void)
{
    start();
    CHECK(turn(1, 100) == 0);
    CHECK(about(turn(1 + 1.1 * PAUSE, 100), PAUSE));
    CHECK(about(turn(1 + 2.2 * PAUSE, 100), PAUSE));
    CHECK(turn(1 + 5 * PAUSE, 100) == 0);
}

static void at_once(void)
{
    start();
    CHECK(turn(1, 100) == 0);
    CHECK(turn(1 + 0.1 * PAUSE, 100) == 0);
    CHECK(about(turn(1 + 1.2 * PAUSE, 1), PAUSE));
}

static void nothing(void)
{
    start();
    CHECK(turn(1, 100) == 0);
    CHECK(turn(1 + 1.1 * PAUSE, 0) == 0);
    CHECK(about(turn(1 + 1.2 * PAUSE, 100), PAUSE));
}

static void much(void)
{
    start();
    CHECK(turn(1, 100) == 0);
    CHECK(about(turn(1 + 1.1 * PAUSE, CC_COALESCING_BYTES - 100), PAUSE));
    start();
    CHECK(turn(1, 100) == 0);
    CHECK(turn(1 + 1.1 * PAUSE, CC_COALESCING_BYTES - 99) == 0);
    CHECK(turn(1 + 2.2 * PAUSE, 100) == 0);
    CHECK(about(turn(1 + 3.3 * PAUSE, 100), PAUSE));
}

/* What it is for so many sockets, when messages come often. */
static double with(size_t sockets)
{
    start();
    cc_coalescing_pause(&state, 1, sockets, 1);
    return cc_coalescing_pause(&state, 1.0205, sockets, 1);
}

static void sockets(void)
{
    start();
    CHECK(about(with(1000), 0.02));
    CHECK(about(with(100000), 0.02));
    CHECK(about(with(999), 0.01998));
    CHECK(with(49) == 0);
    CHECK(with(0) == 0);
    start();
    cc_coalescing_pause(&state, 1, 51, 1);
    CHECK(about(cc_coalescing_pause(&state, 1.0015, 51, 1), 0.00102));
}

int main(void)
{
    it("gives a single message at once", alone);
    it("waits for others as long as messages come often", often);
    it("does not wait for the rest of what comes at once", at_once);
    it("does not wait after a turn without messages", nothing);
    it("does not wait when there is much to read", much);
    it("waits longer for more sockets, and not at all for fewer than a hundred",
       sockets);
    return check_report();
}
