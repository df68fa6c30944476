/* The splitter.  Every text is fed whole, byte by byte, cut in two at every
 * place, in pieces of odd sizes and with room for a single span, and must come
 * out the same.
 */
#include "check.h" /* the macros: this folder comes first */

#include "json_cases.h"

#include "../../src/json/check.h"
#include "split.h"

enum { MOST = 64, NO_LIMIT = 1 << 30 };

struct outcome {
    enum cc_split_state state;
    const char *reason;
    uint64_t offset, begin;
    size_t count;
    struct cc_span spans[MOST];
};

struct list {
    enum cc_split_kind kind;
    const char *key;
    uint64_t most;
    const char *text;
    size_t length;
};

/* Feeds one piece from memory that ends where the piece ends. */
static void feed(struct cc_split *split, struct outcome *outcome,
                 const char *text, size_t length, size_t room)
{
    char *copy = malloc(length ? length : 1);
    size_t taken = 0, more, count;

    memcpy(copy, text, length);
    do {
        uint64_t before = split->offset;
        if (room > MOST - outcome->count)
            room = MOST - outcome->count;
        more = cc_split_feed(split, copy + taken, length - taken,
                             outcome->spans + outcome->count, room, &count);
        CHECK(more <= length - taken && count <= room);
        CHECK_INT(split->offset - before, more);
        taken += more;
        outcome->count += count;
    } while (taken < length && split->state <= CC_SPLIT_DONE && room);
    CHECK(taken == length || split->state > CC_SPLIT_DONE || !room);
    free(copy);
}

/* Feeds the first `cut` bytes, and the rest in pieces. */
static struct outcome run(const struct list *list, size_t cut, size_t piece,
                          size_t room)
{
    struct cc_split split;
    struct outcome outcome = {.count = 0};
    size_t at = cut, count;

    cc_split_start(&split, list->kind, list->key, list->most);
    feed(&split, &outcome, list->text, cut, room);
    while (at < list->length && split.state <= CC_SPLIT_DONE) {
        size_t size = list->length - at < piece ? list->length - at : piece;
        feed(&split, &outcome, list->text + at, size, room);
        at += size;
    }
    outcome.begin = split.begin;
    outcome.state = cc_split_finish(
        &split, &outcome.spans[outcome.count < MOST ? outcome.count : 0],
        &count);
    outcome.count += count;
    outcome.reason = split.reason;
    outcome.offset = split.offset;
    return outcome;
}

static int same(const struct outcome *a, const struct outcome *b)
{
    if (a->state != b->state || a->offset != b->offset ||
        a->begin != b->begin || a->count != b->count || a->reason != b->reason)
        return 0;
    for (size_t i = 0; i < a->count; i++)
        if (a->spans[i].begin != b->spans[i].begin ||
            a->spans[i].end != b->spans[i].end)
            return 0;
    return 1;
}

/* What comes out, however it is fed. */
static struct outcome split(const struct list *list)
{
    static const size_t pieces[] = {1, 2, 3, 7, 16, 63, 64, 65, 100, 127, 128};
    struct outcome whole = run(list, list->length, 1, MOST), other;
    int agree = 1;

    for (size_t i = 0; i < COUNT(pieces); i++) {
        other = run(list, 0, pieces[i], MOST);
        agree &= same(&whole, &other);
        other = run(list, 0, pieces[i], 1);
        agree &= same(&whole, &other);
    }
    for (size_t cut = 0; cut <= list->length; cut++) {
        other = run(list, cut, list->length, 3);
        agree &= same(&whole, &other);
    }
    CHECK(agree);
    if (!agree)
        printf("  the text is: %.*s\n", (int)list->length, list->text);
    return whole;
}

static struct outcome split_text(enum cc_split_kind kind, const char *key,
                                 const char *text)
{
    struct list list = {kind, key, NO_LIMIT, text, strlen(text)};

    return split(&list);
}

/* The records with bars between them. */
static const char *joined(const struct outcome *outcome, const char *text)
{
    static char all[4096];
    size_t length = 0;

    for (size_t i = 0; i < outcome->count; i++) {
        size_t size = (size_t)(outcome->spans[i].end - outcome->spans[i].begin);
        if (i)
            all[length++] = '|';
        memcpy(all + length, text + outcome->spans[i].begin, size);
        length += size;
    }
    all[length] = '\0';
    return all;
}

struct whole {
    enum cc_split_kind kind;
    const char *key, *text, *records;
};

