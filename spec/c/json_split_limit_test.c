/* The splitter: its limits, and its state on the way. */
#include "json_split.h"

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
        struct list list = {CC_SPLIT_ARRAY, NULL, size + 1, texts[i],
                            strlen(texts[i])};
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
    it("limits the depth outside of records", depth_in_and_out_of_records);
    it("takes a record at the limit, not over it", record_limit);
    it("takes as much between records, not more", limit_between_records);
    it("says where the unfinished record began", record_under_way);
    it("stays with its first error", errors_stick);
    it("is done with the last bracket", done_as_soon_as_it_is);
    return check_report();
}
