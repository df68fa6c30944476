/* Picks values out of one JSON text.  PURE: see pick.h.
 *
 * Members off the paths are passed over by the strict scanner; those on them
 * are walked into.
 */
#include "pick.h"

#include <stdlib.h>
#include <string.h>

#include "scan.h"

struct name {
    const char *text;
    size_t length;
};

struct path {
    size_t depth;
    struct name names[CCAAS_PICK_DEPTH];
};

struct ccaas_pick_form {
    size_t count;
    struct path paths[CCAAS_PICK_MOST];
    char texts[];
};

/* Splits the path at its dots; false: too deep. */
static bool split(struct path *path, const char *text)
{
    size_t length;

    for (;; text += length + 1) {
        length = strcspn(text, ".");
        if (path->depth == CCAAS_PICK_DEPTH)
            return false;
        path->names[path->depth++] = (struct name){text, length};
        if (!text[length])
            return true;
    }
}

struct ccaas_pick_form *ccaas_pick_form_new(const char *const *paths,
                                            size_t count)
{
    struct ccaas_pick_form *form;
    size_t bytes = sizeof *form;
    char *at;

    if (count > CCAAS_PICK_MOST)
        return NULL;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(paths[i]) + 1;
    form = calloc(1, bytes);
    if (!form)
        return NULL;
    form->count = count;
    at = form->texts;
    for (size_t i = 0; i < count; i++) {
        strcpy(at, paths[i]);
        if (!split(&form->paths[i], at)) {
            free(form);
            return NULL;
        }
        at += strlen(at) + 1;
    }
    return form;
}

/* One walk.  `alive` has a bit for each path that the members entered so far
 * are the beginning of. */
struct walk {
    struct ccaas_scan scan;
    const struct ccaas_pick_form *form;
    struct ccaas_part *picks;
};

/* Is the name in the text (its inside) that one?  Escapes are rare. */
static bool is_name(struct name name, const char *begin, const char *end,
                    bool escaped)
{
    const char *text = name.text;

    if (!escaped)
        return name.length == (size_t)(end - begin) &&
               (!name.length || *begin == *text) &&
               memcmp(begin, text, name.length) == 0;
    while (begin < end) {
        char bytes[4];
        size_t count = ccaas_scan_character(&begin, bytes);

        if (count > (size_t)(name.text + name.length - text) ||
            memcmp(bytes, text, count) != 0)
            return false;
        text += count;
    }
    return text == name.text + name.length;
}

/* Those of the paths in `alive` that go on with that name at this depth. */
static unsigned going_on(const struct walk *walk, unsigned alive, size_t depth,
                         const char *begin, const char *end, bool escaped)
{
    unsigned on = 0;

    for (unsigned left = alive; left; left &= left - 1) {
        const struct path *path = &walk->form->paths[__builtin_ctz(left)];

        if (depth < path->depth &&
            is_name(path->names[depth], begin, end, escaped))
            on |= left & -left;
    }
    return on;
}

static const char *walk_object(struct walk *walk, const char *at,
                               unsigned alive, size_t depth);

/* A member's value, whose first byte is at `at`; `on` are the paths that its
 * name is on. */
static const char *walk_value(struct walk *walk, const char *at, unsigned on,
                              size_t depth)
{
    const char *begin = at;
    unsigned deeper = 0;

    for (unsigned left = on; left; left &= left - 1) {
        walk->picks[__builtin_ctz(left)] = (struct ccaas_part){NULL, NULL};
        if (walk->form->paths[__builtin_ctz(left)].depth > depth + 1)
            deeper |= left & -left;
    }
    if (deeper && at < walk->scan.end && *at == '{')
        at = walk_object(walk, at + 1, deeper, depth + 1);
    else
        at = ccaas_scan_value(&walk->scan, at, (int)depth + 1);
    for (unsigned left = at ? on & ~deeper : 0; left; left &= left - 1)
        walk->picks[__builtin_ctz(left)] = (struct ccaas_part){begin, at};
    return at;
}

/* A member's name and the colon; *on gets the paths that it is on. */
static const char *walk_name(struct walk *walk, const char *at, unsigned alive,
                             size_t depth, unsigned *on)
{
    struct ccaas_scan *scan = &walk->scan;
    bool escaped = false;
    const char *end;

    if (at == scan->end || *at != '"')
        return ccaas_scan_fail(
            scan, at, at == scan->end ? ccaas_json_cut : ccaas_json_no_name);
    end = ccaas_scan_string(scan, at + 1, &escaped);
    if (!end)
        return NULL;
    *on = going_on(walk, alive, depth, at + 1, end, escaped);
    at = ccaas_scan_space(end + 1, scan->end);
    if (at == scan->end || *at != ':')
        return ccaas_scan_fail(
            scan, at, at == scan->end ? ccaas_json_cut : ccaas_json_no_colon);
    return ccaas_scan_space(at + 1, scan->end);
}

/* The members of an object; `at` is behind its bracket. */
static const char *walk_object(struct walk *walk, const char *at,
                               unsigned alive, size_t depth)
{
    struct ccaas_scan *scan = &walk->scan;
    unsigned on = 0;

    at = ccaas_scan_space(at, scan->end);
    if (at < scan->end && *at == '}')
        return at + 1;
    for (;;) {
        at = walk_name(walk, at, alive, depth, &on);
        if (at)
            at = walk_value(walk, at, on, depth);
        if (!at)
            return NULL;
        at = ccaas_scan_space(at, scan->end);
        if (at < scan->end && *at == '}')
            return at + 1;
        if (at == scan->end || *at != ',')
            return ccaas_scan_fail(scan, at,
                                   at == scan->end ? ccaas_json_cut
                                                   : ccaas_json_no_object_end);
        at = ccaas_scan_space(at + 1, scan->end);
    }
}

bool ccaas_pick(const struct ccaas_pick_form *form, const char *bytes,
                size_t length, struct ccaas_part *picks, size_t *offset,
                const char **reason)
{
    struct walk walk = {
        .scan = {.end = bytes + length}, .form = form, .picks = picks};
    const char *at = ccaas_scan_space(bytes, walk.scan.end);

    memset(picks, 0, form->count * sizeof *picks);
    if (at < walk.scan.end && *at == '\xEF')
        at = ccaas_scan_fail(&walk.scan, at, ccaas_json_bom);
    else if (at < walk.scan.end && *at == '{')
        at = walk_object(&walk, at + 1, (1u << form->count) - 1, 0);
    else
        at = ccaas_scan_value(&walk.scan, at, 0);
    if (at)
        at = ccaas_scan_space(at, walk.scan.end);
    if (at && at < walk.scan.end)
        at = ccaas_scan_fail(&walk.scan, at, ccaas_json_trailing);
    if (at)
        return true;
    *offset = (size_t)(walk.scan.wrong - bytes);
    *reason = walk.scan.reason;
    return false;
}
