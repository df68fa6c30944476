/* The set of rows seen. */
#include "seen.h"

#include "check.h"

static const uint8_t seed[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                 8, 9, 10, 11, 12, 13, 14, 15};

/* Allocations that still succeed; -1: all of them. */
static long allowed = -1;

/* Takes the place of the weak one in seen.c. */
void *cc_seen_calloc(size_t count, size_t size)
{
    if (!allowed) {
        return NULL;
    }
    if (allowed > 0) {
        allowed--;
    }
    return calloc(count, size);
}

/* The nth of a row of different numbers, none of them 0. */
static uint64_t nth(uint64_t n)
{
    n = (n + 1) * 0x9e3779b97f4a7c15;
    return n ^ n >> 32;
}

static void hashes_as_published(void)
{
    /* SipHash-1-3 of 0, 1, 2 ... bytes 00 01 02 ... under the key 00 01 ... 0f,
     * as Rust's standard library has it; the lower halves are those that the
     * Linux kernel tests its hsiphash with. */
    static const uint64_t want[] = {
        0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d,
        0x8bf80ab8e7ddf7fb, 0xcf75576088d38328, 0xdef9d52f49533b67,
        0xc50d2b50c59f22a7, 0xd3927d989bb11140, 0x369095118d299a8e,
        0x25a48eb36c063de4, 0x79de85ee92ff097f, 0x70c118c1f94dc352,
        0x78a384b157b4d9a2, 0x306f760c1229ffa7, 0x605aa111c0f95d34,
        0xd320d86d2a519956, 0xcc4fdd1a7d908b66, 0x9cf2689063dbd80c,
        0x8ffc389cb473e63e, 0xf21f9de58d297d1c, 0xc0dc2f46a6cce040,
        0xb992abfe2b45f844, 0x7ffe7b9ba320872e, 0x525a0e7fdae6c123,
        0xf464aeb267349c8c, 0x45cd5928705b0979, 0x3a3e35e3ca9913a5,
        0xa91dc74e4ade3b35, 0xfb0bed02ef6cd00d, 0x88d93cb44ab1e1f4,
        0x540f11d643c5e663, 0x2370dd1f8c21d1bc, 0x81157b6c16a7b60d,
    };
    struct cc_seen *seen = cc_seen_new(seed);
    uint8_t bytes[64];

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        CHECK_INT(cc_seen_hash(seen, bytes, i), want[i]);
    }
    CHECK_INT(cc_seen_hash(seen, NULL, 0), want[0]);
    cc_seen_free(seen);
}

static void hashes_as_cpython(void)
{
    static const uint8_t zeros[16];
    struct cc_seen *seen = cc_seen_new(zeros);
    uint8_t bytes[63];

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    CHECK_INT(cc_seen_hash(seen, "a", 1), 0x407448d2b89b1813);
    CHECK_INT(cc_seen_hash(seen, "ccaas", 5), 0xcf737d2dd08a75fd);
    CHECK_INT(cc_seen_hash(seen, "0123456789abcdef", 16), 0x1d42b30f7e060c24);
    CHECK_INT(cc_seen_hash(seen, bytes, 63), 0x385d3e39e5f37359);
    cc_seen_free(seen);
}

static void hashes_anywhere(void)
{
    struct cc_seen *seen = cc_seen_new(seed);
    char room[40];

    for (size_t i = 0; i < 8; i++) {
        memcpy(room + i, "a row's identity, unaligned", 27);
        CHECK(cc_seen_hash(seen, room + i, 27) ==
              cc_seen_hash(seen, "a row's identity, unaligned", 27));
    }
    cc_seen_free(seen);
}

static void seed_matters(void)
{
    uint8_t other[16];
    struct cc_seen *a = cc_seen_new(seed);

    for (size_t i = 0; i < 16; i++) {
        memcpy(other, seed, 16);
        other[i] ^= 1;
        struct cc_seen *b = cc_seen_new(other);
        CHECK(cc_seen_hash(a, "101", 3) != cc_seen_hash(b, "101", 3));
        cc_seen_free(b);
    }
    cc_seen_free(a);
}

