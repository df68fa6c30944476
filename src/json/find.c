/* Looks single values up in JSON: an error's code, a token's expiry.
 *
 * PURE.
 */
#include "check.h"

#include "scan.h"

/* Is the text of the string at `at` (its inside) the path's first name? */
static bool is_name(const char *at, const char *end, const char *path,
                    size_t length)
{
    while (at < end) {
        char bytes[4];
        size_t count = cc_scan_character(&at, bytes);
        if (count > length || memcmp(bytes, path, count) != 0)
            return false;
        path += count;
        length -= count;
    }
    return length == 0;
}

/* Copies the text of a string (its inside), as much as there is room for. */
static long copy_string(const char *at, const char *end, char *text,
                        size_t room)
{
    size_t length = 0;

    while (at < end) {
        char bytes[4];
        size_t count = cc_scan_character(&at, bytes);
        if (length + count >= room)
            break;
        memcpy(text + length, bytes, count);
        length += count;
    }
    if (room)
        text[length] = '\0';
    return (long)length;
}

static long copy_scalar(struct cc_scan *scan, const char *at, char *text,
                        size_t room)
{
    const char *end = cc_scan_value(scan, at, 0);
    size_t length;

    if (!end || *at == '{' || *at == '[' || *at == 'n')
        return -1;
    if (*at == '"')
        return copy_string(at + 1, end - 1, text, room);
    length = (size_t)(end - at);
    if (length >= room)
        length = room ? room - 1 : 0;
    memcpy(text, at, length);
    if (room)
        text[length] = '\0';
    return (long)length;
}

/* The value of the member of that name in the object at `at`, or NULL. */
static const char *member(struct cc_scan *scan, const char *at,
                          const char *name, size_t length)
{
    if (at == scan->end || *at != '{')
        return NULL;
    do {
        const char *begin, *end;
        bool escaped;

        at = cc_scan_space(at + 1, scan->end);
        if (at == scan->end || *at != '"')
            return NULL;
        begin = at + 1;
        end = cc_scan_string(scan, begin, &escaped);
        if (!end)
            return NULL;
        at = cc_scan_space(end + 1, scan->end);
        if (at == scan->end || *at != ':')
            return NULL;
        at = cc_scan_space(at + 1, scan->end);
        if (is_name(begin, end, name, length))
            return at < scan->end ? at : NULL;
        at = cc_scan_value(scan, at, 1);
        if (at)
            at = cc_scan_space(at, scan->end);
    } while (at && at < scan->end && *at == ',');
    return NULL;
}

long cc_json_find(const char *bytes, size_t length, const char *path,
                  char *text, size_t room)
{
    struct cc_scan scan = {.end = bytes + length};
    const char *at = cc_scan_space(bytes, scan.end);

    for (;;) {
        const char *dot = strchr(path, '.');
        size_t name = dot ? (size_t)(dot - path) : strlen(path);

        at = member(&scan, at, path, name);
        if (!at)
            return -1;
        if (!dot)
            return copy_scalar(&scan, at, text, room);
        path = dot + 1;
    }
}
