/* A body that must be whole Ogg pages. */
#include "ogg.h"

#include <stdint.h>

#include "check.h"

enum { CONTINUED = 1, FIRST = 2, LAST = 4 };

static unsigned char file[1 << 18];
static size_t length; /* of the file so far */
static struct cc_ogg ogg;

/* -- Making files ------------------------------------------------------------
 */

static void put(unsigned char *at, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(number >> (8 * i));
}

/* The checksum bit by bit, as its definition has it. */
static uint32_t slow_checksum(const unsigned char *at, size_t count)
{
    uint32_t crc = 0;

    for (size_t i = 0; i < count * 8; i++) {
        uint32_t bit = (uint32_t)at[i / 8] >> (7 - i % 8) & 1;

        crc = crc << 1 ^ ((crc >> 31 ^ bit) ? 0x04c11db7U : 0);
    }
    return crc;
}

/* Adds a page whose segments have these sizes. */
static void add_page(uint32_t serial, uint32_t number, int flags,
                     const unsigned char *sizes, int segments)
{
    unsigned char *page = file + length, *at = page + CC_OGG_HEADER;

    memcpy(page, "OggS", 5);
    page[5] = (unsigned char)flags;
    put(page + 6, number * 960ULL, 8);
    put(page + 14, serial, 4);
    put(page + 18, number, 4);
    put(page + 22, 0, 4);
    page[26] = (unsigned char)segments;
    for (int i = 0; i < segments; i++)
        *at++ = sizes[i];
    for (int i = 0; i < segments; i++)
        for (int j = 0; j < sizes[i]; j++)
            *at++ = (unsigned char)(number * 31 + (uint32_t)(i + j) * 7);
    put(page + 22, slow_checksum(page, (size_t)(at - page)), 4);
    length = (size_t)(at - file);
}

/* Adds a page of that many bytes. */
static void add(uint32_t serial, uint32_t number, int flags, int bytes)
{
    unsigned char sizes[255];
    int segments = 0;

    for (; bytes >= 255; bytes -= 255)
        sizes[segments++] = 255;
    sizes[segments++] = (unsigned char)bytes;
    add_page(serial, number, flags, sizes, segments);
}

/* Three pages of one stream, the last one of which has no segments. */
static void small(void)
{
    length = 0;
    add(7, 0, FIRST, 19);
    add(7, 1, 0, 30);
    add_page(7, 2, LAST, NULL, 0);
}

/* -- Looking at them ---------------------------------------------------------
 */

/* Feeds the file in pieces of that many bytes. */
static enum cc_ogg_state look(size_t count, size_t piece)
{
    cc_ogg_start(&ogg);
    for (size_t at = 0; at < count; at += piece)
        cc_ogg_feed(&ogg, file + at, count - at < piece ? count - at : piece);
    return cc_ogg_finish(&ogg);
}

static void check_whole(uint64_t pages)
{
    CHECK_INT(look(length, length), CC_OGG_WHOLE);
    CHECK(ogg.reason == NULL);
    CHECK_INT(ogg.pages, pages);
    CHECK_INT(ogg.offset, length);
    CHECK_INT(look(length, 1), CC_OGG_WHOLE);
    CHECK_INT(ogg.pages, pages);
}

/* It is bad, for that reason and at that byte, however it is cut. */
static void check_bad(const char *reason, size_t offset)
{
    static const size_t pieces[] = {1, 2, 3, 26, 27, 28, 100, sizeof file};

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        CHECK_INT(look(length, pieces[i]), CC_OGG_BAD);
        CHECK_STR(ogg.reason, reason);
        CHECK_INT(ogg.offset, offset);
    }
}

static void whole(void)
{
    small();
    check_whole(3);
    length = 0;
    add(1, 0, FIRST, 0);
    check_whole(1);
}

static void any_size(void)
{
    for (int bytes = 0; bytes < 600; bytes++) {
        length = 0;
        add(1, 0, FIRST, bytes);
        add(1, 1, CONTINUED | LAST, 254 * 255 + 254 - bytes);
        CHECK_INT(look(length, length), CC_OGG_WHOLE);
        CHECK_INT(look(length, 4096), CC_OGG_WHOLE);
    }
}