static void new_and_known(void)
{
    struct cc_seen *seen = cc_seen_new(seed);

    CHECK_INT(cc_seen_count(seen), 0);
    CHECK_INT(cc_seen_add(seen, 16), CC_SEEN_NEW);
    CHECK_INT(cc_seen_add(seen, 16), CC_SEEN_TWICE);
    CHECK_INT(cc_seen_add(seen, 8), CC_SEEN_NEW);
    CHECK_INT(cc_seen_count(seen), 2);
    cc_seen_free(seen);
}

static void zero_hash(void)
{
    struct cc_seen *seen = cc_seen_new(seed);

    CHECK_INT(cc_seen_add(seen, 8), CC_SEEN_NEW);
    CHECK_INT(cc_seen_add(seen, 0), CC_SEEN_NEW);
    CHECK_INT(cc_seen_add(seen, 0), CC_SEEN_TWICE);
    CHECK_INT(cc_seen_add(seen, 8), CC_SEEN_TWICE);
    CHECK_INT(cc_seen_count(seen), 2);
    cc_seen_next_pass(seen);
    CHECK_INT(cc_seen_add(seen, 0), CC_SEEN_KNOWN);
    CHECK_INT(cc_seen_add(seen, 0), CC_SEEN_TWICE);
    CHECK_INT(cc_seen_count(seen), 2);
    cc_seen_free(seen);
}

static void low_bits(void)
{
    struct cc_seen *seen = cc_seen_new(seed);

    CHECK_INT(cc_seen_add(seen, 64), CC_SEEN_NEW);
    for (uint64_t i = 65; i < 72; i++) {
        CHECK_INT(cc_seen_add(seen, i), CC_SEEN_TWICE);
    }
    CHECK_INT(cc_seen_add(seen, 72), CC_SEEN_NEW);
    CHECK_INT(cc_seen_count(seen), 2);
    cc_seen_free(seen);
}

