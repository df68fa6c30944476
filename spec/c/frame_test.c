/* A handshake's answer and frames, cut as anything may cut them. */
#include "frame.h"
#include "head.h"

#include "check.h"

/* -- The answer --------------------------------------------------------------
 */

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define GOOD                                                                   \
    "HTTP/1.1 101 Go on\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"      \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

/* Takes the text in pieces of that size; *rest: what is left of it. */
static enum cc_head_state take(struct cc_head *head, const char *text,
                               size_t piece, size_t *rest)
{
    enum cc_head_state state = CC_HEAD_MORE;
    size_t left = strlen(text), size, used;

    cc_head_begin(head, KEY);
    while (left && state == CC_HEAD_MORE) {
        size = left < piece ? left : piece;
        state = cc_head_take(head, text, size, &used);
        CHECK(used <= size);
        if (state == CC_HEAD_MORE)
            CHECK(used == size);
        text += used;
        left -= used;
    }
    *rest = left;
    return state;
}

static void answers(void)
{
    static const struct {
        const char *text;
        enum cc_head_state state;
        int status;
        bool good;
    } cases[] = {
        {GOOD "\r\nrest", CC_HEAD_WHOLE, 101, true},
        {GOOD "\nrest", CC_HEAD_WHOLE, 101, true},
        {"HTTP/1.1 100\r\n\r\nHTTP/1.1 103 A\nB: c\n\n" GOOD "\r\nrest",
         CC_HEAD_WHOLE, 101, true},
        {GOOD "Sec-WebSocket-Protocol: \r\n\r\nrest", CC_HEAD_WHOLE, 101, true},
        {GOOD "Sec-WebSocket-Protocol: a\r\n\r\nrest", CC_HEAD_WHOLE, 101,
         false},
        {GOOD "X\r\n: y\r\n\r\nrest", CC_HEAD_WHOLE, 101, true},
        {"HTTP/1.1 503 No\r\nRetry-After:  7 \r\nRetry-After: 8\r\nDATE: "
         "no\r\n\r\nrest",
         CC_HEAD_WHOLE, 503, false},
        {"HTTP/1.0 200\r\n\r\nrest", CC_HEAD_WHOLE, 200, false},
        {"HTTP/1.1 101\r\n", CC_HEAD_MORE, 0, false},
        {"HTTP/2 101\r\n\r\n", CC_HEAD_NO_HTTP, 0, false},
        {"HTTP/1.1\r\n\r\n", CC_HEAD_NO_HTTP, 0, false},
        {"\r\n", CC_HEAD_NO_HTTP, 0, false},
        {"HTTP/1.1 1010\r\n\r\n", CC_HEAD_NO_HTTP, 0, false},
        {"HTTP/1.1 100\r\n\r\nrest", CC_HEAD_NO_HTTP, 0, false},
    };
    struct cc_head head;
    size_t i, piece, rest;

    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        for (piece = 1; piece < 300; piece = piece * 3 + 1) {
            CHECK_INT(take(&head, cases[i].text, piece, &rest), cases[i].state);
            if (cases[i].state == CC_HEAD_WHOLE) {
                CHECK_INT(head.status, cases[i].status);
                CHECK_INT(!head.wrong, cases[i].good);
                CHECK(rest <= 4);
            }
            if (head.status == 503)
                CHECK(head.kept_length == 22 &&
                      memcmp(head.kept, "retry-after\0007\0date\0no", 22) == 0);
            cc_head_free(&head);
        }
}

static void limit(void)
{
    static const char early[] = "HTTP/1.1 103 Early\r\n\r\n";
    static char kept[2 * CC_HEAD_MOST];
    struct cc_head head;
    size_t i, used, rest;

    memset(kept, 'x', sizeof kept - 1);
    memcpy(kept, "HTTP/1.1 101 ", 13);
    CHECK_INT(take(&head, kept, 1000, &rest), CC_HEAD_TOO_LARGE);
    CHECK(head.bytes.length <= CC_HEAD_MOST);
    cc_head_free(&head);
    cc_head_begin(&head, KEY);
    for (i = 0;
         cc_head_take(&head, early, sizeof early - 1, &used) == CC_HEAD_MORE;
         i++)
        CHECK(head.bytes.length == 0);
    CHECK_INT(i, CC_HEAD_MOST / (sizeof early - 1));
    cc_head_free(&head);
}

