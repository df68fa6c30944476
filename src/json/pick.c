/* Picks values out of one JSON text.  PURE: see pick.h.
 *
 * Members off the paths are passed over by the strict scanner; those on them
 * are walked into.
 */
#include "pick.h"

#include <stdlib.h>
#include <string.h>

#include "scan.h"

/* A name on one or more paths, of those that may follow the one above it. */
struct name {
    const char *text;
    size_t length;
    unsigned ends;            /* a bit for each path that ends here */
    unsigned on;              /* and for each that comes by */
    struct name *next, *down; /* beside it; below it */
};

struct cc_pick_form {
    size_t count, used;
    struct name *first;
    struct name names[]; /* and behind them their texts */
};

/* That name in the list; it is made where there is none. */
static struct name *list_name(struct cc_pick_form *form, struct name **list,
                              const char *text, size_t length)
{
    for (; *list; list = &(*list)->next)
        if ((*list)->length == length &&
            memcmp((*list)->text, text, length) == 0)
            return *list;
    *list = &form->names[form->used++];
    (*list)->text = text;
    (*list)->length = length;
    return *list;
}

/* Adds the path, split at its dots; false: too deep. */
static bool add_path(struct cc_pick_form *form, unsigned bit, const char *text)
{
    struct name **list = &form->first, *name;
    size_t depth, length;

    for (depth = 0; depth < CC_PICK_DEPTH; depth++) {
        length = strcspn(text, ".");
        name = list_name(form, list, text, length);
        name->on |= bit;
        if (!text[length]) {
            name->ends |= bit;
            return true;
        }
        list = &name->down;
        text += length + 1;
    }
    return false;
}

static size_t names_in(const char *path)
{
    size_t count = 1;

    for (; *path; path++)
        count += *path == '.';
    return count;
}

struct cc_pick_form *cc_pick_form_new(const char *const *paths, size_t count)
{
    struct cc_pick_form *form;
    size_t bytes = sizeof *form, names = 0;
    char *at;

    if (count > CC_PICK_MOST)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        names += names_in(paths[i]);
        bytes += strlen(paths[i]) + 1;
    }
    form = calloc(1, bytes + names * sizeof *form->names);
    if (!form)
        return NULL;
    form->count = count;
    at = (char *)&form->names[names];
    for (size_t i = 0; i < count; i++) {
        strcpy(at, paths[i]);
        if (!add_path(form, 1u << i, at)) {
            free(form);
            return NULL;
        }
        at += strlen(at) + 1;
    }
    return form;
}

struct walk {
    struct cc_scan scan;
    struct ccaas_part *picks;
};

/* Is the name in the text (its inside) that one?  Escapes are rare. */
static bool is_name(const struct name *name, const char *begin, const char *end,
                    bool escaped)
{
    const char *text = name->text;

    if (!escaped)
        return name->length == (size_t)(end - begin) &&
               (!name->length || *begin == *text) &&
               memcmp(begin, text, name->length) == 0;
    while (begin < end) {
        char bytes[4];
        size_t count = cc_scan_character(&begin, bytes);

        if (count > (size_t)(name->text + name->length - text) ||
            memcmp(bytes, text, count) != 0)
            return false;
        text += count;
    }
    return text == name->text + name->length;
}

static const char *walk_object(struct walk *walk, const char *at,
                               const struct name *names, int depth);

/* The value of a member with that name, whose first byte is at `at`. */
static const char *walk_value(struct walk *walk, const char *at,
                              const struct name *name, int depth)
{
    const char *begin = at;

    for (unsigned left = name->on; left; left &= left - 1)
        walk->picks[__builtin_ctz(left)] = (struct ccaas_part){NULL, NULL};
    if (name->down && at < walk->scan.end && *at == '{')
        at = walk_object(walk, at + 1, name->down, depth + 1);
    else
        at = cc_scan_value(&walk->scan, at, depth + 1);
    for (unsigned left = at ? name->ends : 0; left; left &= left - 1)
        walk->picks[__builtin_ctz(left)] = (struct ccaas_part){begin, at};
    return at;
}

/* A member's name and the colon; *found is that one of `names`, or NULL. */
static const char *walk_name(struct walk *walk, const char *at,
                             const struct name *names,
                             const struct name **found)
{
    struct cc_scan *scan = &walk->scan;
    bool escaped = false;
    const char *end;

    if (at == scan->end || *at != '"')
        return cc_scan_fail(scan, at,
                            at == scan->end ? cc_json_cut : cc_json_no_name);
    end = cc_scan_string(scan, at + 1, &escaped);
    if (!end)
        return NULL;
    while (names && !is_name(names, at + 1, end, escaped))
        names = names->next;
    *found = names;
    at = cc_scan_space(end + 1, scan->end);
    if (at == scan->end || *at != ':')
        return cc_scan_fail(scan, at,
                            at == scan->end ? cc_json_cut : cc_json_no_colon);
    return cc_scan_space(at + 1, scan->end);
}

/* The members of an object; `at` is behind its bracket. */
static const char *walk_object(struct walk *walk, const char *at,
                               const struct name *names, int depth)
{
    struct cc_scan *scan = &walk->scan;
    const struct name *name = NULL;

    at = cc_scan_space(at, scan->end);
    if (at < scan->end && *at == '}')
        return at + 1;
    for (;;) {
        at = walk_name(walk, at, names, &name);
        if (at && name)
            at = walk_value(walk, at, name, depth);
        else if (at)
            at = cc_scan_value(scan, at, depth + 1);
        if (!at)
            return NULL;
        at = cc_scan_space(at, scan->end);
        if (at < scan->end && *at == '}')
            return at + 1;
        if (at == scan->end || *at != ',')
            return cc_scan_fail(scan, at,
                                at == scan->end ? cc_json_cut
                                                : cc_json_no_object_end);
        at = cc_scan_space(at + 1, scan->end);
    }
}

bool cc_pick(const struct cc_pick_form *form, const char *bytes, size_t length,
             struct ccaas_part *picks, size_t *offset, const char **reason)
{
    struct walk walk = {.scan = {.end = bytes + length}, .picks = picks};
    const char *at = cc_scan_space(bytes, walk.scan.end);

    memset(picks, 0, form->count * sizeof *picks);
    if (at < walk.scan.end && *at == '\xEF')
        at = cc_scan_fail(&walk.scan, at, cc_json_bom);
    else if (at < walk.scan.end && *at == '{')
        at = walk_object(&walk, at + 1, form->first, 0);
    else
        at = cc_scan_value(&walk.scan, at, 0);
    if (at)
        at = cc_scan_space(at, walk.scan.end);
    if (at && at < walk.scan.end)
        at = cc_scan_fail(&walk.scan, at, cc_json_trailing);
    if (at)
        return true;
    *offset = (size_t)(walk.scan.wrong - bytes);
    *reason = walk.scan.reason;
    return false;
}
