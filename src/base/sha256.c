/* SHA-256: see sha256.h.  The names are those of FIPS 180-4. */
#include "sha256.h"

#include <string.h>

#define BLOCK 64

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | at[3];
}

/* One block of 64 bytes. */
static void add_block(uint32_t H[8], const uint8_t *block)
{
    uint32_t W[64], a[8], T1, T2;

    for (int t = 0; t < 16; t++)
        W[t] = big_endian(block + 4 * t);
    for (int t = 16; t < 64; t++) {
        uint32_t x = W[t - 15], y = W[t - 2];

        W[t] = W[t - 16] + (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) + W[t - 7] +
               (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10);
    }
    memcpy(a, H, sizeof a);
    for (int t = 0; t < 64; t++) {
        T1 = a[7] + (rotate(a[4], 6) ^ rotate(a[4], 11) ^ rotate(a[4], 25)) +
             ((a[4] & a[5]) ^ (~a[4] & a[6])) + K[t] + W[t];
        T2 = (rotate(a[0], 2) ^ rotate(a[0], 13) ^ rotate(a[0], 22)) +
             ((a[0] & a[1]) ^ (a[0] & a[2]) ^ (a[1] & a[2]));
        memmove(a + 1, a, 7 * sizeof *a);
        a[4] += T1;
        a[0] = T1 + T2;
    }
    for (int i = 0; i < 8; i++)
        H[i] += a[i];
}

void cc_sha256(const void *bytes, size_t length, uint8_t digest[CC_SHA256_SIZE])
{
    uint32_t H[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint8_t *at = bytes;
    uint8_t last[2 * BLOCK] = {0};
    uint64_t bits = (uint64_t)length * 8;
    size_t left = length, room;

    for (; left >= BLOCK; at += BLOCK, left -= BLOCK)
        add_block(H, at);
    /* What is left, a bit, zeros, and the length in bits. */
    if (left)
        memcpy(last, at, left);
    last[left] = 0x80;
    room = left + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
    for (int i = 0; i < 8; i++)
        last[room - 8 + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    for (size_t done = 0; done < room; done += BLOCK)
        add_block(H, last + done);
    for (int i = 0; i < CC_SHA256_SIZE; i++)
        digest[i] = (uint8_t)(H[i / 4] >> (24 - 8 * (i % 4)));
}
