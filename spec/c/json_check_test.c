/* The strict scanner, by way of cc_json_check and cc_json_find.
 *
 * An error's offset is that of the first byte with which no JSON could go on:
 * what comes before it may be cut short but is never wrong.
 */
#include "check.h" /* the macros: this folder comes first */

#include "json_cases.h"

#include "../../src/json/check.h"
#include "scan.h"

/* Checks a copy that ends where its memory ends, for the sanitizers. */
static enum cc_check check(const char *text, size_t length, size_t *offset,
                           const char **reason)
{
    char *copy = malloc(length ? length : 1);
    enum cc_check answer;

    if (length)
        memcpy(copy, text, length);
    *offset = SIZE_MAX;
    *reason = NULL;
    answer = cc_json_check(copy, length, offset, reason);
    free(copy);
    return answer;
}

static enum cc_check answer_of(const char *text, size_t length)
{
    size_t offset;
    const char *reason;

    return check(text, length, &offset, &reason);
}

static void valid_texts(void)
{
    for (size_t i = 0; i < COUNT(json_valid); i++) {
        const struct json_text *it_is = &json_valid[i];

        CHECK_INT(answer_of(it_is->text, it_is->length), CC_CHECK_OK);
        for (size_t cut = 0; cut < it_is->length; cut++)
            CHECK(answer_of(it_is->text, cut) != CC_CHECK_BAD);
    }
}

static void wrong_texts(void)
{
    for (size_t i = 0; i < COUNT(json_wrong); i++) {
        const struct json_wrong *it_is = &json_wrong[i];
        size_t offset;
        const char *reason;

        CHECK_INT(check(it_is->text, it_is->length, &offset, &reason),
                  CC_CHECK_BAD);
        CHECK_INT(offset, it_is->offset);
        CHECK(reason && *reason);
        if (offset != it_is->offset)
            printf("  the text is: %s\n", it_is->text);
        for (size_t cut = 0; cut < it_is->length; cut++) {
            enum cc_check answer = check(it_is->text, cut, &offset, &reason);
            CHECK_INT(answer == CC_CHECK_BAD, cut > it_is->offset);
            CHECK(answer != CC_CHECK_BAD || offset == it_is->offset);
        }
    }
}

static void cut_texts(void)
{
    for (size_t i = 0; i < COUNT(json_cut); i++)
        CHECK_INT(answer_of(json_cut[i].text, json_cut[i].length),
                  CC_CHECK_MORE);
}

static void nothing_to_report_to(void)
{
    CHECK_INT(cc_json_check("[1,]", 4, NULL, NULL), CC_CHECK_BAD);
}

/* `levels` arrays and objects in each other. */
static char *nest(int levels, size_t *length)
{
    char *text = malloc((size_t)levels * 6 + 1), *to = text;

    for (int i = 0; i < levels; i++)
        to += sprintf(to, "%s", i % 2 ? "{\"\":" : "[");
    *to++ = '0';
    for (int i = levels; i-- > 0;)
        *to++ = i % 2 ? '}' : ']';
    *length = (size_t)(to - text);
    return text;
}

static void depth_at_and_over_the_limit(void)
{
    size_t length, offset;
    const char *reason;
    char *text = nest(CC_JSON_DEPTH, &length);

    CHECK_INT(answer_of(text, length), CC_CHECK_OK);
    free(text);
    text = nest(CC_JSON_DEPTH + 1, &length);
    CHECK_INT(check(text, length, &offset, &reason), CC_CHECK_BAD);
    CHECK_INT(offset, CC_JSON_DEPTH / 2 * 5);
    CHECK_STR(reason, "nested too deeply");
    free(text);
}

/* A string of every length, with something odd at every place in it. */
static void odd_bytes_at_every_place(void)
{
    static const struct {
        const char *bytes;
        int wrong; /* which of them, or -1 */
    } odd[] = {
        {"\\n", -1}, {"\xC3\xA9", -1}, {"\\u00e9", -1}, {"\xE2\x82\xAC", -1},
        {"\x01", 0}, {"\x1F", 0},      {" ", -1},       {"\x7F", -1},
        {"\xC0", 0}, {"\\q", 1},       {"\xE0\x80", 1}, {"\\ud800-", 6}};

    for (size_t which = 0; which < COUNT(odd); which++)
        for (size_t length = 0; length < 70; length++)
            for (size_t at = 0; at <= length; at++) {
                char text[128];
                size_t size = strlen(odd[which].bytes), offset;
                const char *reason;
                enum cc_check answer;

                memset(text, 'a', sizeof text);
                text[0] = '"';
                memcpy(text + 1 + at, odd[which].bytes, size);
                text[1 + length + size] = '"';
                answer = check(text, length + size + 2, &offset, &reason);
                if (odd[which].wrong < 0) {
                    CHECK_INT(answer, CC_CHECK_OK);
                } else {
                    CHECK_INT(answer, CC_CHECK_BAD);
                    CHECK_INT(offset, 1 + at + (size_t)odd[which].wrong);
                }
            }
}