#define ARRAY CC_SPLIT_ARRAY
#define KEY CC_SPLIT_ARRAY_OR_KEY
#define ONE CC_SPLIT_ARRAY_OR_ONE
#define WHOLE CC_SPLIT_WHOLE

static const struct whole wholes[] = {
    {ARRAY, NULL, "[]", ""},
    {ARRAY, NULL, " [ ] \n", ""},
    {ARRAY, NULL, "[{}]", "{}"},
    {ARRAY, NULL, "\t[ {\"a\":1} , {\"a\":[{},[]]} ]\r\n",
     "{\"a\":1}|{\"a\":[{},[]]}"},
    {ARRAY, NULL, "[1,-2.5e3,\"x\",true,false,null,[],[[1],2]]",
     "1|-2.5e3|\"x\"|true|false|null|[]|[[1],2]"},
    {ARRAY, NULL, "[0 ,\"\\\"]\" ,\"\\\\\" , null ]",
     "0|\"\\\"]\"|\"\\\\\"|null"},
    {ARRAY, NULL, "[{\"a\":\"}]{[\\\"}\",\"\\\\\":\"\\\\\"},{}]",
     "{\"a\":\"}]{[\\\"}\",\"\\\\\":\"\\\\\"}|{}"},
    {KEY, "data", "[1,{}]", "1|{}"},
    {KEY, "data", "{\"data\":[]}", ""},
    {KEY, "data", " {\"data\" : [ {\"x\":1} , 2 ] } ", "{\"x\":1}|2"},
    {KEY, "data",
     "{\"n\":{\"data\":[9,{\"data\":[8]}]},\"l\":[7],\"t\":\"[\",\"data\":[1,2]"
     ",\"m\":[[],{}],\"z\":null}",
     "1|2"},
    {KEY, "data", "{\"d\\u0061t\\u0061\":[1]}", "1"},
    {KEY, "data", "{\"data\":null,\"data\":[1]}", "1"},
    {KEY, "data", "{\"data\":{\"data\":[1]},\"data\":[2]}", "2"},
    {KEY, "data",
     "{\"data2\":[1],\"dat\":[2],\"data\\u0000\":[3],\"data\":[4]}", "4"},
    {KEY, "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
     "{\"\\u00e9\\u20ac\\ud83d\\ude00\":[1]}", "1"},
    {KEY, "\xC3\xA9", "{\"\xC3\xA8\":[0],\"\xC3\xA9\":[1]}", "1"},
    {KEY, "a/\"\\\n\t\r\b\f", "{\"a\\/\\\"\\\\\\n\\t\\r\\b\\f\":[1]}", "1"},
    {KEY, "", "{\"a\":[0],\"\":[1]}", "1"},
    {KEY, NULL, "{\"a\":0,\"b\":{\"c\":[3]},\"d\":[1,2],\"e\":[4]}", "1|2"},
    {ONE, NULL, "[{},{}]", "{}|{}"},
    {ONE, NULL, " {\"a\":[1,2]} ", "{\"a\":[1,2]}"},
    {ONE, NULL, "{}", "{}"},
    {WHOLE, NULL, " {\"a\":[1,2]} ", "{\"a\":[1,2]}"},
    {WHOLE, NULL, "[1,2]", "[1,2]"},
    {WHOLE, NULL, "12", "12"},
    {WHOLE, NULL, " -0.5e1 ", "-0.5e1"},
    {WHOLE, NULL, "\"x\"", "\"x\""},
    {WHOLE, NULL, "true", "true"},
    {WHOLE, NULL, " null ", "null"},
};

static void whole_lists(void)
{
    for (size_t i = 0; i < COUNT(wholes); i++) {
        struct outcome outcome =
            split_text(wholes[i].kind, wholes[i].key, wholes[i].text);

        CHECK_INT(outcome.state, CC_SPLIT_DONE);
        CHECK_INT(outcome.offset, strlen(wholes[i].text));
        CHECK(outcome.begin == UINT64_MAX || wholes[i].kind == WHOLE);
        CHECK_STR(joined(&outcome, wholes[i].text), wholes[i].records);
    }
}

