/* The splitter: the records of a list, and what is not one. */
#include "json_split.h"

#include "../../src/json/check.h"

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

int main(void)
{
    it("finds the records of whole lists", whole_lists);
    it("asks for more when a list is cut short", lists_cut_short);
    it("reports the first wrong byte, after the records before it",
       damaged_lists);
    it("is as strict as the checker, with it", whole_and_check_agree);
    it("finds rows wherever they are cut", rows_of_a_list);
    it("finds quotes and brackets at every place of a block", block_borders);
    it("counts runs of backslashes across blocks", runs_of_backslashes);
    it("is as strict as the checker, without it", check_alone);
    return check_report();
}