/* Row n comes in each pass whose number n + 1 divides, and twice. */
static void passes(void)
{
    struct cc_seen *seen = cc_seen_new(seed);
    int wrong = 0;

    for (uint64_t pass = 1; pass <= 60; pass++) {
        for (uint64_t row = 0; row < 60; row++) {
            if (pass % (row + 1) == 0) {
                wrong += cc_seen_add(seen, nth(row)) !=
                         (pass == row + 1 ? CC_SEEN_NEW : CC_SEEN_KNOWN);
                wrong += cc_seen_add(seen, nth(row)) != CC_SEEN_TWICE;
            }
        }
        cc_seen_next_pass(seen);
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(cc_seen_count(seen), 60);
    cc_seen_free(seen);
}

/* Marks stay while the array grows. */
static void growing_in_a_pass(void)
{
    struct cc_seen *seen = cc_seen_new(seed);
    int wrong = 0;

    for (uint64_t i = 0; i < 5000; i++) {
        wrong += cc_seen_add(seen, nth(i)) != CC_SEEN_NEW;
    }
    cc_seen_next_pass(seen);
    for (uint64_t i = 0; i < 2500; i++) {
        wrong += cc_seen_add(seen, nth(i)) != CC_SEEN_KNOWN;
    }
    for (uint64_t i = 5000; i < 50000; i++) {
        wrong += cc_seen_add(seen, nth(i)) != CC_SEEN_NEW;
    }
    for (uint64_t i = 0; i < 50000; i++) {
        wrong += cc_seen_add(seen, nth(i)) !=
                 (i >= 2500 && i < 5000 ? CC_SEEN_KNOWN : CC_SEEN_TWICE);
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(cc_seen_count(seen), 50000);
    cc_seen_free(seen);
}

static void same_slot(void)
{
    struct cc_seen *seen = cc_seen_new(seed);

    /* All of these want the last slot of the array, whatever its size. */
    for (uint64_t i = 0; i < 1000; i++) {
        CHECK_INT(cc_seen_add(seen, i << 32 | 0xffffffff), CC_SEEN_NEW);
    }
    for (uint64_t i = 0; i < 1000; i++) {
        CHECK_INT(cc_seen_add(seen, i << 32 | 0xffffffff), CC_SEEN_TWICE);
    }
    CHECK_INT(cc_seen_count(seen), 1000);
    cc_seen_free(seen);
}

static void many(void)
{
    struct cc_seen *seen = cc_seen_new(seed);
    int wrong = 0;

    for (uint64_t i = 0; i < 200000; i++) {
        wrong += cc_seen_add(seen, nth(i)) != CC_SEEN_NEW;
        wrong += cc_seen_add(seen, nth(i / 2)) != CC_SEEN_TWICE;
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(cc_seen_count(seen), 200000);
    cc_seen_free(seen);
}

static void small_memory(void)
{
    struct cc_seen *seen = cc_seen_new(seed);
    double sum = 0, most = 0;
    long samples = 0;

    /* On average over list lengths that are spread evenly by ratio. */
    for (size_t rows = 1; rows <= 1 << 20; rows++) {
        CHECK_INT(cc_seen_add(seen, nth(rows)), CC_SEEN_NEW);
        if (rows >= 1024 && rows % (rows / 512) == 0) {
            double each = (double)cc_seen_memory(seen) / (double)rows;

            sum += each;
            most = each > most ? each : most;
            samples++;
        }
    }
    CHECK(samples > 1000);
    CHECK(sum / (double)samples <= 16);
    CHECK(most < 21.5);
    cc_seen_free(seen);
}

static void empty_is_small(void)
{
    struct cc_seen *seen = cc_seen_new(seed);

    CHECK(cc_seen_memory(seen) <= 64);
    cc_seen_free(seen);
}

static void no_memory_no_set(void)
{
    allowed = 0;
    CHECK(cc_seen_new(seed) == NULL);
    allowed = -1;
    cc_seen_free(NULL);
}

/* Lets the allocation after `allocations` fail, and fills the set until that
 * happens. */
static void fail_after(long allocations)
{
    struct cc_seen *seen;
    uint64_t rows = 0;
    size_t memory, count;

    allowed = allocations;
    seen = cc_seen_new(seed);
    CHECK_INT(cc_seen_add(seen, 0), CC_SEEN_NEW);
    while (cc_seen_add(seen, nth(rows)) == CC_SEEN_NEW) {
        rows++;
    }
    memory = cc_seen_memory(seen);
    count = cc_seen_count(seen);
    CHECK_INT(count, rows + 1);
    CHECK_INT(cc_seen_add(seen, nth(rows)), CC_SEEN_MEMORY);
    for (uint64_t i = 0; i < rows; i++) {
        CHECK_INT(cc_seen_add(seen, nth(i)), CC_SEEN_TWICE);
    }
    CHECK_INT(cc_seen_add(seen, 0), CC_SEEN_TWICE);
    CHECK_INT(cc_seen_memory(seen), memory);
    CHECK_INT(cc_seen_count(seen), count);
    allowed = -1;
    CHECK_INT(cc_seen_add(seen, nth(rows)), CC_SEEN_NEW);
    CHECK_INT(cc_seen_add(seen, nth(rows)), CC_SEEN_TWICE);
    cc_seen_free(seen);
}

static void memory_runs_out(void)
{
    for (long allocations = 1; allocations < 9; allocations++) {
        fail_after(allocations);
    }
}

int main(void)
{
    it("hashes as SipHash-1-3 is published", hashes_as_published);
    it("hashes as CPython does under a key of zeros", hashes_as_cpython);
    it("hashes the same bytes alike wherever they lie", hashes_anywhere);
    it("gives other hashes if any byte of the seed changes", seed_matters);
    it("says of a hash whether it is new", new_and_known);
    it("keeps the hash 0 like any other", zero_hash);
    it("treats hashes that differ only in the three lowest bits as one",
       low_bits);
    it("says whether a hash came in this pass or in one before", passes);
    it("keeps the marks of a pass while it grows", growing_in_a_pass);
    it("keeps hashes apart that belong into the same slot", same_slot);
    it("finds each of 200,000 again while it grows", many);
    it("takes 16 bytes a row on average, 21.4 at the most", small_memory);
    it("takes almost no memory while it is empty", empty_is_small);
    it("gives no set when there is no memory for one", no_memory_no_set);
    it("stays as it was when memory runs out, and grows when there is some",
       memory_runs_out);
    return check_report();
}
