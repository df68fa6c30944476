/* Ogg pages: see ogg.h. */
#include "ogg.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* -- The checksum ----------------------------------------------------------
 *
 * CRC-32 with the polynomial 0x04c11db7, highest bit first, from 0; eight bytes
 * at a time, or sixteen where the processor has the means.  An entry of table k
 * is the byte times x^(32 + 8k), modulo the polynomial: the sum of the powers
 * that its bits stand for.
 */

#define POWER(byte, bit, power) ((byte) / (1U << (bit)) % 2 ? (power) : 0)
#define ENTRY(b, p0, p1, p2, p3, p4, p5, p6, p7)                               \
    (POWER(b, 0, p0) ^ POWER(b, 1, p1) ^ POWER(b, 2, p2) ^ POWER(b, 3, p3) ^   \
     POWER(b, 4, p4) ^ POWER(b, 5, p5) ^ POWER(b, 6, p6) ^ POWER(b, 7, p7))
#define ENTRIES4(b, ...)                                                       \
    ENTRY((b), __VA_ARGS__), ENTRY((b) + 1, __VA_ARGS__),                      \
        ENTRY((b) + 2, __VA_ARGS__), ENTRY((b) + 3, __VA_ARGS__)
#define ENTRIES16(b, ...)                                                      \
    ENTRIES4((b), __VA_ARGS__), ENTRIES4((b) + 4, __VA_ARGS__),                \
        ENTRIES4((b) + 8, __VA_ARGS__), ENTRIES4((b) + 12, __VA_ARGS__)
#define ENTRIES64(b, ...)                                                      \
    ENTRIES16((b), __VA_ARGS__), ENTRIES16((b) + 16, __VA_ARGS__),             \
        ENTRIES16((b) + 32, __VA_ARGS__), ENTRIES16((b) + 48, __VA_ARGS__)
#define ENTRIES256(...)                                                        \
    ENTRIES64(0, __VA_ARGS__), ENTRIES64(64, __VA_ARGS__),                     \
        ENTRIES64(128, __VA_ARGS__), ENTRIES64(192, __VA_ARGS__)

/* The powers x^32 to x^95. */
static const uint32_t tables[8][256] = {
    {ENTRIES256(0x04c11db7U, 0x09823b6eU, 0x130476dcU, 0x2608edb8U, 0x4c11db70U,
                0x9823b6e0U, 0x34867077U, 0x690ce0eeU)},
    {ENTRIES256(0xd219c1dcU, 0xa0f29e0fU, 0x452421a9U, 0x8a484352U, 0x10519b13U,
                0x20a33626U, 0x41466c4cU, 0x828cd898U)},
    {ENTRIES256(0x01d8ac87U, 0x03b1590eU, 0x0762b21cU, 0x0ec56438U, 0x1d8ac870U,
                0x3b1590e0U, 0x762b21c0U, 0xec564380U)},
    {ENTRIES256(0xdc6d9ab7U, 0xbc1a28d9U, 0x7cf54c05U, 0xf9ea980aU, 0xf7142da3U,
                0xeae946f1U, 0xd1139055U, 0xa6e63d1dU)},
    {ENTRIES256(0x490d678dU, 0x921acf1aU, 0x20f48383U, 0x41e90706U, 0x83d20e0cU,
                0x036501afU, 0x06ca035eU, 0x0d9406bcU)},
    {ENTRIES256(0x1b280d78U, 0x36501af0U, 0x6ca035e0U, 0xd9406bc0U, 0xb641ca37U,
                0x684289d9U, 0xd08513b2U, 0xa5cb3ad3U)},
    {ENTRIES256(0x4f576811U, 0x9eaed022U, 0x399cbdf3U, 0x73397be6U, 0xe672f7ccU,
                0xc824f22fU, 0x9488f9e9U, 0x2dd0ee65U)},
    {ENTRIES256(0x5ba1dccaU, 0xb743b994U, 0x6a466e9fU, 0xd48cdd3eU, 0xadd8a7cbU,
                0x5f705221U, 0xbee0a442U, 0x79005533U)}};

