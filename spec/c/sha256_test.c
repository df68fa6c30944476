/* SHA-256, against the examples of FIPS 180-4 and others' digests. */
#include "sha256.h"

#include "check.h"

static const char *hex(const void *bytes, size_t length)
{
    static char text[2 * CC_SHA256_SIZE + 1];
    uint8_t digest[CC_SHA256_SIZE];

    cc_sha256(bytes, length, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return text;
}

static void examples(void)
{
    CHECK_STR(
        hex(NULL, 0),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_STR(
        hex("abc", 3),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_STR(
        hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void million(void)
{
    static char bytes[1000000];

    memset(bytes, 'a', sizeof bytes);
    CHECK_STR(
        hex(bytes, sizeof bytes),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* The digest of the digests of all lengths from 0 to 199. */
static void every_length(void)
{
    static char bytes[200], all[200 * 2 * CC_SHA256_SIZE];

    for (size_t length = 0; length < sizeof bytes; length++) {
        bytes[length] = (char)length;
        memcpy(all + 2 * CC_SHA256_SIZE * length, hex(bytes, length),
               2 * CC_SHA256_SIZE);
    }
    CHECK_STR(
        hex(all, sizeof all),
        "7a38a844c9e159de39f0862ee2e28569a8250831150a3fbf0a59c001129b2fb2");
}

int main(void)
{
    it("gives the standard's digests", examples);
    it("takes a million bytes", million);
    it("takes any length around its blocks", every_length);
    return check_report();
}