/* Each of them, cut anywhere before its end, is not whole and not wrong. */
static void lists_cut_short(void)
{
    for (size_t i = 0; i < COUNT(wholes); i++) {
        size_t whole = strlen(wholes[i].text);

        while (whole && strchr(" \n\r\t", wholes[i].text[whole - 1]))
            whole--;
        for (size_t cut = 0; cut < whole; cut++) {
            struct list list = {wholes[i].kind, wholes[i].key, NO_LIMIT,
                                wholes[i].text, cut};
            struct outcome outcome = split(&list);
            int number = wholes[i].kind == WHOLE && outcome.count == 1;

            CHECK_INT(outcome.state, number ? CC_SPLIT_DONE : CC_SPLIT_MORE);
            CHECK_INT(outcome.offset, cut);
            CHECK(outcome.begin == UINT64_MAX || outcome.begin < cut);
        }
    }
}

struct damaged {
    enum cc_split_kind kind;
    const char *key, *text;
    size_t offset;
    const char *records, *reason;
};

static const struct damaged damaged[] = {
    {ARRAY, NULL, "{}", 0, "", "not an array"},
    {ARRAY, NULL, " 1", 1, "", "not an array"},
    {ARRAY, NULL, "\"[]\"", 0, "", "not an array"},
    {ARRAY, NULL, "<html>", 0, "", "a value is missing"},
    {ARRAY, NULL, "\xEF\xBB\xBF[]", 0, "", "a byte order mark is not JSON"},
    {ARRAY, NULL, "[\xEF\xBB\xBF]", 1, "", "a value is missing"},
    {ARRAY, NULL, "[{},]", 4, "{}", "a value is missing"},
    {ARRAY, NULL, "[,{}]", 1, "", "a value is missing"},
    {ARRAY, NULL, "[{} {}]", 4, "{}", "a comma or ] is missing"},
    {ARRAY, NULL, "[{}}", 3, "{}", "a comma or ] is missing"},
    {ARRAY, NULL, "[1}", 2, "1", "a comma or ] is missing"},
    {ARRAY, NULL, "[1:2]", 2, "1", "a comma or ] is missing"},
    {ARRAY, NULL, "[\"a\"\"b\"]", 4, "\"a\"", "a comma or ] is missing"},
    {ARRAY, NULL, "[{}] x", 5, "{}", "something follows the end"},
    {ARRAY, NULL, "[{}]]", 4, "{}", "something follows the end"},
    {ARRAY, NULL, "[][]", 2, "", "something follows the end"},
    {ARRAY, NULL, "[{},01]", 5, "{}", "a number with a leading zero"},
    {ARRAY, NULL, "[{},tru]", 7, "{}", "a value is missing"},
    {ARRAY, NULL, "[{},\"\n\"]", 5, "{}", "a control character"},
    {ARRAY, NULL, "[{},\"\\x\"]", 6, "{}", "an unknown escape"},
    {ARRAY, NULL, "[{},\"\\udc00\"]", 8, "{}", "half of a surrogate pair"},
    {ARRAY, NULL, "[{},\"\xC0\x80\"]", 5, "{}", "not UTF-8"},
    {ARRAY, NULL, "[{},-]", 5, "{}", "a digit is missing"},
    {ARRAY, NULL, "[]\v", 2, "", "something follows the end"},
    {KEY, "data", "1", 0, "", "neither an array nor an object"},
    {KEY, "data", "{}", 1, "", "no list in it"},
    {KEY, "data", "{\"a\":[1]}", 8, "", "no list in it"},
    {KEY, "data", "{\"data\":{\"data\":[1]}}", 20, "", "no list in it"},
    {KEY, "data", "{\"data\":null}", 12, "", "no list in it"},
    {KEY, NULL, "{\"a\":1}", 6, "", "no list in it"},
    {KEY, "data", "{\"data\":[1],\"data\":[2]}", 19, "1",
     "the list comes twice"},
    {KEY, "data", "{\"data\":[1]]", 11, "1", "a comma or } is missing"},
    {KEY, "data", "{\"data\":[1],}", 12, "1", "a member's name is missing"},
    {KEY, "data", "{\"data\" [1]}", 8, "", "a colon is missing"},
    {KEY, "data", "{data:[1]}", 1, "", "a member's name is missing"},
    {KEY, "data", "{\"a\":[1}", 7, "", "a comma or ] is missing"},
    {KEY, "data", "{\"a\":{\"b\":[{]", 12, "", "a member's name is missing"},
    {KEY, "data", "{\"a\":01,\"data\":[1]}", 6, "",
     "a number with a leading zero"},
    {KEY, "data", "{\"\xFF\":1,\"data\":[1]}", 2, "", "not UTF-8"},
    {KEY, "data", "{\"data\":[1],\"b\":nul}", 19, "1", "a value is missing"},
    {ONE, NULL, "1", 0, "", "neither an array nor an object"},
    {ONE, NULL, "{}{}", 2, "{}", "something follows the end"},
    {ONE, NULL, "{},", 2, "{}", "something follows the end"},
    {WHOLE, NULL, "1 2", 2, "1", "something follows the end"},
    {WHOLE, NULL, "01", 1, "", "a number with a leading zero"},
    {WHOLE, NULL, "]", 0, "", "a value is missing"},
    {WHOLE, NULL, "{}]", 2, "{}", "something follows the end"},
};