/* -- Frames ------------------------------------------------------------------
 */

/* What they say: letters of the kinds, and the payloads in brackets. */
static const char *told(const char *bytes, size_t length, size_t piece)
{
    static char text[512];
    struct cc_frames frames = {0};
    size_t size, used, at = 0;

    text[0] = '\0';
    while (length) {
        size = length < piece ? length : piece;
        switch (cc_frames_take(&frames, bytes, size, &used)) {
        case CC_FRAME_MORE:
        case CC_FRAME_BEGINS:
            break;
        case CC_FRAME_DATA:
            at += (size_t)snprintf(text + at, sizeof text - at, "%.*s%s",
                                   (int)frames.length, frames.bytes,
                                   !frames.ends    ? ""
                                   : frames.binary ? "|b "
                                                   : "|t ");
            break;
        case CC_FRAME_CLOSE:
        case CC_FRAME_PING:
        case CC_FRAME_PONG:
            at += (size_t)snprintf(text + at, sizeof text - at, "<%d:%.*s>",
                                   frames.opcode, (int)frames.control_length,
                                   (const char *)frames.control);
            break;
        case CC_FRAME_WRONG:
            snprintf(text + at, sizeof text - at, "wrong");
            return text;
        }
        CHECK(used > 0 && used <= size);
        bytes += used;
        length -= used;
    }
    return text;
}

#define TOLD(bytes, expected)                                                  \
    do {                                                                       \
        for (size_t piece = 1; piece < 50; piece++)                            \
            CHECK_STR(told(bytes, sizeof(bytes) - 1, piece), expected);        \
    } while (0)

static void frames(void)
{
    TOLD("\x81\x02hi\x82\x01!", "hi|t !|b ");
    TOLD("\x81\x00\x82\x00", "|t |b ");
    TOLD("\x01\x01"
         "a\x89\x02yo\x00\x00\x8a\x00\x80\x01z\x81\x01q",
         "a<9:yo><10:>z|t q|t ");
    TOLD("\x02\x00\x80\x00\x88\x02\x03\xe8", "|b <8:\x03\xe8>");
    TOLD("\x81\x7e\x00\x03"
         "abc\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x02"
         "de",
         "abc|t de|t ");
    TOLD("\x88\x00\x89\x00", "<8:><9:>");
    TOLD("\x81\x81\x01\x02\x03\x04.", "wrong");
    TOLD("\xc1\x01x", "wrong");
    TOLD("\x83\x01x", "wrong");
    TOLD("\x8b\x01x", "wrong");
    TOLD("\x09\x01x", "wrong");
    TOLD("\x89\x7e\x00\x7e", "wrong");
    TOLD("\x80\x01x", "wrong");
    TOLD("\x01\x01x\x81\x01y", "xwrong");
    TOLD("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "wrong");
}

static void ours(void)
{
    static const unsigned char key[4] = {1, 2, 3, 4};
    unsigned char frame[CC_FRAME_CONTROL + 6];

    CHECK_INT(cc_frame_write(frame, 9, "abcde", 5, key), 11);
    CHECK(memcmp(frame, "\x89\x85\x01\x02\x03\x04````d", 11) == 0);
    CHECK_INT(cc_frame_write(frame, 8, "", 0, key), 6);
    CHECK(memcmp(frame, "\x88\x80\x01\x02\x03\x04", 6) == 0);
}

int main(void)
{
    it("reads the answer to a handshake, however it is cut", answers);
    it("stops where its headers are too large", limit);
    it("reads frames, however they are cut", frames);
    it("writes control frames", ours);
    return check_report();
}
