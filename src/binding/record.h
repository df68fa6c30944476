/* The record decoder: the bytes of one record to its final Lua table, in one
 * pass, strictly.
 *
 * On the Lua side's thread.  It keeps what it learned from the records before
 * (the keys and their order) to be quick with those that look alike.
 */
#ifndef CC_RECORD_H
#define CC_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

/* How a record becomes a table.  Vendor quirks are data here. */
struct cc_shape {
    const char *map;       /* member that is a list of {key, value} (or a map
                              already) and becomes a map; NULL: none */
    const char *map_key;   /* the names in such a list's entries: "key" ... */
    const char *map_value; /* ... and "value" */
    const char *const (*rename)[2]; /* {wire name, our name} pairs, ... */
    size_t renames;                 /* ... so many of them (top level only) */
    const char *const *identity; /* wire names of the top-level members ... */
    size_t identities;           /* ... that tell rows apart (at most 2) */
    bool keep_null;              /* null is the sentinel, not absent */
};

/* What was wrong with a record. */
struct cc_record_fault {
    size_t offset;      /* of the wrong byte, from the record's first */
    const char *reason; /* a static string */
};

struct cc_decoder; /* one per stream */

/* Makes what decoders need in this Lua state; pushes nothing.  Call it once,
 * when the module is opened. */
void cc_record_open(lua_State *L);

/* Pushes a new decoder (a full userdata; collected as such), with copies of
 * all that `shape` names.  May raise a Lua error for want of memory only. */
struct cc_decoder *cc_decoder_push(lua_State *L, const struct cc_shape *shape);

/* The same with a shape that is a table (or nil) at that stack index: its
 * fields are those of struct cc_shape.  Raises when they are wrong. */
struct cc_decoder *cc_record_push_decoder(lua_State *L, int index);

/* Decodes one record, white space around it allowed.  `decoder` is the userdata
 * at stack index `index`.  On success pushes the value (one; never nil: null by
 * itself is the sentinel) and returns true; on a record that is not JSON pushes
 * nothing, fills `fault` and returns false.  May raise a Lua error (memory). */
bool cc_decoder_run(lua_State *L, int index, const char *bytes, size_t length,
                    struct cc_record_fault *fault);

/* The identity of the record decoded last: the bytes of its identity members
 * (strings decoded, numbers, true and false as they stand, joined by a NUL
 * byte; a second one that is missing is left out, the NUL too), in *bytes and
 * *length; valid until the next run.  False: the record has none (the first
 * member is missing, null, an array or an object, or it is no object). */
bool cc_decoder_identity(const struct cc_decoder *decoder, const char **bytes,
                         size_t *length);

/* For Lua (specs, benchmarks): decode(text [, shape]) gives the value and its
 * identity (or nil), or nil, reason, offset.  `shape` is a table of the fields
 * of struct cc_shape. */
int cc_record_lua_decode(lua_State *L);

/* decoder([shape]) gives a function (text) that does the same and learns. */
int cc_record_lua_decoder(lua_State *L);

/* decode_list(text, kind [, key [, shape [, chunk [, max_record]]]]) splits the
 * text, `chunk` bytes at a time, and decodes the records: gives the list of
 * their values, or nil, reason, offset, list of those before.  `kind` is
 * "array", "array_or_key", "array_or_one" or "whole". */
int cc_record_lua_decode_list(lua_State *L);

#endif