static void damaged_lists(void)
{
    for (size_t i = 0; i < COUNT(damaged); i++) {
        struct outcome outcome =
            split_text(damaged[i].kind, damaged[i].key, damaged[i].text);

        CHECK_INT(outcome.state, CC_SPLIT_BAD);
        CHECK_INT(outcome.offset, damaged[i].offset);
        CHECK_STR(outcome.reason, damaged[i].reason);
        CHECK_STR(joined(&outcome, damaged[i].text), damaged[i].records);
    }
}

/* The splitter and the checker together are as strict as the checker. */
static void whole_and_check_agree(void)
{
    for (size_t i = 0; i < COUNT(json_valid); i++) {
        struct list list = {WHOLE, NULL, NO_LIMIT, json_valid[i].text,
                            json_valid[i].length};
        struct outcome outcome = split(&list);

        CHECK_INT(outcome.state, CC_SPLIT_DONE);
        CHECK_INT(outcome.count, 1);
    }
    for (size_t i = 0; i < COUNT(json_wrong); i++) {
        struct list list = {WHOLE, NULL, NO_LIMIT, json_wrong[i].text,
                            json_wrong[i].length};
        struct outcome outcome = split(&list);
        size_t offset = (size_t)outcome.offset;
        uint64_t begin = outcome.count ? outcome.spans[0].begin : outcome.begin;
        uint64_t end = outcome.count ? outcome.spans[0].end : outcome.offset;

        /* Scalars are the splitter's own affair. */
        if (begin != UINT64_MAX && strchr("[{", list.text[begin]) &&
            cc_json_check(list.text + begin, (size_t)(end - begin), &offset,
                          NULL) == CC_CHECK_BAD)
            offset += (size_t)begin;
        else
            CHECK_INT(outcome.state, CC_SPLIT_BAD);
        CHECK_INT(offset, json_wrong[i].offset);
    }
    for (size_t i = 0; i < COUNT(json_cut); i++) {
        struct list list = {WHOLE, NULL, NO_LIMIT, json_cut[i].text,
                            json_cut[i].length};

        CHECK_INT(split(&list).state, CC_SPLIT_MORE);
    }
}

/* A document that nobody wants in records is checked as strictly. */
static void check_alone(void)
{
    for (size_t i = 0; i < COUNT(json_valid); i++) {
        struct list list = {CC_SPLIT_CHECK, NULL, NO_LIMIT, json_valid[i].text,
                            json_valid[i].length};
        struct outcome outcome = split(&list);

        CHECK_INT(outcome.state, CC_SPLIT_DONE);
        CHECK_INT(outcome.count, 0);
    }
    for (size_t i = 0; i < COUNT(json_wrong); i++) {
        struct list list = {CC_SPLIT_CHECK, NULL, NO_LIMIT, json_wrong[i].text,
                            json_wrong[i].length};
        struct outcome outcome = split(&list);

        CHECK_INT(outcome.state, CC_SPLIT_BAD);
        CHECK_INT(outcome.offset, json_wrong[i].offset);
    }
    for (size_t i = 0; i < COUNT(json_cut); i++) {
        struct list list = {CC_SPLIT_CHECK, NULL, NO_LIMIT, json_cut[i].text,
                            json_cut[i].length};

        CHECK_INT(split(&list).state, CC_SPLIT_MORE);
    }
}

