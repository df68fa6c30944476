/* Values picked out of a JSON text by their paths, in one strict pass. */
#include "pick.h"

#include "check.h" /* the macros: this folder comes first */

#include "json_cases.h"

#include "../../src/json/check.h"
#include "scan.h"

#define PATHS(...) ((const char *const[]){__VA_ARGS__})

struct outcome {
    bool is_json;
    size_t offset;
    const char *reason;
    char picks[CC_PICK_MOST][64]; /* "(none)" where there is none */
};

/* Picks from a copy that ends where its memory ends, for the sanitizers. */
static struct outcome pick(const struct cc_pick_form *form, size_t count,
                           const char *text, size_t length)
{
    struct ccaas_part parts[CC_PICK_MOST];
    struct outcome outcome = {.offset = SIZE_MAX};
    char *copy = malloc(length ? length : 1);

    memset(parts, 0x55, sizeof parts);
    if (length)
        memcpy(copy, text, length);
    outcome.is_json =
        cc_pick(form, copy, length, parts, &outcome.offset, &outcome.reason);
    for (size_t i = 0; outcome.is_json && i < count; i++) {
        CHECK(!parts[i].begin ||
              (parts[i].begin >= copy && parts[i].begin < parts[i].end &&
               parts[i].end <= copy + length));
        snprintf(outcome.picks[i], sizeof outcome.picks[i], "%.*s",
                 parts[i].begin ? (int)(parts[i].end - parts[i].begin) : 6,
                 parts[i].begin ? parts[i].begin : "(none)");
    }
    free(copy);
    return outcome;
}

/* What stands at one path of a text that is JSON. */
static const char *at(const char *path, const char *text)
{
    static char found[64];
    struct cc_pick_form *form = cc_pick_form_new(&path, 1);
    struct outcome outcome = pick(form, 1, text, strlen(text));

    free(form);
    CHECK(outcome.is_json);
    strcpy(found, outcome.picks[0]);
    return found;
}

/* Forms that see all of a text off their paths, and as much as they can on
 * them. */
static const char *const strange[] = {"none.of.this"};
static const char *const usual[] = {"a", "a.b", "a.b.c", "b", ""};

/* The two verdicts on every beginning of a text. */
static void agree(const char *text, size_t length)
{
    struct cc_pick_form *forms[] = {cc_pick_form_new(strange, 1),
                                    cc_pick_form_new(usual, 5),
                                    cc_pick_form_new(NULL, 0)};

    for (size_t cut = 0; cut <= length; cut++) {
        size_t offset = SIZE_MAX;
        const char *reason = NULL;
        enum cc_check answer = cc_json_check(text, cut, &offset, &reason);

        for (size_t i = 0; i < COUNT(forms); i++) {
            struct outcome it_is = pick(forms[i], i == 1 ? 5 : 0, text, cut);

            CHECK_INT(it_is.is_json, answer == CC_CHECK_OK);
            if (answer == CC_CHECK_BAD) {
                CHECK_INT(it_is.offset, offset);
                CHECK_STR(it_is.reason, reason);
            } else if (answer == CC_CHECK_MORE) {
                CHECK_INT(it_is.offset, cut);
                CHECK_STR(it_is.reason, cc_json_cut);
            }
        }
    }
    for (size_t i = 0; i < COUNT(forms); i++)
        free(forms[i]);
}

static void same_verdict(void)
{
    for (size_t i = 0; i < COUNT(json_valid); i++)
        agree(json_valid[i].text, json_valid[i].length);
    for (size_t i = 0; i < COUNT(json_wrong); i++)
        agree(json_wrong[i].text, json_wrong[i].length);
    for (size_t i = 0; i < COUNT(json_cut); i++)
        agree(json_cut[i].text, json_cut[i].length);
}

/* The same texts where the pick walks: as a member's value on the path. */
static void same_verdict_inside(void)
{
    char text[256];

    for (size_t i = 0; i < COUNT(json_valid) + COUNT(json_wrong); i++) {
        bool valid = i < COUNT(json_valid);
        size_t which = valid ? i : i - COUNT(json_valid);
        const char *inner =
            valid ? json_valid[which].text : json_wrong[which].text;
        size_t length =
            valid ? json_valid[which].length : json_wrong[which].length;

        memcpy(text, "{\"a\":{\"b\":", 10);
        memcpy(text + 10, inner, length);
        memcpy(text + 10 + length, " ,\"c\":0} }", 10);
        agree(text, length + 20);
    }
}

