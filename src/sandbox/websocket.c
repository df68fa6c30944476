/*
 * websocket.c: the server's side of RFC 6455 over bytes: the key of the
 * handshake, frames to write, and messages read from frames.  It knows no
 * socket and no clock.  Pure.
 */
#include "websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE 24 /* 16 bytes in base64 */
#define MASK_SIZE 4

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

bool cc_sandbox_websocket_accept(const char *key, size_t size, char *accept)
{
    unsigned char decoded[KEY_SIZE], digest[SHA_DIGEST_LENGTH];
    char text[KEY_SIZE + sizeof guid];
    /* Sixteen bytes leave two characters of padding, and no more. */
    if (size != KEY_SIZE || memcmp(key + 22, "==", 2) != 0 || key[21] == '=' ||
        EVP_DecodeBlock(decoded, (const unsigned char *)key, KEY_SIZE) != 18)
        return false;
    memcpy(text, key, KEY_SIZE);
    memcpy(text + KEY_SIZE, guid, sizeof guid);
    SHA1((unsigned char *)text, KEY_SIZE + sizeof guid - 1, digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
    return true;
}

size_t cc_sandbox_frame_head(unsigned char *out, int opcode, bool last,
                             size_t size)
{
    out[0] = (unsigned char)(opcode | (last ? 0x80 : 0));
    if (size < 126) {
        out[1] = (unsigned char)size;
        return 2;
    }
    size_t wide = size < 65536 ? 2 : 8;
    out[1] = wide == 2 ? 126 : 127;
    for (size_t i = 0; i < wide; i++)
        out[2 + i] = (unsigned char)((uint64_t)size >> 8 * (wide - 1 - i));
    return 2 + wide;
}

size_t cc_sandbox_frames_room(size_t size, size_t fragments)
{
    return size + fragments * CC_SANDBOX_FRAME_HEAD;
}

size_t cc_sandbox_frames_write(unsigned char *out, int opcode,
                               const char *bytes, size_t size, size_t fragments)
{
    unsigned char *at = out;
    for (size_t i = 0; i < fragments; i++) {
        size_t from = size * i / fragments, to = size * (i + 1) / fragments;
        at += cc_sandbox_frame_head(at, i ? 0 : opcode, i + 1 == fragments,
                                    to - from);
        memcpy(at, bytes + from, to - from);
        at += to - from;
    }
    return (size_t)(at - out);
}

/* --- UTF-8 ---------------------------------------------------------------- */

/* How many bytes follow a leading one, and the range of the first of them;
 * -1: it leads nothing. */
static int following(unsigned char lead, unsigned char *low,
                     unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (lead < 0x80)
        return 0;
    if (lead < 0xc2 || lead > 0xf4)
        return -1;
    if (lead < 0xe0)
        return 1;
    if (lead == 0xe0)
        *low = 0xa0;
    if (lead == 0xed)
        *high = 0x9f;
    if (lead == 0xf0)
        *low = 0x90;
    if (lead == 0xf4)
        *high = 0x8f;
    return lead < 0xf0 ? 2 : 3;
}

static bool is_utf8(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    while (at < end) {
        unsigned char low, high;
        int count = following(*at++, &low, &high);
        if (count < 0 || end - at < count)
            return false;
        for (; count > 0; count--, at++) {
            if (*at < low || *at > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}

/* --- reading -------------------------------------------------------------- */

static bool make_room(struct cc_sandbox_bytes *bytes, size_t more)
{
    if (bytes->room - bytes->size >= more)
        return true;
    size_t room = (bytes->size + more) * 2;
    char *grown = realloc(bytes->at, room);
    if (!grown)
        return false;
    bytes->at = grown;
    bytes->room = room;
    return true;
}

static bool append(struct cc_sandbox_bytes *to, const char *bytes, size_t size)
{
    if (size == 0)
        return true;
    if (!make_room(to, size))
        return false;
    memcpy(to->at + to->size, bytes, size);
    to->size += size;
    return true;
}

bool cc_sandbox_reader_feed(struct cc_sandbox_reader *reader, const void *bytes,
                            size_t size)
{
    struct cc_sandbox_bytes *in = &reader->in;
    if (reader->taken) {
        memmove(in->at, in->at + reader->taken, in->size - reader->taken);
        in->size -= reader->taken;
        reader->taken = 0;
    }
    return append(in, bytes, size);
}

struct frame {
    int opcode;
    bool last;
    char *payload;
    size_t size;
};

/* What is wrong with the head of a frame; 0: nothing. */
static int head_problem(const struct cc_sandbox_reader *reader,
                        unsigned char first, unsigned char second,
                        uint64_t size)
{
    int opcode = first & 15;
    bool control = opcode >= 8, last = first & 0x80;
    if ((first & 0x70) || !(second & 0x80))
        return CC_SANDBOX_CLOSE_PROTOCOL;
    if (opcode > CC_SANDBOX_PONG || (opcode > 2 && opcode < 8))
        return CC_SANDBOX_CLOSE_PROTOCOL;
    if (control && (!last || size > CC_SANDBOX_CONTROL_SIZE))
        return CC_SANDBOX_CLOSE_PROTOCOL;
    if (!control && (opcode == 0) != (reader->opcode != 0))
        return CC_SANDBOX_CLOSE_PROTOCOL;
    if (!control && size > CC_SANDBOX_MAX_MESSAGE - reader->message.size)
        return CC_SANDBOX_CLOSE_TOO_BIG;
    return 0;
}

/* Takes a whole frame out of what was fed. 1: here it is; 0: not yet; else a
 * close code, negative. */
static int take_frame(struct cc_sandbox_reader *reader, struct frame *frame)
{
    char *at = reader->in.at + reader->taken;
    size_t left = reader->in.size - reader->taken, head = 2;
    if (left < head)
        return 0;
    unsigned char first = (unsigned char)at[0], second = (unsigned char)at[1];
    uint64_t size = second & 127;
    size_t wide = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (left < head + wide)
        return 0;
    if (wide)
        size = 0;
    for (size_t i = 0; i < wide; i++)
        size = size << 8 | (unsigned char)at[head + i];
    int problem = head_problem(reader, first, second, size);
    if (problem)
        return -problem;
    head += wide + MASK_SIZE;
    if (left < head || left - head < size)
        return 0;
    frame->opcode = first & 15;
    frame->last = first & 0x80;
    frame->payload = at + head;
    frame->size = (size_t)size;
    for (size_t i = 0; i < frame->size; i++)
        frame->payload[i] ^= at[head - MASK_SIZE + i % MASK_SIZE];
    reader->taken += head + frame->size;
    return 1;
}

bool cc_sandbox_close_code_valid(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
            code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static int close_problem(const struct frame *frame)
{
    if (frame->size == 0)
        return 0;
    if (frame->size == 1)
        return CC_SANDBOX_CLOSE_PROTOCOL;
    int code = (unsigned char)frame->payload[0] << 8 |
               (unsigned char)frame->payload[1];
    if (!cc_sandbox_close_code_valid(code))
        return CC_SANDBOX_CLOSE_PROTOCOL;
    return is_utf8(frame->payload + 2, frame->size - 2)
               ? 0
               : CC_SANDBOX_CLOSE_NOT_UTF8;
}

static int give(struct cc_sandbox_message *message, int opcode,
                const char *bytes, size_t size)
{
    message->opcode = opcode;
    message->bytes = bytes;
    message->size = size;
    return 1;
}

int cc_sandbox_reader_next(struct cc_sandbox_reader *reader,
                           struct cc_sandbox_message *message)
{
    struct frame frame;
    int result;
    if (reader->given) {
        reader->message.size = 0;
        reader->given = false;
    }
    while ((result = take_frame(reader, &frame)) == 1) {
        if (frame.opcode >= 8) {
            int problem =
                frame.opcode == CC_SANDBOX_CLOSING ? close_problem(&frame) : 0;
            return problem
                       ? -problem
                       : give(message, frame.opcode, frame.payload, frame.size);
        }
        if (frame.opcode)
            reader->opcode = frame.opcode;
        if (!append(&reader->message, frame.payload, frame.size))
            return -CC_SANDBOX_CLOSE_TOO_BIG;
        if (!frame.last)
            continue;
        int opcode = reader->opcode;
        reader->opcode = 0;
        reader->given = true;
        if (opcode == CC_SANDBOX_TEXT &&
            !is_utf8(reader->message.at, reader->message.size))
            return -CC_SANDBOX_CLOSE_NOT_UTF8;
        return give(message, opcode, reader->message.at, reader->message.size);
    }
    return result;
}

void cc_sandbox_reader_release(struct cc_sandbox_reader *reader)
{
    free(reader->in.at);
    free(reader->message.at);
    memset(reader, 0, sizeof *reader);
}