static void empty_segments(void)
{
    static const unsigned char sizes[255] = {0, 0, 5, 0, 255, 0};

    length = 0;
    add_page(1, 0, FIRST, sizes, 2);
    add_page(1, 1, 0, sizes, 6);
    add_page(1, 2, LAST, sizes, 255);
    check_whole(3);
}

static void any_cuts(void)
{
    small();
    for (size_t piece = 1; piece <= length; piece++)
        CHECK_INT(look(length, piece), CC_OGG_WHOLE);
    for (size_t one = 0; one <= length; one++)
        for (size_t two = one; two <= length; two++) {
            cc_ogg_start(&ogg);
            cc_ogg_feed(&ogg, file, one);
            cc_ogg_feed(&ogg, file + one, two - one);
            cc_ogg_feed(&ogg, file + two, length - two);
            CHECK_INT(cc_ogg_finish(&ogg), CC_OGG_WHOLE);
        }
}

static void cut_short(void)
{
    size_t borders[] = {0, 27 + 1 + 19, 2 * (27 + 1) + 19 + 30, 0};
    uint64_t pages = 0;

    small();
    borders[3] = length;
    for (size_t count = 0; count <= length; count++) {
        enum cc_ogg_state state = look(count, length);

        if (count == borders[pages + 1])
            pages++;
        CHECK_INT(ogg.pages, pages);
        CHECK_INT(ogg.offset, count);
        if (count == 0) {
            CHECK_INT(state, CC_OGG_EMPTY);
            CHECK_STR(ogg.reason, "there is no Ogg page in it");
        } else if (count == borders[pages]) {
            CHECK_INT(state, CC_OGG_WHOLE);
        } else {
            CHECK_INT(state, CC_OGG_CUT);
            CHECK_STR(ogg.reason, "the last page is cut short");
        }
    }
    CHECK_INT(pages, 3);
}

static void nothing_fed(void)
{
    cc_ogg_start(&ogg);
    CHECK_INT(cc_ogg_feed(&ogg, NULL, 0), CC_OGG_MORE);
    CHECK_INT(cc_ogg_finish(&ogg), CC_OGG_EMPTY);
}

static void every_bit(void)
{
    small();
    for (size_t bit = 0; bit < length * 8; bit++) {
        unsigned char flipped = (unsigned char)(1U << bit % 8);

        file[bit / 8] ^= flipped;
        CHECK(look(length, length) != CC_OGG_WHOLE);
        CHECK(ogg.reason != NULL);
        CHECK(look(length, 1) != CC_OGG_WHOLE);
        file[bit / 8] ^= flipped;
    }
    check_whole(3);
}

static void damaged(void)
{
    size_t second = 27 + 1 + 19;

    small();
    file[second + 40] ^= 1;
    check_bad("a page is damaged", second);
    CHECK_INT(ogg.pages, 1);
    small();
    file[second + 22] ^= 1; /* the checksum itself */
    check_bad("a page is damaged", second);
    small();
    file[second + 4] = 1;
    check_bad("a page of an unknown version", second + 4);
}

static void sticky(void)
{
    small();
    file[40] ^= 1;
    cc_ogg_start(&ogg);
    CHECK_INT(cc_ogg_feed(&ogg, file, length), CC_OGG_BAD);
    small();
    CHECK_INT(cc_ogg_feed(&ogg, file, length), CC_OGG_BAD);
    CHECK_INT(cc_ogg_finish(&ogg), CC_OGG_BAD);
    CHECK_STR(ogg.reason, "a page is damaged");
    CHECK_INT(ogg.offset, 0);
}

static void garbage(void)
{
    static const char *const texts[] = {"<html>Sign in</html>", "O", "OggX",
                                        "oggS", "\0\0\0\0"};

    for (size_t i = 0; i < 5; i++) {
        length = i == 4 ? 4 : strlen(texts[i]);
        memcpy(file, texts[i], length);
        if (i == 1) {
            CHECK_INT(look(length, 1), CC_OGG_CUT);
        } else {
            check_bad("no Ogg page begins here", 0);
        }
    }
    for (int before = 0; before < 2; before++) {
        small();
        memmove(file + before, file, length);
        memcpy(before ? file : file + length, "\n", 1);
        length++;
        check_bad("no Ogg page begins here", before ? 0 : length - 1);
    }
}

