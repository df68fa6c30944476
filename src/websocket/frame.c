/* The frames of a websocket: see frame.h. */
#include "frame.h"

#include <string.h>

/* How long the header is, as far as that is known. */
static size_t header_length(const struct cc_frames *frames)
{
    unsigned char length;

    if (frames->header_length < 2)
        return 2;
    length = frames->header[1] & 0x7f;
    return length == 126 ? 4 : length == 127 ? 10 : 2;
}

/* Why the header at hand breaks the protocol, or NULL. */
static const char *check_header(const struct cc_frames *frames)
{
    unsigned char first = frames->header[0], opcode = first & 15;

    if (first & 0x70)
        return "a frame has reserved bits set";
    if (frames->header[1] & 0x80)
        return "the server masks a frame";
    if ((opcode > 2 && opcode < CC_FRAME_IS_CLOSE) || opcode > CC_FRAME_IS_PONG)
        return "a frame has an unknown opcode";
    if (opcode >= CC_FRAME_IS_CLOSE && !(first & 0x80))
        return "a control frame is fragmented";
    if (opcode >= CC_FRAME_IS_CLOSE && frames->left > CC_FRAME_CONTROL)
        return "a control frame is too large";
    if (opcode == 0 && !frames->within)
        return "a fragment belongs to no message";
    if ((opcode == 1 || opcode == 2) && frames->within)
        return "a message begins within another one";
    if (frames->left >> 63)
        return "a frame's length is impossible";
    return NULL;
}

/* The header is whole. */
static enum cc_frame_kind begin(struct cc_frames *frames)
{
    size_t at, from = 2, to = frames->header_length;

    frames->left = to == 2 ? frames->header[1] & 0x7f : 0;
    for (at = from; at < to; at++)
        frames->left = frames->left << 8 | frames->header[at];
    frames->header_length = 0;
    frames->wrong = check_header(frames);
    if (frames->wrong)
        return CC_FRAME_WRONG;
    frames->opcode = frames->header[0] & 15;
    frames->final = frames->header[0] & 0x80;
    frames->is_control = frames->opcode >= CC_FRAME_IS_CLOSE;
    frames->in_payload = true;
    frames->control_length = 0;
    if (frames->is_control)
        return CC_FRAME_MORE;
    if (frames->opcode)
        frames->binary = frames->opcode == 2;
    frames->within = !frames->final;
    return CC_FRAME_BEGINS;
}

/* A control frame's payload, or its end. */
static enum cc_frame_kind take_control(struct cc_frames *frames,
                                       const char *bytes, size_t length,
                                       size_t *used)
{
    *used = length < frames->left ? length : (size_t)frames->left;
    memcpy(frames->control + frames->control_length, bytes, *used);
    frames->control_length += *used;
    frames->left -= *used;
    if (frames->left)
        return CC_FRAME_MORE;
    frames->in_payload = false;
    return frames->opcode == CC_FRAME_IS_CLOSE  ? CC_FRAME_CLOSE
           : frames->opcode == CC_FRAME_IS_PING ? CC_FRAME_PING
                                                : CC_FRAME_PONG;
}

static enum cc_frame_kind take_header(struct cc_frames *frames,
                                      const char *bytes, size_t length,
                                      size_t *used)
{
    enum cc_frame_kind kind;

    for (*used = 0; frames->header_length < header_length(frames); ++*used) {
        if (*used == length)
            return CC_FRAME_MORE;
        frames->header[frames->header_length++] = (unsigned char)bytes[*used];
    }
    kind = begin(frames);
    /* A control frame may have no payload: it is whole at once. */
    if (kind == CC_FRAME_MORE && !frames->left)
        return take_control(frames, "", 0, &(size_t){0});
    if (kind == CC_FRAME_BEGINS && !frames->left) {
        frames->in_payload = false;
        frames->bytes = "";
        frames->length = 0;
        frames->ends = frames->final;
        return CC_FRAME_DATA;
    }
    return kind;
}

enum cc_frame_kind cc_frames_take(struct cc_frames *frames, const char *bytes,
                                  size_t length, size_t *used)
{
    if (!frames->in_payload)
        return take_header(frames, bytes, length, used);
    if (frames->is_control)
        return take_control(frames, bytes, length, used);
    *used = length < frames->left ? length : (size_t)frames->left;
    frames->bytes = bytes;
    frames->length = *used;
    frames->left -= *used;
    frames->in_payload = frames->left > 0;
    frames->ends = !frames->in_payload && frames->final;
    return CC_FRAME_DATA;
}

size_t cc_frame_write(unsigned char *to, int opcode, const void *payload,
                      size_t length, const unsigned char key[4])
{
    const unsigned char *from = payload;
    size_t i;

    to[0] = (unsigned char)(0x80 | opcode);
    to[1] = (unsigned char)(0x80 | length);
    memcpy(to + 2, key, 4);
    for (i = 0; i < length; i++)
        to[6 + i] = from[i] ^ key[i & 3];
    return length + 6;
}
