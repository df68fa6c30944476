/* What a pushed message says. */
#include "update.h"

#include "check.h"

#include "scan.h"
#include "siphash.h"

static const char *const paths[CCAAS_UPDATE_PARTS] = {
    "key.metricId", "key.categoryValue",    "value.type",
    "value.count",  "value.lastUpdateTime", "value"};

static struct cc_update_form form;

#define MESSAGE(metric, category, more)                                        \
    "{\"key\":{\"metricId\":" metric category                                  \
    "},\"value\":{\"type\":\"COUNT\",\"count\":3" more "}}"
#define CATEGORY(text) ",\"categoryValue\":" text
#define UPDATED(text) ",\"lastUpdateTime\":" text

/* Looks at a copy that ends where its memory ends, for the sanitizers; `parts`
 * are of no use after it. */
static struct cc_update look_at(const char *text, size_t length)
{
    struct cc_update update;
    char *copy = malloc(length ? length : 1);

    memset(&update, 0x55, sizeof update);
    if (length)
        memcpy(copy, text, length);
    cc_update_look(&form, copy, length, &update);
    free(copy);
    return update;
}

static struct cc_update look(const char *text)
{
    return look_at(text, strlen(text));
}

static uint64_t hash(const char *metric, const char *category)
{
    return cc_update_hash(&form, metric, strlen(metric), category,
                          strlen(category));
}

static void updates(void)
{
    struct cc_update update =
        look(MESSAGE("\"101\"", CATEGORY("\"Sales\""),
                     UPDATED("\"2024-02-29T12:00:00.5Z\"")));

    CHECK(update.is_update);
    CHECK(!update.fault);
    CHECK(update.hash == hash("101", "Sales"));
    CHECK_INT(update.when, INT64_C(1709208000500000));
    for (size_t i = 0; i < CCAAS_UPDATE_PARTS; i++)
        CHECK(update.parts[i].begin);
}

static void no_updates(void)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "1",
        "\"text\"",
        "null",
        "{\"key\":{\"metricId\":\"1\"}}",
        "{\"value\":{}}",
        "{\"key\":{},\"value\":{}}",
        "{\"key\":{\"metricId\":true},\"value\":{}}",
        "{\"key\":{\"metricId\":[1]},\"value\":{}}",
        "{\"key\":{\"metricId\":null},\"value\":{}}",
        "{\"key\":{\"metricId\":\"1\"},\"value\":3}",
        "{\"key\":{\"metricId\":\"1\"},\"value\":null}",
        "{\"key\":{\"metricId\":\"1\"},\"value\":[]}",
        "{\"key\":[{\"metricId\":\"1\"}],\"value\":{}}",
        "[{\"key\":{\"metricId\":\"1\"},\"value\":{}}]",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct cc_update update = look(texts[i]);

        CHECK(!update.is_update);
        CHECK(!update.fault);
        CHECK(update.when == CC_UPDATE_NEVER);
    }
    CHECK(look("{\"key\":{\"metricId\":\"\"},\"value\":{}}").is_update);
}

/* A number for an id was taken for a message of another kind. */
static void numbers(void)
{
    struct cc_update update =
        look("{\"key\":{\"metricId\":101,\"categoryValue\":7},\"value\":{}}");

    CHECK(update.is_update);
    CHECK(update.hash == hash("101", "7"));
    CHECK(look("{\"key\":{\"metricId\":-1},\"value\":{}}").is_update);
}

static void no_json(void)
{
    const char *text = MESSAGE("\"101\"", CATEGORY("\"\\u0041\""),
                               UPDATED("\"2024-02-29T12:00:00Z\""));
    struct cc_update update = look("{\"key\":x}");

    CHECK(!update.is_update);
    CHECK(update.fault && *update.fault);
    CHECK_INT(update.fault_at, 7);
    for (size_t cut = 0; cut < strlen(text); cut++) {
        update = look_at(text, cut);
        CHECK(!update.is_update);
        CHECK_STR(update.fault, cc_json_cut);
        CHECK_INT(update.fault_at, cut);
    }
    CHECK(look(text).is_update);
    CHECK(look_at("{}\0", 3).fault);
}

