/*
 * websocket.h: the server's side of RFC 6455 over bytes: the key of the
 * handshake, frames to write, and messages read from frames.  Pure: no socket,
 * no clock.
 */
#ifndef CC_SANDBOX_WEBSOCKET_H
#define CC_SANDBOX_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CC_SANDBOX_TEXT = 1,
    CC_SANDBOX_BINARY = 2,
    CC_SANDBOX_CLOSING = 8,
    CC_SANDBOX_PING = 9,
    CC_SANDBOX_PONG = 10
};

enum {
    CC_SANDBOX_CLOSE_PROTOCOL = 1002,
    CC_SANDBOX_CLOSE_NOT_UTF8 = 1007,
    CC_SANDBOX_CLOSE_TOO_BIG = 1009
};

/* The longest head of a frame that a server writes. */
#define CC_SANDBOX_FRAME_HEAD ((size_t)10)

/* The most that a control frame may carry, and a message from a client. */
#define CC_SANDBOX_CONTROL_SIZE ((size_t)125)
#define CC_SANDBOX_MAX_MESSAGE ((size_t)1024 * 1024)

/* With its NUL. */
#define CC_SANDBOX_ACCEPT_SIZE 29

/* The Sec-WebSocket-Accept for a Sec-WebSocket-Key.  False when the key is not
 * 16 bytes in base64. */
bool cc_sandbox_websocket_accept(const char *key, size_t size, char *accept);

/* Whether a code may be in a close frame. */
bool cc_sandbox_close_code_valid(int code);

/* Writes the head of an unmasked frame; gives its size. */
size_t cc_sandbox_frame_head(unsigned char *out, int opcode, bool last,
                             size_t size);

/* Writes a message in that many frames (one at least) of about one size; gives
 * how many bytes that was, at most what `room` says. */
size_t cc_sandbox_frames_room(size_t size, size_t fragments);
size_t cc_sandbox_frames_write(unsigned char *out, int opcode,
                               const char *bytes, size_t size,
                               size_t fragments);

struct cc_sandbox_bytes {
    char *at;
    size_t size, room;
};

/* Reads a client's frames; zeroed, it waits for the first.  It owns its
 * memory until it is released. */
struct cc_sandbox_reader {
    struct cc_sandbox_bytes in;      /* as it came */
    struct cc_sandbox_bytes message; /* the fragments so far */
    size_t taken;                    /* of `in` */
    int opcode; /* of the message whose fragments come, or 0 */
    bool given; /* the message was handed out */
};

/* A message, or a control frame.  The bytes live until the reader is used
 * again. */
struct cc_sandbox_message {
    int opcode;
    const char *bytes;
    size_t size;
};

/* False: no memory. */
bool cc_sandbox_reader_feed(struct cc_sandbox_reader *reader, const void *bytes,
                            size_t size);

/* 1: here is a message; 0: there is none yet; else the close code that the
 * client has earned, negative (the reader is of no more use). */
int cc_sandbox_reader_next(struct cc_sandbox_reader *reader,
                           struct cc_sandbox_message *message);

/* Frees what the reader holds. */
void cc_sandbox_reader_release(struct cc_sandbox_reader *reader);

#endif