/* White space without end, or a member that nobody wants, was read for ever. */
static void limit_between_records(void)
{
    static const struct {
        enum cc_split_kind kind;
        const char *text;
        size_t count;
    } cases[] = {
        {CC_SPLIT_ARRAY, "            [{}]", 0},
        {CC_SPLIT_ARRAY, "[            {}]", 0},
        {CC_SPLIT_ARRAY, "[{},           {}]", 1},
        {CC_SPLIT_ARRAY, "[{}            ]", 1},
        {CC_SPLIT_ARRAY, "[{}]            ", 1},
        {CC_SPLIT_ARRAY_OR_KEY, "{\"other\":[1,2],\"data\":[]}", 0},
        {CC_SPLIT_ARRAY_OR_KEY, "{\"data\":[{}],\"more\":12345}", 1},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct list list = {cases[i].kind, "data", 11, cases[i].text,
                            strlen(cases[i].text)};
        struct outcome outcome = split(&list);

        CHECK_INT(outcome.state, CC_SPLIT_LARGE);
        CHECK(outcome.reason == cc_split_between);
        CHECK_INT(outcome.count, cases[i].count);
        list.most = 30;
        CHECK_INT(split(&list).state, CC_SPLIT_DONE);
    }
}

/* Quotes, backslashes and brackets at every place of a 64-byte block. */
static void block_borders(void)
{
    static const char *const odd[] = {"\\\"", "\\\\", "}",
                                      "]",    "{[",   "\\\\\\\""};

    for (size_t which = 0; which < COUNT(odd); which++)
        for (int before = 0; before < 140; before++) {
            char text[1024], want[512];
            struct outcome outcome;
            int fill = 140 - before;
            int size = snprintf(want, sizeof want, "{\"%*s%s%*s\":[[{}],{}]}",
                                before, "", odd[which], fill, "");

            CHECK(size < (int)sizeof want);
            snprintf(text, sizeof text, "[%s,1]", want);
            strcat(want, "|1");
            outcome = split_text(CC_SPLIT_ARRAY, NULL, text);
            CHECK_INT(outcome.state, CC_SPLIT_DONE);
            CHECK_STR(joined(&outcome, text), want);
        }
}

static void rows_of_a_list(void)
{
    char text[4096] = "[", want[4096] = "";
    struct outcome outcome;

    for (int i = 0; i < 12; i++) {
        char row[256];

        snprintf(row, sizeof row,
                 "{\"id\":\"%d\",\"name\":\"a \\\"%*s]}\",\"metrics\":["
                 "{\"key\":\"a{\",\"value\":%d}]}",
                 i, 10 + 7 * i, "[{", i);
        strcat(strcat(text, i ? " ,\n" : ""), row);
        strcat(strcat(want, i ? "|" : ""), row);
    }
    strcat(text, "]");
    outcome = split_text(CC_SPLIT_ARRAY, NULL, text);
    CHECK_INT(outcome.state, CC_SPLIT_DONE);
    CHECK_STR(joined(&outcome, text), want);
}

static void runs_of_backslashes(void)
{
    for (int slashes = 0; slashes < 140; slashes++) {
        char text[512] = "[{\"";
        struct outcome outcome;

        memset(text + 3, '\\', (size_t)slashes);
        /* An odd number of them takes the meaning of the quote. */
        strcpy(text + 3 + slashes, slashes % 2 ? "\"}\":1}]" : "\":1}]");
        outcome = split_text(CC_SPLIT_ARRAY, NULL, text);
        CHECK_INT(outcome.state, CC_SPLIT_DONE);
        CHECK_INT(outcome.count, 1);
        CHECK_INT(outcome.spans[0].end, strlen(text) - 1);
    }
}

static void depth_in_and_out_of_records(void)
{
    char text[8 * CC_JSON_DEPTH] = "[";
    struct outcome outcome;

    /* Inside of a record it is the decoder that minds the depth. */
    memset(text + 1, '[', 2 * CC_JSON_DEPTH);
    memset(text + 1 + 2 * CC_JSON_DEPTH, ']', 2 * CC_JSON_DEPTH + 1);
    text[2 + 4 * CC_JSON_DEPTH] = '\0';
    outcome = split_text(CC_SPLIT_ARRAY, NULL, text);
    CHECK_INT(outcome.state, CC_SPLIT_DONE);
    CHECK_INT(outcome.count, 1);
    CHECK_INT(outcome.spans[0].end, 1 + 4 * CC_JSON_DEPTH);

    /* Outside of records the splitter does. */
    strcpy(text, "{\"a\":");
    memset(text + 5, '[', CC_JSON_DEPTH);
    text[5 + CC_JSON_DEPTH] = '\0';
    outcome = split_text(CC_SPLIT_ARRAY_OR_KEY, "data", text);
    CHECK_INT(outcome.state, CC_SPLIT_BAD);
    CHECK_INT(outcome.offset, 5 + CC_JSON_DEPTH - 1);
    CHECK_STR(outcome.reason, "nested too deeply");
    text[5 + CC_JSON_DEPTH - 1] = '\0';
    outcome = split_text(CC_SPLIT_ARRAY_OR_KEY, "data", text);
    CHECK_INT(outcome.state, CC_SPLIT_MORE);
}

