/* Text as protocols have it, and as it may be shown. */
#include "text.h"

#include "check.h"

#include <locale.h>

static const char *shown(const char *bytes, size_t length)
{
    static char room[512];
    size_t used = cc_text_show(room, sizeof room, bytes, length);

    CHECK_INT(used, strlen(room));
    return room;
}

#define SHOWN(text) shown(text, sizeof text - 1)

static void plain(void)
{
    CHECK_STR(SHOWN(""), "");
    CHECK_STR(SHOWN("It broke: a\\b 'c' \"d\""), "It broke: a\\b 'c' \"d\"");
    CHECK_STR(SHOWN("Zoë 王秀英 \xf0\x9f\x98\x80"),
              "Zoë 王秀英 \xf0\x9f\x98\x80");
}

/* A terminal obeyed what a server had written into a message. */
static void controls(void)
{
    CHECK_STR(SHOWN("a\r\nb\tc"), "a\\r\\nb\\tc");
    CHECK_STR(SHOWN("\x1b[31m\x7f\0."), "\\x1b[31m\\x7f\\x00.");
    CHECK_STR(SHOWN("\xc2\x85\xc2\x9b"), "\\u{85}\\u{9b}");
    CHECK_STR(SHOWN("\xe2\x80\xa8\xe2\x80\xa9"), "\\u{2028}\\u{2029}");
}

static void directions(void)
{
    CHECK_STR(SHOWN("\xe2\x80\xaegpj.exe"), "\\u{202e}gpj.exe");
    CHECK_STR(SHOWN("\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c"),
              "\\u{2066}\\u{200f}\\u{61c}");
    CHECK_STR(SHOWN("\xf3\xa0\x81\x81\xef\xbb\xbf"), "\\u{e0041}\\u{feff}");
}

static void invalid(void)
{
    CHECK_STR(SHOWN("\xff\x80\xc3"), "\\xff\\x80\\xc3");
    CHECK_STR(SHOWN("\xc0\xaf\xed\xa0\x80"), "\\xc0\\xaf\\xed\\xa0\\x80");
    CHECK_STR(SHOWN("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
    CHECK_STR(SHOWN("\xe2\x80"), "\\xe2\\x80");
}

static void again(void)
{
    char once[512], byte;
    int i;

    for (i = 0; i < 256; i++) {
        byte = (char)i;
        strcpy(once, shown(&byte, 1));
        CHECK_STR(shown(once, strlen(once)), once);
    }
}

static void cut(void)
{
    char room[8];
    size_t i;

    for (i = 1; i <= sizeof room; i++) {
        cc_text_show(room, i, "ab\xc3\xab\x1b", 5);
        CHECK_STR(room, i < 2   ? ""
                        : i < 3 ? "a"
                        : i < 5 ? "ab"
                        : i < 9 ? "ab\xc3\xab"
                                : "");
    }
}

static void cases(void)
{
    CHECK(cc_same_text("LOCATION", "location"));
    CHECK(!cc_same_text("location", "locations"));
    CHECK(!cc_same_text("locations", "location"));
    CHECK(cc_same_start("HTTP/1.1", "http/", 5));
    CHECK(!cc_same_start("HTT", "http/", 5));
    CHECK(!cc_same_text("\xdd", "\xfd"));
    CHECK_INT(cc_hex_value('F'), 15);
    CHECK_INT(cc_hex_value('g'), -1);
}

static const char *seconds(double number)
{
    static char room[CC_SECONDS_ROOM];

    cc_text_seconds(room, number);
    return room;
}

static void pauses(void)
{
    CHECK_STR(seconds(0.5), "0.5");
    CHECK_STR(seconds(30), "30");
    CHECK_STR(seconds(1e9), "1000000000");
    CHECK_STR(seconds(1.0 / 3), "0.333333");
    CHECK_STR(seconds(0), "0");
    CHECK_STR(seconds(1e300), "1000000000000");
}

int main(void)
{
    it("shows plain text as it is", plain);
    it("shows control characters escaped", controls);
    it("shows characters that change the direction of text escaped",
       directions);
    it("shows bytes that are not UTF-8 by their number", invalid);
    it("does not change its own output", again);
    it("is never cut inside a character or an escape", cut);
    it("ignores the case of ASCII letters only", cases);
    it("writes seconds with a point", pauses);
    return check_report();
}