static void many_streams(void)
{
    length = 0;
    for (uint32_t stream = 0; stream < 3; stream++)
        add(0xfffffffeU + stream, 5 * stream, FIRST, 20);
    for (uint32_t page = 1; page < 10; page++)
        for (uint32_t stream = 0; stream < 3; stream++)
            add(0xfffffffeU + stream, 5 * stream + page, page == 9 ? LAST : 0,
                (int)(100 * page));
    add(99, 0, FIRST, 20); /* chained */
    add(99, 1, LAST, 20);
    check_whole(32);
}

static void numbers_wrap(void)
{
    length = 0;
    add(1, 0xfffffffeU, FIRST, 1);
    add(1, 0xffffffffU, 0, 1);
    add(1, 0, 0, 1);
    check_whole(3);
}

static void begins_again(void)
{
    length = 0;
    for (uint32_t chain = 0; chain < 3; chain++) {
        add(1, 0, FIRST, 1);
        add(1, 1, chain == 1 ? 0 : LAST, 1);
    }
    check_whole(6);
}

static void gap(void)
{
    size_t at;

    small();
    add(7, 4, 0, 5);
    at = length - 27 - 1 - 5;
    check_bad("a page is missing", at);
    CHECK_INT(ogg.pages, 3);
    small();
    add(7, 2, 0, 5); /* twice the same number */
    check_bad("a page is missing", at);
}

static void headless(void)
{
    length = 0;
    add(7, 0, 0, 5);
    check_bad("the first page of a stream is missing", 0);
    small();
    add(8, 3, 0, 5);
    check_bad("the first page of a stream is missing", length - 27 - 1 - 5);
}

/* All streams begin, and then each has one page more; the last one's number
 * is one too high by `skip`. */
static void crowd(uint32_t streams, uint32_t skip)
{
    length = 0;
    for (uint32_t stream = 0; stream < streams; stream++)
        add(stream, 0, FIRST, 1);
    for (uint32_t stream = 0; stream < streams; stream++)
        add(stream, 1 + (stream == streams - 1 ? skip : 0), 0, 1);
}

static void crowds(void)
{
    crowd(CC_OGG_STREAMS, 0);
    check_whole(2 * CC_OGG_STREAMS);
    crowd(CC_OGG_STREAMS, 1);
    check_bad("a page is missing", length - 27 - 1 - 1);
    crowd(CC_OGG_STREAMS, 0);
    add(1000, 1, 0, 1);
    check_bad("the first page of a stream is missing", length - 27 - 1 - 1);
    crowd(CC_OGG_STREAMS + 1, 0);
    check_whole(2 * CC_OGG_STREAMS + 2);
    crowd(CC_OGG_STREAMS + 1, 1);
    check_bad("a page is missing", length - 27 - 1 - 1);
    crowd(4 * CC_OGG_STREAMS, 0);
    check_whole(8 * CC_OGG_STREAMS);
}

static void copies(void)
{
    struct cc_ogg copy;

    small();
    for (size_t at = 0; at <= length; at++) {
        cc_ogg_start(&ogg);
        cc_ogg_feed(&ogg, file, at);
        copy = ogg;
        cc_ogg_feed(&ogg, "garbage", 7);
        CHECK_INT(cc_ogg_feed(&copy, file + at, length - at), CC_OGG_MORE);
        CHECK_INT(cc_ogg_finish(&copy), CC_OGG_WHOLE);
    }
}

int main(void)
{
    it("takes a file of whole pages", whole);
    it("takes pages of any size, up to the largest", any_size);
    it("takes segments of no bytes", empty_segments);
    it("takes a file in any cuts", any_cuts);
    it("reports a file that is cut short, at every byte", cut_short);
    it("reports an empty file", nothing_fed);
    it("finds every flipped bit", every_bit);
    it("says what is damaged, and where", damaged);
    it("keeps its first error", sticky);
    it("refuses a file that is not Ogg, at its first byte", garbage);
    it("follows several streams, side by side and chained", many_streams);
    it("accepts page numbers that wrap around", numbers_wrap);
    it("accepts a serial number that begins again", begins_again);
    it("reports a page that is missing or doubled", gap);
    it("reports a stream without its first page", headless);
    it("follows 16 streams, and takes more", crowds);
    it("may be copied, and the copy goes on", copies);
    return check_report();
}
