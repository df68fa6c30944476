/* The frames of a websocket, as they come from a server.
 *
 * PURE: no socket, no clock.  What breaks the protocol (RFC 6455) is said in
 * words.
 */
#ifndef CC_FRAME_H
#define CC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CC_FRAME_CONTROL 125 /* bytes in a control frame, at most */
#define CC_FRAME_IS_CLOSE 8
#define CC_FRAME_IS_PING 9
#define CC_FRAME_IS_PONG 10

enum cc_frame_kind {
    CC_FRAME_MORE,   /* a piece of a header; nothing is there yet */
    CC_FRAME_BEGINS, /* a data frame's header: `left` is its length */
    CC_FRAME_DATA,   /* `bytes`, `length` of its payload */
    CC_FRAME_CLOSE,  /* a whole control frame: `control`, `control_length` */
    CC_FRAME_PING,
    CC_FRAME_PONG,
    CC_FRAME_WRONG /* `wrong` says why; nothing after it counts */
};

/* Zeroed at first. */
struct cc_frames {
    unsigned char header[10];
    size_t header_length;
    bool in_payload, is_control;
    unsigned char opcode;
    bool final;    /* the frame at hand is its message's last */
    bool within;   /* a message has begun and not ended */
    bool binary;   /* it is binary */
    uint64_t left; /* bytes of the frame's payload */
    unsigned char control[CC_FRAME_CONTROL];
    size_t control_length;
    const char *bytes; /* of the caller's, after DATA */
    size_t length;
    bool ends; /* after DATA or BEGINS: the message is whole with it */
    const char *wrong;
};

/* Takes some of the bytes (one or more of them), and says how many. */
enum cc_frame_kind cc_frames_take(struct cc_frames *frames, const char *bytes,
                                  size_t length, size_t *used);

/* Writes a client's control frame, masked by the key; returns its length, 6
 * more than the payload's (CC_FRAME_CONTROL at most). */
size_t cc_frame_write(unsigned char *to, int opcode, const void *payload,
                      size_t length, const unsigned char key[4]);

#endif