static void values(void)
{
    const char *text = " {\"key\" : { \"id\" : \"101\" , \"n\":-1.5e3 },"
                       "\"list\":[1,{\"id\":2}], \"t\":true,\"z\":null } ";

    CHECK_STR(at("key.id", text), "\"101\"");
    CHECK_STR(at("key.n", text), "-1.5e3");
    CHECK_STR(at("key", text), "{ \"id\" : \"101\" , \"n\":-1.5e3 }");
    CHECK_STR(at("list", text), "[1,{\"id\":2}]");
    CHECK_STR(at("t", text), "true");
    CHECK_STR(at("z", text), "null");
    CHECK_STR(at("", "{\"\":[]}"), "[]");
    CHECK_STR(at("a..b", "{\"a\":{\"\":{\"b\":7}}}"), "7");
    CHECK_STR(at("a", "{\"a\":1\t}"), "1");
}

static void no_values(void)
{
    CHECK_STR(at("a", "{}"), "(none)");
    CHECK_STR(at("a", "{\"ab\":1,\"A\":2,\"\":3}"), "(none)");
    CHECK_STR(at("ab", "{\"a\":1}"), "(none)");
    CHECK_STR(at("b", "{\"a\":{\"b\":1}}"), "(none)");
    CHECK_STR(at("a.b", "{\"b\":1}"), "(none)");
    CHECK_STR(at("a.b", "{\"a.b\":1}"), "(none)");
    CHECK_STR(at("", "{\"a\":1}"), "(none)");
}

static void through_others(void)
{
    static const char *const values[] = {"1",    "\"b\"", "[{\"b\":1}]", "null",
                                         "true", "[]",    "{}"};
    char text[64];

    for (size_t i = 0; i < COUNT(values); i++) {
        snprintf(text, sizeof text, "{\"a\":%s}", values[i]);
        CHECK_STR(at("a.b", text), "(none)");
        CHECK_STR(at("a", text), values[i]);
        CHECK_STR(at("a", values[i]), "(none)");
    }
    CHECK_STR(at("a", "[{\"a\":1}]"), "(none)");
}

static void escaped_names(void)
{
    CHECK_STR(at("ab", "{\"\\u0061b\":1}"), "1");
    CHECK_STR(at("ab", "{\"a\\u0062\":1}"), "1");
    CHECK_STR(at("ab", "{\"\\u0061\\u0062c\":1,\"\\u0061\":2}"), "(none)");
    CHECK_STR(at("a\nb", "{\"a\\nb\":1}"), "1");
    CHECK_STR(at("a/\"", "{\"a\\/\\\"\":1}"), "1");
    CHECK_STR(at("\xF0\x9F\x98\x80", "{\"\\ud83d\\ude00\":1}"), "1");
    CHECK_STR(at("\xF0\x9F\x98\x80", "{\"\xF0\x9F\x98\x80\":1}"), "1");
    CHECK_STR(at("\xC3\xA9", "{\"\\u00e9\":1}"), "1");
    CHECK_STR(at("\xC3", "{\"\\u00e9\":1}"), "(none)");
    CHECK_STR(at("a", "{\"a\\u0000\":1}"), "(none)");
    CHECK_STR(at("a.b", "{\"\\u0061\":{\"\\u0062\":[\"\\u0062\"]}}"),
              "[\"\\u0062\"]");
    CHECK_STR(at("a.b", "{\"a\\u002eb\":1}"), "(none)");
}

static void twice(void)
{
    CHECK_STR(at("a", "{\"a\":1,\"a\":2}"), "2");
    CHECK_STR(at("a.b", "{\"a\":{\"b\":1},\"a\":{\"b\":2}}"), "2");
    CHECK_STR(at("a.b", "{\"a\":{\"b\":1},\"a\":{}}"), "(none)");
    CHECK_STR(at("a.b", "{\"a\":{\"b\":1},\"a\":3}"), "(none)");
    CHECK_STR(at("a.b", "{\"a\":{\"b\":1,\"b\":null}}"), "null");
    CHECK_STR(at("a", "{\"a\":1,\"\\u0061\":3}"), "3");
}

