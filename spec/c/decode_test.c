/* The content coding of a body: whole, or told what is wrong with it. */
#include "decode.h"

#include "check.h"

enum { ROOM = 1 << 16 };

static unsigned char body[ROOM];
static size_t length;
static char text[ROOM], out[2 * ROOM];
static size_t made;

/* Adds `count` bytes of `text` to the body, with zlib's name for the form. */
static void pack(int window, size_t count)
{
    z_stream stream = {0};

    CHECK_INT(
        deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY),
        Z_OK);
    stream.next_in = (unsigned char *)text;
    stream.avail_in = (uInt)count;
    stream.next_out = body + length;
    stream.avail_out = (uInt)(ROOM - length);
    CHECK_INT(deflate(&stream, Z_FINISH), Z_STREAM_END);
    length = (size_t)(stream.next_out - body);
    deflateEnd(&stream);
}

/* Decodes the body's first `size` bytes, `piece` of them and `room` for output
 * at a time: 'w'hole, 'c'ut or 'b'ad. */
static char unpack(enum cc_coding coding, size_t size, size_t piece,
                   size_t room)
{
    struct cc_decode decode;
    enum cc_decode_state state = CC_DECODE_MORE;
    size_t at = 0, got;
    char verdict;

    made = 0;
    cc_decode_start(&decode, coding);
    while (at < size && state == CC_DECODE_MORE) {
        const char *bytes = (const char *)body + at;
        size_t left = size - at < piece ? size - at : piece, given = left;

        do {
            state =
                cc_decode_step(&decode, &bytes, &left, out + made, room, &got);
            made += got;
            CHECK(made + room < sizeof out);
        } while (state == CC_DECODE_MORE && (left || got == room));
        at += given;
    }
    if (state == CC_DECODE_BAD)
        CHECK(decode.reason != NULL);
    verdict = state == CC_DECODE_BAD      ? 'b'
              : cc_decode_finish(&decode) ? 'w'
                                          : 'c';
    cc_decode_end(&decode);
    cc_decode_end(&decode);
    return verdict;
}

static const struct {
    enum cc_coding coding;
    int window;
} forms[] = {
    {CC_CODING_GZIP, 31}, {CC_CODING_DEFLATE, 15}, {CC_CODING_DEFLATE, -15}};

static void whole_or_cut(void)
{
    static const size_t sizes[] = {0, 1, 100, 20000};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            length = 0;
            pack(forms[i].window, sizes[j]);
            for (size_t piece = 1; piece < 40; piece += 6)
                for (size_t room = 16; room < 4000; room *= 7) {
                    CHECK_INT(unpack(forms[i].coding, length, piece, room),
                              'w');
                    CHECK_INT(made, sizes[j]);
                    CHECK(memcmp(out, text, made) == 0);
                }
            for (size_t cut = 1; cut < length; cut += 1 + cut / 9)
                CHECK_INT(unpack(forms[i].coding, cut, 7, 100), 'c');
            CHECK_INT(unpack(forms[i].coding, 0, 7, 100), 'w');
            body[length] = 'x';
            CHECK_INT(unpack(forms[i].coding, length + 1, 7, 100), 'b');
        }
}

static void members(void)
{
    length = 0;
    for (int i = 0; i < 5; i++)
        pack(31, i == 2 ? 0 : 1000);
    for (size_t piece = 1; piece < 200; piece += 13) {
        CHECK_INT(unpack(CC_CODING_GZIP, length, piece, 50), 'w');
        CHECK_INT(made, 4000);
    }
    CHECK_INT(unpack(CC_CODING_GZIP, length - 1, 9, 50), 'c');
    body[length] = 0x1f;
    CHECK_INT(unpack(CC_CODING_GZIP, length + 1, 9, 50), 'c');
    length = 0;
    pack(15, 1000);
    pack(15, 1000);
    CHECK_INT(unpack(CC_CODING_DEFLATE, length, 9, 50), 'b');
}

static void damage(void)
{
    for (size_t i = 0; i < 2; i++) {
        length = 0;
        pack(forms[i].window, 5000);
        for (size_t at = length - 8; at < length; at++) {
            if (at < length - 4 && forms[i].window == 15)
                continue; /* its sum has four bytes */
            body[at] ^= 1;
            CHECK_INT(unpack(forms[i].coding, length, 11, 500), 'b');
            body[at] ^= 1;
        }
    }
    memcpy(body, "[{\"id\":1}]", 10);
    CHECK_INT(unpack(CC_CODING_GZIP, 10, 1, 16), 'b');
}

static void names(void)
{
    static const struct {
        const char *value;
        enum cc_coding coding;
    } cases[] = {
        {"", CC_CODING_NONE},
        {"identity", CC_CODING_NONE},
        {" , identity ,", CC_CODING_NONE},
        {"gzip", CC_CODING_GZIP},
        {"X-GZIP", CC_CODING_GZIP},
        {"identity, \tgzip ", CC_CODING_GZIP},
        {"Deflate", CC_CODING_DEFLATE},
        {"br", CC_CODING_OTHER},
        {"gzipped", CC_CODING_OTHER},
        {"gzip;q=1", CC_CODING_OTHER},
        {"gzip,gzip", CC_CODING_SEVERAL},
        {"br, gzip, br", CC_CODING_SEVERAL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cc_coding_add(CC_CODING_NONE, cases[i].value),
                  cases[i].coding);
    CHECK_INT(cc_coding_add(CC_CODING_GZIP, ""), CC_CODING_GZIP);
    CHECK_INT(cc_coding_add(CC_CODING_GZIP, "gzip"), CC_CODING_SEVERAL);
}

int main(void)
{
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * i >> 5);
    it("gives the bytes of a complete body, and reports one that is cut short",
       whole_or_cut);
    it("reads the members of a gzip body to the last", members);
    it("reports damage, wrong checksums and data that is not compressed",
       damage);
    it("knows the names of codings", names);
    return check_report();
}
