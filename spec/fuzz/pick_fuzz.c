/* Fuzzes the picker: its verdict is the checker's, and so are the first wrong
 * byte and the reason; what it picks is JSON by itself, and is where a picker
 * with one path finds it.
 *
 * Input: the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pick.h"
#include "scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = {"a",       "a.b",  "a.b.c", "data.id",
                                    "metrics", "data", "",      "data.id.n"};

enum { COUNT = sizeof paths / sizeof *paths };

static void must(int condition)
{
    if (!condition)
        abort();
}

static void must_agree(bool is_json, size_t wrong, const char *why,
                       const char *text, size_t length)
{
    size_t offset = 0;
    const char *reason = NULL;

    switch (cc_json_check(text, length, &offset, &reason)) {
    case CC_CHECK_OK:
        must(is_json);
        break;
    case CC_CHECK_MORE:
        must(!is_json && wrong == length && why == cc_json_cut);
        break;
    case CC_CHECK_BAD:
        must(!is_json && wrong == offset && why == reason);
        break;
    }
}

static void must_be_value(const struct ccaas_part *part, const char *text,
                          size_t length)
{
    if (!part->begin)
        return;
    must(text <= part->begin && part->begin < part->end &&
         part->end <= text + length);
    must(cc_json_check(part->begin, (size_t)(part->end - part->begin), NULL,
                       NULL) == CC_CHECK_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cc_pick_form *all, *each[COUNT];
    struct ccaas_part parts[COUNT], part;
    size_t offset = 0;
    const char *reason = NULL;
    /* A copy of its own, so that reading beyond it shows. */
    char *text = malloc(size ? size : 1);
    bool is_json;

    if (!all) {
        all = cc_pick_form_new(paths, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            each[i] = cc_pick_form_new(&paths[i], 1);
    }
    if (size)
        memcpy(text, data, size);
    is_json = cc_pick(all, text, size, parts, &offset, &reason);
    must_agree(is_json, offset, reason, text, size);
    for (size_t i = 0; i < COUNT; i++) {
        must(cc_pick(each[i], text, size, &part, &offset, &reason) == is_json);
        if (!is_json)
            continue;
        must_be_value(&parts[i], text, size);
        must(part.begin == parts[i].begin && part.end == parts[i].end);
    }
    free(text);
    return 0;
}
