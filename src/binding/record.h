/* The record decoder: the bytes of one record to its final Lua table, in one
 * pass, strictly.
 *
 * On the Lua side's thread.  It keeps what it learnt from the records before
 * (the keys and their order) to be quick with those that look alike.
 */
#ifndef CCAAS_RECORD_H
#define CCAAS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

/* How a record becomes a table.  Vendor quirks are data here. */
struct ccaas_shape {
    const char *map;       /* member that is a list of {key, value} (or a map
                              already) and becomes a map; NULL: none */
    const char *map_key;   /* the names in such a list's entries: "key" ... */
    const char *map_value; /* ... and "value" */
    const char *const (*rename)[2]; /* {wire name, our name} pairs, ... */
    size_t renames;                 /* ... so many of them (top level only) */
    const char *const *identity;    /* wire names of the top-level members ... */
    size_t identities;              /* ... that tell rows apart (at most 2) */
    bool keep_null;                 /* null is the sentinel, not absent */
};

/* What was wrong with a record. */
struct ccaas_record_fault {
    size_t offset;      /* of the wrong byte, from the record's first */
    const char *reason; /* a static string */
};

struct ccaas_decoder; /* one per stream */

/* Pushes a new decoder (a full userdata; collected as such), with copies of
 * all that `shape` names.  May raise a Lua error for want of memory only. */
struct ccaas_decoder *ccaas_decoder_push(lua_State *L,
                                         const struct ccaas_shape *shape);

/* Decodes one record.  `decoder` is the userdata at stack index `index`.  On
 * success pushes the value (one) and returns true; on a record that is not
 * JSON pushes nothing, fills `fault` and returns false.  May raise a Lua error
 * (memory). */
bool ccaas_decoder_run(lua_State *L, int index, const char *bytes,
                       size_t length, struct ccaas_record_fault *fault);

/* The identity of the record decoded last: the bytes of its identity members
 * (strings decoded, numbers as they stand, joined by a NUL byte), in
 * *bytes and *length; valid until the next run.  False: the record has none
 * (the first member is missing or null, or it is no object). */
bool ccaas_decoder_identity(const struct ccaas_decoder *decoder,
                            const char **bytes, size_t *length);

#endif