static uint32_t by_tables(uint32_t crc, const unsigned char *at, size_t length)
{
    for (; length >= 8; at += 8, length -= 8) {
        crc ^= (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
               (uint32_t)at[2] << 8 | at[3];
        crc = tables[7][crc >> 24] ^ tables[6][crc >> 16 & 255] ^
              tables[5][crc >> 8 & 255] ^ tables[4][crc & 255] ^
              tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
              tables[0][at[7]];
    }
    for (; length; at++, length--)
        crc = crc << 8 ^ tables[0][crc >> 24 ^ *at];
    return crc;
}

#if defined(__x86_64__)
/* The same by multiplication without carries, on processors that can: what was
 * read counts as one number of 128 bits, whose halves are multiplied by x^192
 * and x^128, modulo the polynomial, to add the next 16 bytes behind it. */
__attribute__((target("pclmul,ssse3"))) static uint32_t
by_folding(uint32_t crc, const unsigned char *at, size_t length)
{
    const __m128i turned =
        _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i powers = _mm_set_epi64x(0xc5b9cd4c, 0xe8a45605);
    __m128i sum = _mm_set_epi32((int)crc, 0, 0, 0), next;
    unsigned char rest[16];

    next = _mm_loadu_si128((const __m128i *)(const void *)at);
    sum = _mm_xor_si128(sum, _mm_shuffle_epi8(next, turned));
    for (at += 16, length -= 16; length >= 16; at += 16, length -= 16) {
        next = _mm_loadu_si128((const __m128i *)(const void *)at);
        sum = _mm_xor_si128(_mm_clmulepi64_si128(sum, powers, 0x11),
                            _mm_clmulepi64_si128(sum, powers, 0x00));
        sum = _mm_xor_si128(sum, _mm_shuffle_epi8(next, turned));
    }
    _mm_storeu_si128((__m128i *)(void *)rest, _mm_shuffle_epi8(sum, turned));
    return by_tables(by_tables(0, rest, sizeof rest), at, length);
}
#endif

static uint32_t checksum(uint32_t crc, const unsigned char *at, size_t length)
{
#if defined(__x86_64__)
    if (length >= 64 && __builtin_cpu_supports("pclmul") &&
        __builtin_cpu_supports("ssse3"))
        return by_folding(crc, at, length);
#endif
    return by_tables(crc, at, length);
}

/* -- Pages ------------------------------------------------------------------
 */

/* Where a page's header has what. */
enum { VERSION = 4, FLAGS = 5, SERIAL = 14, NUMBER = 18, CRC = 22, COUNT = 26 };
#define FIRST 2 /* flag: the first page of its stream */
#define LAST 4  /* flag: its last one */

static uint32_t little_endian(const unsigned char *at)
{
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 |
           (uint32_t)at[1] << 8 | at[0];
}

static bool fail(struct cc_ogg *ogg, const char *reason, uint64_t offset)
{
    ogg->state = CC_OGG_BAD;
    ogg->reason = reason;
    ogg->offset = offset;
    return false;
}

void cc_ogg_start(struct cc_ogg *ogg)
{
    memset(ogg, 0, sizeof *ogg);
}

/* The stream of that serial number; NULL: none that is followed. */
static struct cc_ogg_stream *find(struct cc_ogg *ogg, uint32_t serial)
{
    for (unsigned i = 0; i < ogg->count && i < CC_OGG_STREAMS; i++)
        if (ogg->streams[i].serial == serial)
            return &ogg->streams[i];
    return NULL;
}

/* Room for one more stream: the one that began first is followed no more. */
static struct cc_ogg_stream *add(struct cc_ogg *ogg, uint32_t serial)
{
    struct cc_ogg_stream *stream;

    if (ogg->count <= CC_OGG_STREAMS)
        ogg->count++;
    stream = &ogg->streams[ogg->old++ % CC_OGG_STREAMS];
    stream->serial = serial;
    return stream;
}

/* The page's last byte was seen. */
static bool end_page(struct cc_ogg *ogg)
{
    uint32_t serial = little_endian(ogg->head + SERIAL);
    uint32_t number = little_endian(ogg->head + NUMBER);
    struct cc_ogg_stream *stream;

    if (ogg->crc != ogg->want)
        return fail(ogg, "a page is damaged", ogg->begin);
    stream = find(ogg, serial);
    if (ogg->head[FLAGS] & FIRST) {
        if (!stream)
            stream = add(ogg, serial);
    } else if (stream) {
        if (stream->next != number)
            return fail(ogg, "a page is missing", ogg->begin);
    } else if (ogg->count <= CC_OGG_STREAMS) {
        return fail(ogg, "the first page of a stream is missing", ogg->begin);
    }
    if (stream)
        stream->next = number + 1;
    if (ogg->head[FLAGS] & FIRST)
        ogg->open++;
    if (ogg->head[FLAGS] & LAST)
        ogg->open--;
    ogg->pages++;
    ogg->got = 0;
    return true;
}

/* The header is here: its checksum is made as if the checksum were not. */
static void end_header(struct cc_ogg *ogg)
{
    ogg->want = little_endian(ogg->head + CRC);
    memset(ogg->head + CRC, 0, 4);
    ogg->crc = checksum(0, ogg->head, CC_OGG_HEADER);
    ogg->table = ogg->head[COUNT];
    ogg->body = 0;
}

/* The next byte of a header. */
static bool feed_header(struct cc_ogg *ogg, unsigned char byte)
{
    static const unsigned char pattern[] = {'O', 'g', 'g', 'S', 0};

    if (ogg->got == 0)
        ogg->begin = ogg->offset;
    if (ogg->got < VERSION && byte != pattern[ogg->got])
        return fail(ogg, "no Ogg page begins here", ogg->begin);
    if (ogg->got == VERSION && byte != pattern[VERSION])
        return fail(ogg, "a page of an unknown version", ogg->offset);
    ogg->head[ogg->got++] = byte;
    ogg->offset++;
    if (ogg->got < CC_OGG_HEADER)
        return true;
    end_header(ogg);
    return ogg->table > 0 || end_page(ogg);
}

/* Bytes behind a header, which has `left` of their kind to come. */
static size_t feed_rest(struct cc_ogg *ogg, const unsigned char *at,
                        size_t length, size_t left)
{
    if (length > left)
        length = left;
    ogg->crc = checksum(ogg->crc, at, length);
    ogg->offset += length;
    return length;
}

enum cc_ogg_state cc_ogg_feed(struct cc_ogg *ogg, const void *bytes,
                              size_t length)
{
    const unsigned char *at = bytes;
    size_t step;

    for (; length && ogg->state == CC_OGG_MORE; at += step, length -= step) {
        if (ogg->got < CC_OGG_HEADER) {
            step = 1;
            feed_header(ogg, *at);
            continue;
        }
        if (ogg->table) {
            step = feed_rest(ogg, at, length, ogg->table);
            ogg->table -= (unsigned)step;
            for (size_t i = 0; i < step; i++)
                ogg->body += at[i];
        } else {
            step = feed_rest(ogg, at, length, ogg->body);
            ogg->body -= (uint32_t)step;
        }
        if (!ogg->table && !ogg->body)
            end_page(ogg);
    }
    return ogg->state;
}

bool cc_ogg_ended(const struct cc_ogg *ogg)
{
    return (ogg->state == CC_OGG_MORE || ogg->state == CC_OGG_WHOLE) &&
           ogg->pages && !ogg->got && !ogg->open;
}

enum cc_ogg_state cc_ogg_finish(struct cc_ogg *ogg)
{
    if (ogg->state != CC_OGG_MORE)
        return ogg->state;
    if (ogg->got) {
        ogg->state = CC_OGG_CUT;
        ogg->reason = "the last page is cut short";
    } else if (!ogg->pages) {
        ogg->state = CC_OGG_EMPTY;
        ogg->reason = "there is no Ogg page in it";
    } else {
        ogg->state = CC_OGG_WHOLE;
    }
    return ogg->state;
}
