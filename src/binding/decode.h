/* The parts of the record decoder among themselves: record.c owns decoders,
 * decode.c reads values of any kind, map.c the list that becomes a map.
 *
 * On the Lua side's thread.  While a run goes on, the names table (key_cache.h)
 * is at the stack index `names`; the value under way is above it.  Every reader
 * takes a position and gives the one behind what it read, and has pushed one
 * value then; or gives NULL, with the fault in `scan` and anything on the
 * stack.  Each may raise a Lua error (memory): all that is kept is Lua's
 * memory, so nothing leaks then and the decoder stays usable.
 */
#ifndef CC_DECODE_H
#define CC_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <lua.h>

#include "compat.h"
#include "key_cache.h"
#include "scan.h"

/* Indices in the names table; key_cache.h takes the negative ones to -CC_SITES
 * and those from 1 on. */
enum { CC_DECODE_SCRATCH = 0, CC_DECODE_IDENTITY = -1 - CC_SITES };

enum { CC_IDENTITIES = 2 };

/* What is special about a top-level member: flags. */
enum {
    CC_MEMBER_IDENTITY = 3, /* the first or the second, or 0: none */
    CC_MEMBER_MAP = 4
};

struct cc_text {
    const char *begin;
    size_t length;
};

struct cc_decoder {
    struct cc_key_cache cache;
    char *scratch; /* anchored in the names table, at _SCRATCH */
    size_t scratch_room;
    char *identity; /* the same, at _IDENTITY */
    size_t identity_room;
    size_t identity_length;
    bool identified;
    bool keep_null;
    size_t identities;
    struct cc_text map, map_key, map_value;
    struct cc_text identity_names[CC_IDENTITIES];
    size_t renames;
    struct cc_text (*rename)[2];
};

/* One run. */
struct cc_run {
    lua_State *L;
    struct cc_decoder *decoder;
    struct cc_scan scan;
    int names;
    int depth;
    struct cc_text identity[CC_IDENTITIES]; /* as they stand in the record */
};

/* A member whose name was just read. */
struct cc_member {
    int slot; /* at its site, or -1 */
    unsigned special;
    unsigned below;
    bool absent; /* its value is a null that is not kept */
};

/* Notes what is wrong, and where; gives NULL. */
static inline const char *cc_decode_fail(struct cc_run *run, const char *at,
                                         const char *reason)
{
    return cc_scan_fail(&run->scan, at, reason);
}

/* Are these the bytes of that text? */
static inline bool cc_decode_is_text(struct cc_text text, const char *bytes,
                                     size_t length)
{
    return text.begin && text.length == length &&
           memcmp(text.begin, bytes, length) == 0;
}

/* A buffer of at least that size, held by the names table at `index`. */
char *cc_decode_buffer(struct cc_run *run, int index, size_t size, char **held,
                       size_t *room);

/* Goes a level down, into what begins at `at`; false: too deep.  Whoever comes
 * up again takes 1 from `depth`. */
bool cc_decode_enter(struct cc_run *run, const char *at);

/* A value of any kind, white space before it allowed; `below`: the site of the
 * objects in it. */
const char *cc_decode_value(struct cc_run *run, const char *at, unsigned below);

/* The same as a member's value (null may be nil) whose first byte is neither a
 * digit nor a quote. */
const char *cc_decode_other(struct cc_run *run, const char *at,
                            struct cc_site *site, struct cc_member *member);

/* An object; `at` is behind its bracket, `below` its site. */
const char *cc_decode_object(struct cc_run *run, const char *at,
                             unsigned below);

/* A member's name in quotes and the colon, white space allowed. */
const char *cc_decode_name(struct cc_run *run, const char *at);

/* The list of key and value as a map; `at` is behind its bracket. */
const char *cc_decode_entries(struct cc_run *run, const char *at);

/* Pushes the text of a string with escapes that was read already. */
void cc_decode_escaped(struct cc_run *run, const char *begin, const char *end);

/* A number of any kind. */
const char *cc_decode_any_number(struct cc_run *run, const char *at);

/* A string; `at` is behind its opening quote. */
static inline const char *cc_decode_string(struct cc_run *run, const char *at)
{
    bool escaped = false;
    const char *end = cc_scan_string(&run->scan, at, &escaped);

    if (!end)
        return NULL;
    if (!escaped)
        lua_pushlstring(run->L, at, (size_t)(end - at));
    else
        cc_decode_escaped(run, at, end);
    return end + 1;
}

/* A number: at once if it is an integer of up to 18 digits. */
static inline const char *cc_decode_number(struct cc_run *run, const char *at)
{
    const char *end = run->scan.end, *first = at + (*at == '-'), *last = first;
    uint64_t value = 0;
    size_t digits;

    for (; last < end && cc_scan_is_digit(*last); last++)
        value = value * 10 + (uint64_t)(*last - '0');
    digits = (size_t)(last - first);
    if (digits - 1 >= 18 || (*first == '0' && digits > 1) ||
        (last < end && (*last == '.' || (*last | 0x20) == 'e')))
        return cc_decode_any_number(run, at);
    cc_pushinteger(run->L, *at == '-' ? -(int64_t)value : (int64_t)value);
    return last;
}

/* A member's value. */
static inline const char *cc_decode_flat(struct cc_run *run, const char *at,
                                         struct cc_site *site,
                                         struct cc_member *member)
{
    if (at < run->scan.end) {
        if (cc_scan_is_digit(*at))
            return cc_decode_number(run, at);
        if (*at == '"')
            return cc_decode_string(run, at + 1);
    }
    return cc_decode_other(run, at, site, member);
}

#endif