static void many_at_once(void)
{
    const char *const *paths =
        PATHS("key.id", "key.of", "value.type", "value.count", "value.since",
              "value", "key.id", "key.id.more");
    const char *text = "{\"value\":{\"count\":3,\"type\":\"COUNT\"},\"x\":{"
                       "\"id\":0},\"key\":{\"id\":\"7\"}}";
    static const char *const want[] = {
        "\"7\"", "(none)", "\"COUNT\"",
        "3",     "(none)", "{\"count\":3,\"type\":\"COUNT\"}",
        "\"7\"", "(none)"};
    struct cc_pick_form *form = cc_pick_form_new(paths, 8);
    struct outcome outcome = pick(form, 8, text, strlen(text));

    CHECK(outcome.is_json);
    for (size_t i = 0; i < 8; i++)
        CHECK_STR(outcome.picks[i], want[i]);
    for (size_t cut = 0; cut < strlen(text); cut++) {
        outcome = pick(form, 8, text, cut);
        CHECK(!outcome.is_json);
        CHECK_INT(outcome.offset, cut);
    }
    free(form);
}

static void a_form_keeps_its_paths(void)
{
    char path[] = "a.b";
    const char *paths = path;
    struct cc_pick_form *form = cc_pick_form_new(&paths, 1);

    memset(path, 'x', 3);
    CHECK_STR(pick(form, 1, "{\"a\":{\"b\":1}}", 13).picks[0], "1");
    free(form);
}

static void limits(void)
{
    const char *paths[CC_PICK_MOST + 1];
    struct cc_pick_form *form;

    for (size_t i = 0; i < COUNT(paths); i++)
        paths[i] = "a.b.c.d";
    CHECK(!cc_pick_form_new(paths, CC_PICK_MOST + 1));
    form = cc_pick_form_new(paths, CC_PICK_MOST);
    CHECK(form);
    CHECK_STR(pick(form, 8, "{\"a\":{\"b\":{\"c\":{\"d\":4}}}}", 25).picks[7],
              "4");
    free(form);
    CHECK(!cc_pick_form_new(PATHS("a.b.c.d.e"), 1));
    CHECK(!cc_pick_form_new(PATHS("a", "...."), 2));
}

/* As deep as the checker goes, on the path and off it. */
static void depth(void)
{
    static const char *const names[] = {"\"a\"", "\"x\""};

    for (size_t which = 0; which < 2; which++)
        for (int levels = CC_JSON_DEPTH - 1; levels < CC_JSON_DEPTH + 2;
             levels++) {
            char *text = malloc((size_t)levels * 8), *to = text;

            for (int i = 0; i < levels; i++)
                to += sprintf(to, "{%s:", names[which]);
            *to++ = '0';
            for (int i = 0; i < levels; i++)
                *to++ = '}';
            agree(text, (size_t)(to - text));
            free(text);
        }
}

static void empty(void)
{
    struct cc_pick_form *form = cc_pick_form_new(PATHS("a"), 1);
    struct outcome outcome = pick(form, 1, "", 0);

    CHECK(!outcome.is_json);
    CHECK_INT(outcome.offset, 0);
    CHECK_STR(outcome.reason, cc_json_cut);
    free(form);
    form = cc_pick_form_new(NULL, 0);
    CHECK(pick(form, 0, "{\"a\":{}}", 8).is_json);
    CHECK(!pick(form, 0, "{\"a\":{]}", 8).is_json);
    free(form);
}

int main(void)
{
    it("accepts and refuses what the checker does, at every cut", same_verdict);
    it("does so on its paths, too", same_verdict_inside);
    it("picks values as they stand in the text", values);
    it("picks nothing if there is nothing", no_values);
    it("goes through objects only", through_others);
    it("knows names by what they mean, not by how they are escaped",
       escaped_names);
    it("takes the last of two members of one name", twice);
    it("picks by many paths in one pass", many_at_once);
    it("keeps a copy of the paths", a_form_keeps_its_paths);
    it("refuses more paths, and more names, than it has room for", limits);
    it("is as deep as the checker", depth);
    it("treats no bytes as malformed, and works without paths", empty);
    return check_report();
}