/* All there is in two and three bytes: the count of valid UTF-8. */
static void every_utf8(void)
{
    int two = 0, three = 0;

    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char text[] = {'"', (char)a, (char)b, '"'};
            if (a < 0x80 || b < 0x80)
                continue;
            two += cc_json_check(text, 4, NULL, NULL) == CC_CHECK_OK;
            for (int c = 0x80; c < 256; c++) {
                char more[] = {'"', (char)a, (char)b, (char)c, '"'};
                three += cc_json_check(more, 5, NULL, NULL) == CC_CHECK_OK;
            }
        }
    CHECK_INT(two, 0x800 - 0x80);
    CHECK_INT(three, 0x10000 - 0x800 - 0x800);
}

static const char *found(const char *json, const char *path)
{
    static char text[64];
    long length = cc_json_find(json, strlen(json), path, text, sizeof text);

    if (length < 0)
        return "(none)";
    CHECK_INT(length, strlen(text));
    return text;
}

static void find_scalars(void)
{
    const char *json = " { \"a\" : { \"b\" : \"x\\ny\\u00e9\" , \"c\":[{}] },"
                       "\"n\":-1.50,\"t\":true,\"f\" : false,\"z\":null,"
                       "\"\":0,\"\\u0064\":\"e\"}";

    CHECK_STR(found(json, "a.b"), "x\ny\xC3\xA9");
    CHECK_STR(found(json, "n"), "-1.50");
    CHECK_STR(found(json, "t"), "true");
    CHECK_STR(found(json, "f"), "false");
    CHECK_STR(found(json, ""), "0");
    CHECK_STR(found(json, "d"), "e");
}

static void find_nothing(void)
{
    const char *json = "{\"a\":{\"b\":1},\"l\":[1],\"z\":null,\"s\":\"\"}";

    CHECK_STR(found(json, "a"), "(none)");
    CHECK_STR(found(json, "l"), "(none)");
    CHECK_STR(found(json, "z"), "(none)");
    CHECK_STR(found(json, "x"), "(none)");
    CHECK_STR(found(json, "a.x"), "(none)");
    CHECK_STR(found(json, "a.b.c"), "(none)");
    CHECK_STR(found(json, "s.b"), "(none)");
    CHECK_STR(found(json, "s"), "");
    CHECK_STR(found("", "a"), "(none)");
    CHECK_STR(found("[{\"a\":1}]", "a"), "(none)");
    CHECK_STR(found("\"a\"", "a"), "(none)");
    CHECK_STR(found("{}", "a"), "(none)");
    CHECK_STR(found("{\"ab\":1}", "a"), "(none)");
    CHECK_STR(found("{\"a\":1}", "ab"), "(none)");
    CHECK_STR(found("<html>", "a"), "(none)");
}

static void find_in_damaged_text(void)
{
    CHECK_STR(found("{\"a\":1,\"b\":tru", "a"), "1");
    CHECK_STR(found("{\"b\":tru,\"a\":1}", "a"), "(none)");
    CHECK_STR(found("{\"b\" 1,\"a\":1}", "a"), "(none)");
    CHECK_STR(found("{\"a\":", "a"), "(none)");
    CHECK_STR(found("{\"a\":\"x", "a"), "(none)");
    CHECK_STR(found("{\"a\":\"\\ud800\"}", "a"), "(none)");
    CHECK_STR(found("{\"\xFF\":1,\"a\":1}", "a"), "(none)");
}

static void find_with_little_room(void)
{
    const char *json = "{\"s\":\"a\\u00e9\\ud83d\\ude00\",\"n\":12345}";
    static const char whole[] = "a\xC3\xA9\xF0\x9F\x98\x80";
    char text[16];

    for (size_t room = 0; room < sizeof text; room++) {
        /* Cut at a character's border: 0, 1, 3 or 7 bytes. */
        long want = room > 7 ? 7 : room > 3 ? 3 : room > 1 ? 1 : 0;

        memset(text, '#', sizeof text);
        CHECK_INT(cc_json_find(json, strlen(json), "s", text, room), want);
        CHECK(memcmp(text, whole, (size_t)want) == 0);
        CHECK(room == 0 || text[want] == '\0');
        CHECK(text[room ? (size_t)want + 1 : 0] == '#');
        want = room > 5 ? 5 : room ? (long)room - 1 : 0;
        CHECK_INT(cc_json_find(json, strlen(json), "n", text, room), want);
    }
}

int main(void)
{
    it("accepts JSON, and none of its beginnings is an error", valid_texts);
    it("reports the first wrong byte", wrong_texts);
    it("recognizes JSON that is only cut short", cut_texts);
    it("works without a place for its report", nothing_to_report_to);
    it("takes a depth at the limit, not over it", depth_at_and_over_the_limit);
    it("finds odd bytes at every place of a string", odd_bytes_at_every_place);
    it("accepts all characters of two and three bytes, and nothing else",
       every_utf8);
    it("finds scalars by their path", find_scalars);
    it("finds nothing where there is no scalar", find_nothing);
    it("finds only what comes before the damage", find_in_damaged_text);
    it("cuts what it found at a character border", find_with_little_room);
    return check_report();
}