static void who_it_is_of(void)
{
    uint64_t one = look(MESSAGE("\"1\"", CATEGORY("\"A\""), "")).hash;

    CHECK(look(MESSAGE("\"1\"", CATEGORY("\"A\""), ",\"x\":1")).hash == one);
    CHECK(look(MESSAGE("\"\\u0031\"", CATEGORY("\"\\u0041\""), "")).hash ==
          one);
    CHECK(look(MESSAGE("\"1\"", CATEGORY("\"B\""), "")).hash != one);
    CHECK(look(MESSAGE("\"2\"", CATEGORY("\"A\""), "")).hash != one);
    CHECK(look(MESSAGE("\"A\"", CATEGORY("\"1\""), "")).hash != one);
    CHECK(look(MESSAGE("\"1A\"", CATEGORY("\"\""), "")).hash != one);
    CHECK(look(MESSAGE("\"\"", CATEGORY("\"1A\""), "")).hash != one);
    CHECK(look(MESSAGE("\"1\"", CATEGORY("5"), "")).hash == hash("1", "5"));
}

/* As the reader has it, where null is as good as not there. */
static void without_category(void)
{
    uint64_t none = hash("1", "");

    CHECK(look(MESSAGE("\"1\"", "", "")).hash == none);
    CHECK(look(MESSAGE("\"1\"", CATEGORY("null"), "")).hash == none);
    CHECK(look(MESSAGE("\"1\"", CATEGORY("\"null\""), "")).hash != none);
}

static void long_names(void)
{
    static char text[20000], name[16384];

    for (size_t length = 1; length < sizeof name; length *= 2) {
        memset(name, 'n', length);
        name[length] = '\0';
        snprintf(text, sizeof text, MESSAGE("\"%s\"", "", ""), name);
        CHECK(look(text).hash == hash(name, ""));
        /* The same name, with an escape at its end. */
        snprintf(text, sizeof text, MESSAGE("\"%.*s\\u006e\"", "", ""),
                 (int)length - 1, name);
        CHECK(look(text).is_update);
        if (length + 5 <= 1024)
            CHECK(look(text).hash == hash(name, ""));
    }
}

static void key_of_the_hash(void)
{
    const char *text = MESSAGE("\"1\"", CATEGORY("\"A\""), "");
    uint64_t before = look(text).hash;

    form.key[0]++;
    CHECK(look(text).hash != before);
    CHECK(look(text).hash == hash("1", "A"));
    form.key[0]--;
    form.key[1]++;
    CHECK(look(text).hash != before);
    form.key[1]--;
    CHECK(look(text).hash == before);
}

static void without_time(void)
{
    static const char *const texts[] = {
        MESSAGE("\"1\"", "", ""),
        MESSAGE("\"1\"", "", UPDATED("null")),
        MESSAGE("\"1\"", "", UPDATED("\"\"")),
        MESSAGE("\"1\"", "", UPDATED("\"yesterday\"")),
        MESSAGE("\"1\"", "", UPDATED("1709208000")),
        MESSAGE("\"1\"", "", UPDATED("[\"2024-02-29T12:00:00Z\"]")),
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(look(texts[i]).is_update);
        CHECK(look(texts[i]).when == CC_UPDATE_NEVER);
    }
    CHECK_INT(
        look(MESSAGE("\"1\"", "", UPDATED("\"2024-02-29T12:00:00\\u005a\"")))
            .when,
        INT64_C(1709208000000000));
}

/* The reference implementation's first outputs, for the key 00 01 ... 0f. */
static void known_hashes(void)
{
    const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    unsigned char bytes[64];
    uint64_t all = 0;

    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)i;
        for (unsigned j = 0; j < i; j++)
            CHECK(cc_siphash(key, bytes, i) != cc_siphash(key, bytes, j));
        all |= cc_siphash(key, bytes, i);
    }
    CHECK(cc_siphash(key, NULL, 0) == UINT64_C(0xabac0158050fc4dc));
    CHECK(cc_siphash(key, bytes, 1) == UINT64_C(0xc9f49bf37d57ca93));
    CHECK(all == UINT64_MAX);
}

int main(void)
{
    form.pick = cc_pick_form_new(paths, CCAAS_UPDATE_PARTS);
    form.key[0] = 0x0123456789abcdef;
    form.key[1] = 0xfedcba9876543210;
    it("treats a message with a metric and a whole value as an update",
       updates);
    it("treats anything else as not an update", no_updates);
    it("accepts a number as an id", numbers);
    it("says why a text is not JSON, and where", no_json);
    it("distinguishes metrics and categories, whatever their escapes",
       who_it_is_of);
    it("treats null as no category, and \"null\" as a category",
       without_category);
    it("takes names of any length", long_names);
    it("hashes under its key", key_of_the_hash);
    it("knows updates without a time", without_time);
    it("has SipHash-1-3's values", known_hashes);
    free(form.pick);
    return check_report();
}