static void record_limit(void)
{
    static const char *const texts[] = {
        "[{},{\"a\":\"0123456789\"},{}]", "[{},\"01234567890123456\",{}]",
        "[{},1234567890123456789 ,{}]", "[{},[1,[2],[3],[4],[5]],{}]"};
    static const uint64_t size = 18;

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct list list = {ARRAY, NULL, size + 1, texts[i], strlen(texts[i])};
        struct outcome outcome = split(&list);

        CHECK_INT(outcome.state, CC_SPLIT_DONE);
        CHECK_INT(outcome.count, 3);
        list.most = outcome.spans[1].end - outcome.spans[1].begin;
        outcome = split(&list); /* at the limit */
        CHECK_INT(outcome.state, CC_SPLIT_DONE);
        list.most--;
        outcome = split(&list); /* over it */
        CHECK_INT(outcome.state, CC_SPLIT_LARGE);
        CHECK(outcome.reason == cc_split_record);
        CHECK_INT(outcome.count, 1);
        CHECK_INT(outcome.begin, 4);
        CHECK_INT(outcome.offset, 4 + list.most);
        list.most = UINT64_MAX; /* lifted */
        CHECK_INT(split(&list).state, CC_SPLIT_DONE);
    }
}

static void record_under_way(void)
{
    struct cc_split split_;
    struct cc_span spans[4];
    size_t count;

    cc_split_start(&split_, CC_SPLIT_ARRAY, NULL, NO_LIMIT);
    CHECK(split_.begin == UINT64_MAX);
    CHECK_INT(cc_split_feed(&split_, " [{},{\"a", 8, spans, 4, &count), 8);
    CHECK_INT(count, 1);
    CHECK_INT(split_.begin, 5);
    CHECK_INT(split_.offset, 8);
    CHECK_INT(cc_split_finish(&split_, spans, &count), CC_SPLIT_MORE);
    CHECK_INT(count, 0);
}

static void errors_stick(void)
{
    struct cc_split split_;
    struct cc_span spans[4];
    size_t count;

    cc_split_start(&split_, CC_SPLIT_ARRAY, NULL, NO_LIMIT);
    CHECK_INT(cc_split_feed(&split_, "[1,}", 4, spans, 4, &count), 3);
    CHECK_INT(split_.state, CC_SPLIT_BAD);
    CHECK_INT(count, 1);
    CHECK_INT(cc_split_feed(&split_, "2]", 2, spans, 4, &count), 0);
    CHECK_INT(count, 0);
    CHECK_INT(split_.offset, 3);
    CHECK_INT(cc_split_finish(&split_, spans, &count), CC_SPLIT_BAD);
}

static void done_as_soon_as_it_is(void)
{
    struct cc_split split_;
    struct cc_span spans[4];
    size_t count;

    cc_split_start(&split_, CC_SPLIT_ARRAY, NULL, NO_LIMIT);
    cc_split_feed(&split_, "[1", 2, spans, 4, &count);
    CHECK_INT(split_.state, CC_SPLIT_MORE);
    cc_split_feed(&split_, "]", 1, spans, 4, &count);
    CHECK_INT(split_.state, CC_SPLIT_DONE);
    CHECK_INT(count, 1);
}

int main(void)
{
    it("finds the records of whole lists", whole_lists);
    it("asks for more when a list is cut short", lists_cut_short);
    it("tells the first wrong byte, after the records before", damaged_lists);
    it("is with the checker as strict as the checker", whole_and_check_agree);
    it("finds rows wherever they are cut", rows_of_a_list);
    it("sees quotes and brackets at every place of a block", block_borders);
    it("counts runs of backslashes across blocks", runs_of_backslashes);
    it("minds the depth outside of records", depth_in_and_out_of_records);
    it("takes a record at the limit, not over it", record_limit);
    it("takes as much between records, not more", limit_between_records);
    it("is alone as strict as the checker", check_alone);
    it("says where the record under way began", record_under_way);
    it("stays with its first error", errors_stick);
    it("is done with the last bracket", done_as_soon_as_it_is);
    return check_report();
}
