/* When each metric and category was last updated. */
#include "last_seen.h"

#include "check.h"

/* Hashes as they come: any bits. */
static uint64_t hash_of(uint64_t number)
{
    number += 0x9e3779b97f4a7c15;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
    number = (number ^ number >> 27) * 0x94d049bb133111eb;
    return number ^ number >> 31;
}

static void first_and_newer(void)
{
    struct cc_last_seen last_seen = {0};

    CHECK(cc_last_seen_note(&last_seen, 7, 100));
    CHECK(cc_last_seen_note(&last_seen, 7, 101));
    CHECK(cc_last_seen_note(&last_seen, 8, -5));
    CHECK(cc_last_seen_note(&last_seen, 8, INT64_MAX));
    CHECK_INT(last_seen.count, 2);
    cc_last_seen_free(&last_seen);
}

static void older(void)
{
    struct cc_last_seen last_seen = {0};

    CHECK(cc_last_seen_note(&last_seen, 7, 100));
    CHECK(!cc_last_seen_note(&last_seen, 7, 99));
    CHECK(!cc_last_seen_note(&last_seen, 7, INT64_MIN));
    CHECK(cc_last_seen_note(&last_seen, 8, 99));
    CHECK(!cc_last_seen_note(&last_seen, 7, 99));
    cc_last_seen_free(&last_seen);
}

static void equal(void)
{
    struct cc_last_seen last_seen = {0};

    CHECK(cc_last_seen_note(&last_seen, 7, 100));
    CHECK(cc_last_seen_note(&last_seen, 7, 100));
    CHECK(cc_last_seen_note(&last_seen, 7, 100));
    CHECK_INT(last_seen.count, 1);
    cc_last_seen_free(&last_seen);
}

/* 0 marks a free slot, and is somebody's hash all the same. */
static void hash_zero(void)
{
    struct cc_last_seen last_seen = {0};

    CHECK(cc_last_seen_note(&last_seen, 0, 100));
    CHECK(!cc_last_seen_note(&last_seen, 0, 99));
    CHECK_INT(last_seen.count, 1);
    CHECK(cc_last_seen_note(&last_seen, UINT64_MAX, 1));
    CHECK(!cc_last_seen_note(&last_seen, UINT64_MAX, 0));
    cc_last_seen_free(&last_seen);
}

static void growth(void)
{
    struct cc_last_seen last_seen = {0};

    for (uint64_t i = 0; i < 10000; i++)
        CHECK(cc_last_seen_note(&last_seen, hash_of(i), (int64_t)i));
    CHECK_INT(last_seen.count, 10000);
    CHECK(last_seen.count * 2 <= last_seen.room);
    for (uint64_t i = 0; i < 10000; i++)
        CHECK(!cc_last_seen_note(&last_seen, hash_of(i), (int64_t)i - 1));
    CHECK_INT(last_seen.count, 10000);
    cc_last_seen_free(&last_seen);
}

/* Hashes that all want the same slot, at the table's end. */
static void collisions(void)
{
    struct cc_last_seen last_seen = {0};

    for (uint64_t i = 0; i < 200; i++)
        CHECK(cc_last_seen_note(&last_seen, i << 32 | 0xffffffff, 10));
    for (uint64_t i = 0; i < 200; i++)
        CHECK(!cc_last_seen_note(&last_seen, i << 32 | 0xffffffff, 9));
    CHECK_INT(last_seen.count, 200);
    cc_last_seen_free(&last_seen);
}

static void the_most(void)
{
    struct cc_last_seen last_seen = {0};
    int wrong = 0;

    for (uint64_t i = 0; i < CC_LAST_SEEN_MOST; i++)
        wrong += !cc_last_seen_note(&last_seen, hash_of(i), 5);
    CHECK_INT(wrong, 0);
    CHECK_INT(last_seen.count, CC_LAST_SEEN_MOST);
    CHECK(last_seen.room <= 2 * CC_LAST_SEEN_MOST);
    /* So many are known, however often they have news. */
    for (uint64_t i = 0; i < CC_LAST_SEEN_MOST; i++)
        wrong += cc_last_seen_note(&last_seen, hash_of(i), 4);
    for (uint64_t i = 0; i < CC_LAST_SEEN_MOST; i++)
        wrong += !cc_last_seen_note(&last_seen, hash_of(i), 6);
    for (uint64_t i = 0; i < CC_LAST_SEEN_MOST; i++)
        wrong += cc_last_seen_note(&last_seen, hash_of(i), 5);
    CHECK_INT(wrong, 0);
    CHECK_INT(last_seen.count, CC_LAST_SEEN_MOST);
    /* One more begins anew. */
    CHECK(cc_last_seen_note(&last_seen, hash_of(CC_LAST_SEEN_MOST), 1));
    CHECK_INT(last_seen.count, 1);
    CHECK(!cc_last_seen_note(&last_seen, hash_of(CC_LAST_SEEN_MOST), 0));
    CHECK(cc_last_seen_note(&last_seen, hash_of(0), 1));
    CHECK(last_seen.room <= 2 * CC_LAST_SEEN_MOST);
    cc_last_seen_free(&last_seen);
}

static void again_after_free(void)
{
    struct cc_last_seen last_seen = {0};

    cc_last_seen_free(&last_seen);
    CHECK(cc_last_seen_note(&last_seen, 7, 100));
    cc_last_seen_free(&last_seen);
    CHECK_INT(last_seen.count, 0);
    CHECK(cc_last_seen_note(&last_seen, 7, 99));
    cc_last_seen_free(&last_seen);
}

int main(void)
{
    it("takes the first value of a key, and every newer one", first_and_newer);
    it("refuses an older one, of that key only", older);
    it("takes one of the same time", equal);
    it("knows a key whose hash is 0", hash_zero);
    it("keeps what it knows while it grows", growth);
    it("keeps keys apart that hash to the same slot", collisions);
    it("keeps as many keys as it may, and starts again with more", the_most);
    it("is empty and usable after it was freed", again_after_free);
    return check_report();
}
