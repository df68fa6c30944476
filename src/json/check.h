/* Checks JSON without building anything, and looks single values up.
 *
 * PURE.
 */
#ifndef CC_CHECK_H
#define CC_CHECK_H

#include <stddef.h>

enum cc_check {
    CC_CHECK_OK,   /* one whole value, white space around it allowed */
    CC_CHECK_MORE, /* fine so far, but cut short */
    CC_CHECK_BAD   /* not JSON: *offset is the first wrong byte */
};

/* Is this JSON?  `offset` and `reason` (a static string) may be NULL; they are
 * set when it is BAD. */
enum cc_check cc_json_check(const char *bytes, size_t length, size_t *offset,
                            const char **reason);

/* Looks a scalar up in a JSON object: `path` is member names with dots between
 * them ("error.detail.code").  Writes at most `room` - 1 bytes of its
 * text (a string's decoded bytes; a number, true or false as it stands) and a
 * NUL to `text`; what does not fit is cut at a character's border.  Returns
 * the length of what it wrote, or -1 when there is no such member, it is null,
 * an object or an array, or the bytes are no JSON up to it. */
long cc_json_find(const char *bytes, size_t length, const char *path,
                  char *text, size_t room);

#endif
