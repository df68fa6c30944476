/* Finds where records begin and end in JSON bytes as they arrive.
 *
 * What stands between the records is checked to the letter; of a record that
 * is an array or an object it looks at strings and brackets only and leaves
 * the rest to whoever decodes it (scan.h).  It owns no bytes: positions are
 * offsets from the body's first byte, and whoever feeds it keeps the bytes of
 * the record under way.
 *
 * PURE.  One struct per body; used from one thread at a time.
 */
#ifndef CC_SPLIT_H
#define CC_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scalar.h"
#include "scan.h"

enum cc_split_kind {
    CC_SPLIT_ARRAY,        /* [record, ...] */
    CC_SPLIT_ARRAY_OR_KEY, /* the same, or {"key": [record, ...], ...} */
    CC_SPLIT_ARRAY_OR_ONE, /* the same as ARRAY, or one record, an object */
    CC_SPLIT_WHOLE,        /* one value of any kind is the one record */
    CC_SPLIT_CHECK /* one value of any kind, checked to the letter; there
                         are no records */
};

enum cc_split_state {
    CC_SPLIT_MORE, /* more bytes, please */
    CC_SPLIT_DONE, /* the list is whole; only white space may follow */
    CC_SPLIT_BAD,  /* not JSON of that kind: `offset` and `reason` */
    CC_SPLIT_LARGE /* a record, or what stands between two of them, is larger
                         than max_record: `offset`; `reason` is one of these */
};

extern const char cc_split_record[], cc_split_between[];

struct cc_span {
    uint64_t begin; /* offset of the record's first byte */
    uint64_t end;   /* one past its last byte */
};

struct cc_split; /* a struct of fixed size, defined below */

/* Starts a body.  `key` (static or outliving the split; NULL: the first member
 * that is an array) is for ARRAY_OR_KEY.  `max_record` in bytes. */
void cc_split_start(struct cc_split *split, enum cc_split_kind kind,
                    const char *key, uint64_t max_record);

/* Takes the next bytes of the body, and writes the records that end in them
 * to spans[0..*count).  Returns how many bytes it took: fewer than `length`
 * only when `spans` is full (call again with the rest) or when the state is BAD
 * or LARGE (which stick). */
size_t cc_split_feed(struct cc_split *split, const char *bytes, size_t length,
                     struct cc_span *spans, size_t most, size_t *count);

/* The body has ended.  DONE: it was whole.  MORE: it was cut short (a number
 * at the top level of WHOLE ends here; its span is in *span, *count is 1).
 * BAD, LARGE: as before. */
enum cc_split_state cc_split_finish(struct cc_split *split,
                                    struct cc_span *span, size_t *count);

struct cc_split {
    enum cc_split_state state;
    const char *reason; /* static, when BAD or LARGE */
    uint64_t offset;    /* bytes taken so far; when BAD, of the bad byte */
    uint64_t begin;     /* of the record under way; UINT64_MAX: none is */
    uint64_t after;     /* one past the last record's end */

    /* The rest is split.c's own. */
    enum cc_split_kind kind;
    const char *key;
    uint64_t max_record;
    uint64_t nested;     /* arrays and objects open in the record under way */
    bool in_string;      /* ... and a string there */
    bool escaped;        /* ... and a backslash came last */
    unsigned char place; /* outside of records: what may come next */
    bool in_scalar;      /* a string, number or literal is under way */
    bool in_name;        /* ... which is a member's name */
    bool here;           /* the member under way has the list's name */
    bool listed;         /* the list began */
    int depth;           /* arrays and objects open outside of records */
    int list_depth;      /* their number inside of the list; 0: not in */
    struct cc_scalar scalar;
    bool object[CC_JSON_DEPTH]; /* which of them are objects */
};

#endif
