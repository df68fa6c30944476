/*
 * ogg.c: Ogg files (RFC 3533) of any wanted size: an Opus stream whose packets
 * hold noise, always the same for the same seed.  Pure.
 */
#include "sandbox.h"

#include <pthread.h>
#include <string.h>

#define HEADER 27
#define OPUS_HEAD 19
#define VENDOR "sandbox."
/* OpusTags: its name, the vendor's length, the vendor, no comments. */
#define TAGS 16

#define PACKET 1000 /* bytes */
#define PACKET_LACED 1004
#define PAGE_PACKETS 8
#define FULL_PAGE (HEADER + PAGE_PACKETS * PACKET_LACED)
#define PACKET_SAMPLES 960 /* 20 ms */
/* TOC of a packet: one frame of narrow-band speech, 20 ms, mono. */
#define PACKET_TOC 0x08

#define NOISE ((size_t)64 * 1024)

enum flag { FIRST = 2, LAST = 4 };

struct writer {
    unsigned char *at;
    uint64_t random, granule;
    uint32_t serial, sequence;
};

/* --- what is made once -----------------------------------------------------
 */

/* crc_table[k][b]: the checksum of b and k zeros. */
static uint32_t crc_table[8][256];

static unsigned char noise[NOISE];

static void make_noise(void)
{
    for (size_t i = 0; i < NOISE; i += 8) {
        uint64_t bits = cc_sandbox_hash(i);
        memcpy(noise + i, &bits, 8);
    }
}

static void make_crc_table(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc & 0x80000000U ? 0x04c11db7U : 0);
        crc_table[0][b] = crc;
    }
    for (int k = 1; k < 8; k++) {
        for (int b = 0; b < 256; b++) {
            uint32_t crc = crc_table[k - 1][b];
            crc_table[k][b] = crc << 8 ^ crc_table[0][crc >> 24];
        }
    }
}

static void make_tables(void)
{
    make_noise();
    make_crc_table();
}

/* Eight bytes at a time; the polynomial is 0x04c11db7. */
static uint32_t checksum(const unsigned char *p, size_t size)
{
    uint32_t crc = 0;
    for (; size >= 8; p += 8, size -= 8)
        crc = crc_table[7][crc >> 24 ^ p[0]] ^
              crc_table[6][(crc >> 16 & 255) ^ p[1]] ^
              crc_table[5][(crc >> 8 & 255) ^ p[2]] ^
              crc_table[4][(crc & 255) ^ p[3]] ^ crc_table[3][p[4]] ^
              crc_table[2][p[5]] ^ crc_table[1][p[6]] ^ crc_table[0][p[7]];
    for (; size; p++, size--)
        crc = crc << 8 ^ crc_table[0][crc >> 24 ^ *p];
    return crc;
}

/* --- pages ------------------------------------------------------------------
 */

static void put(unsigned char *at, uint64_t n, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(n >> (8 * i));
}

/* A packet is a piece of one long noise, from anywhere in it. */
static void put_packet(struct writer *w, unsigned char *at, size_t size)
{
    uint64_t from = cc_sandbox_hash(w->random++) % (NOISE - PACKET);
    *at = PACKET_TOC;
    memcpy(at + 1, noise + from, size - 1);
}

/* Writes a page's header and the lengths of its packets; gives where its first
 * packet goes. */
static unsigned char *begin_page(struct writer *w, int flags,
                                 const size_t *packets, int count)
{
    unsigned char *page = w->at, *lacing = page + HEADER;
    for (int i = 0; i < count; i++) {
        memset(lacing, 255, packets[i] / 255);
        lacing += packets[i] / 255;
        *lacing++ = (unsigned char)(packets[i] % 255);
    }
    memcpy(page, "OggS", 5);
    page[5] = (unsigned char)flags;
    put(page + 6, w->granule, 8);
    put(page + 14, w->serial, 4);
    put(page + 18, w->sequence++, 4);
    put(page + 22, 0, 4);
    page[26] = (unsigned char)(lacing - page - HEADER);
    return lacing;
}

static void end_page(struct writer *w, unsigned char *end)
{
    put(w->at + 22, checksum(w->at, (size_t)(end - w->at)), 4);
    w->at = end;
}

static void head_page(struct writer *w)
{
    static const size_t packet = OPUS_HEAD;
    unsigned char *at = begin_page(w, FIRST, &packet, 1);
    memcpy(at, "OpusHead\1\1", 10); /* version 1, one channel */
    put(at + 10, 312, 2);           /* samples to skip */
    put(at + 12, 8000, 4);          /* the input's rate */
    put(at + 16, 0, 3);             /* no gain, mapping family 0 */
    end_page(w, at + OPUS_HEAD);
}

static void tags_page(struct writer *w, size_t vendor)
{
    size_t packet = TAGS + vendor;
    unsigned char *at = begin_page(w, 0, &packet, 1);
    memcpy(at, "OpusTags", 8);
    put(at + 8, vendor, 4);
    memcpy(at + 12, VENDOR, vendor);
    put(at + 12 + vendor, 0, 4);
    end_page(w, at + packet);
}

static void audio_page(struct writer *w, int flags, const size_t *packets,
                       int count)
{
    w->granule += (uint64_t)count * PACKET_SAMPLES;
    unsigned char *at = begin_page(w, flags, packets, count);
    for (int i = 0; i < count; i++) {
        put_packet(w, at, packets[i]);
        at += packets[i];
    }
    end_page(w, at);
}

void cc_sandbox_ogg_write(unsigned char *out, size_t size, uint64_t seed)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_tables);
    size_t packets[PAGE_PACKETS + 1];
    for (int i = 0; i <= PAGE_PACKETS; i++)
        packets[i] = PACKET;

    /* Full pages, and a last one with what remains: full packets, and one of
     * the size that is left.  No packet takes a multiple of 256 bytes with its
     * lengths: then the vendor's name takes one. */
    size_t vendor = sizeof VENDOR - 2;
    size_t rest =
        size - (HEADER + 1 + OPUS_HEAD) - (HEADER + 1 + TAGS + vendor);
    size_t full = (rest - HEADER - 2) / FULL_PAGE;
    size_t last = rest - full * FULL_PAGE - HEADER;
    int count = (int)((last - 2) / PACKET_LACED);
    last -= (size_t)count * PACKET_LACED;
    if (last % 256 == 0) {
        last--;
        vendor++;
    }
    packets[count] = last - 1 - (last - 1) / 256;

    struct writer w = {out, cc_sandbox_hash(seed), 0, 0, 0};
    w.serial = (uint32_t)(w.random >> 32);
    head_page(&w);
    tags_page(&w, vendor);
    size_t final = packets[count];
    packets[count] = PACKET;
    while (full--)
        audio_page(&w, 0, packets, PAGE_PACKETS);
    packets[count] = final;
    audio_page(&w, LAST, packets, count + 1);
}
