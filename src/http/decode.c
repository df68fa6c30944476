/* A body's content coding: see decode.h. */
#include "decode.h"

#include <string.h>

#define WINDOW 15          /* bits: the most that deflate has */
#define GZIP_FIRST '\x1f'  /* a gzip member begins with it */
#define GZIP (WINDOW + 16) /* zlib's way to say: with gzip's header and end */

/* -- What the headers say ----------------------------------------------------
 */

/* Is the name, in any case, this one?  `wanted` is in lower case. */
static bool is_name(const char *name, size_t length, const char *wanted)
{
    size_t i;
    char c;

    if (strlen(wanted) != length)
        return false;
    for (i = 0; i < length; i++) {
        c = name[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + ('a' - 'A'));
        if (c != wanted[i])
            return false;
    }
    return true;
}

static enum cc_coding coding_of(const char *name, size_t length)
{
    if (!length || is_name(name, length, "identity"))
        return CC_CODING_NONE;
    if (is_name(name, length, "gzip") || is_name(name, length, "x-gzip"))
        return CC_CODING_GZIP;
    if (is_name(name, length, "deflate"))
        return CC_CODING_DEFLATE;
    return CC_CODING_OTHER;
}

enum cc_coding cc_coding_add(enum cc_coding before, const char *value)
{
    enum cc_coding coding;
    size_t length;

    for (;; value += length + 1) {
        value += strspn(value, " \t");
        length = strcspn(value, ",");
        coding = coding_of(value, strcspn(value, ", \t"));
        if (coding != CC_CODING_NONE)
            before = before == CC_CODING_NONE ? coding : CC_CODING_SEVERAL;
        if (!value[length])
            return before;
    }
}

/* -- Decoding ----------------------------------------------------------------
 */

void cc_decode_start(struct cc_decode *decode, enum cc_coding coding)
{
    memset(decode, 0, sizeof *decode);
    decode->coding = coding;
}

void cc_decode_end(struct cc_decode *decode)
{
    if (decode->ready)
        inflateEnd(&decode->stream);
    decode->ready = false;
}

bool cc_decode_finish(const struct cc_decode *decode)
{
    return decode->whole || (!decode->ready && !decode->got);
}

static enum cc_decode_state bad(struct cc_decode *decode, const char *reason)
{
    decode->reason = reason;
    return CC_DECODE_BAD;
}

/* Some servers send a bare deflate stream, others zlib's format, which begins
 * with two bytes that no encoder begins the former with. */
static int deflate_window(const unsigned char *head)
{
    bool zlib =
        (head[0] & 15) == Z_DEFLATED && (head[0] * 256 + head[1]) % 31 == 0;

    return zlib ? WINDOW : -WINDOW;
}

/* Hands bytes to zlib; *length is what it left of them. */
static enum cc_decode_state run(struct cc_decode *decode, const void *bytes,
                                size_t *length)
{
    z_stream *stream = &decode->stream;
    int result;

    /* zlib does not write to its input, whatever the type says. */
    memcpy(&stream->next_in, &bytes, sizeof stream->next_in);
    stream->avail_in = (uInt)*length;
    result = inflate(stream, Z_NO_FLUSH);
    *length = stream->avail_in;
    switch (result) {
    case Z_STREAM_END:
        decode->whole = true;
        return CC_DECODE_MORE;
    case Z_OK:
    case Z_BUF_ERROR: /* neither input nor room: no error */
        return CC_DECODE_MORE;
    case Z_MEM_ERROR:
        return CC_DECODE_MEMORY;
    default:
        return bad(decode, decode->again ? "there are bytes after its end"
                                         : "it is damaged, or not compressed");
    }
}

/* Sets zlib up at the body's first bytes.  *bytes may have been taken without
 * its being ready: of a deflate body two must be seen. */
static enum cc_decode_state begin(struct cc_decode *decode, const char **bytes,
                                  size_t *length)
{
    int window = GZIP;
    size_t left;

    if (decode->coding == CC_CODING_DEFLATE) {
        for (; decode->got < 2 && *length; (*bytes)++, (*length)--)
            decode->head[decode->got++] = (unsigned char)**bytes;
        if (decode->got < 2)
            return CC_DECODE_MORE;
        window = deflate_window(decode->head);
    }
    if (inflateInit2(&decode->stream, window) != Z_OK)
        return CC_DECODE_MEMORY;
    decode->ready = true;
    if (decode->coding != CC_CODING_DEFLATE)
        return CC_DECODE_MORE;
    left = decode->got; /* two bytes hold less output than there is room */
    return run(decode, decode->head, &left);
}

enum cc_decode_state cc_decode_step(struct cc_decode *decode,
                                    const char **bytes, size_t *length,
                                    char *out, size_t room, size_t *made)
{
    enum cc_decode_state state = CC_DECODE_MORE;
    size_t left;

    *made = 0;
    decode->stream.next_out = (unsigned char *)out;
    decode->stream.avail_out = (uInt)room;
    if (decode->reason)
        return CC_DECODE_BAD;
    if (!decode->ready && *length)
        state = begin(decode, bytes, length);
    while (state == CC_DECODE_MORE && decode->ready &&
           decode->stream.avail_out) {
        if (decode->whole && *length) {
            if (decode->coding != CC_CODING_GZIP || **bytes != GZIP_FIRST)
                return bad(decode, "there are bytes after its end");
            inflateReset(&decode->stream);
            decode->whole = false;
            decode->again = true;
        } else if (decode->whole) {
            break;
        }
        left = *length;
        state = run(decode, *bytes, &left);
        *bytes += *length - left;
        *length = left;
        if (!left && !decode->whole)
            break;
    }
    if (state == CC_DECODE_MORE)
        *made = room - decode->stream.avail_out;
    return state;
}
