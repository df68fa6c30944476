/* Which rows were seen already, and which of them in the current pass: a set of
 * hashes of 61 bits with marks, about 16 bytes a row (while it grows, the old
 * and the new array exist side by side).  Here duplicate rows are found.
 *
 * PURE.  The seed is random and secret, so that a server cannot make rows
 * whose hashes collide.  Used from one thread; the caller owns the set.
 */
#ifndef CC_SEEN_H
#define CC_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cc_seen;

/* A new, empty set with that seed; NULL when memory is out.  Free it with
 * cc_seen_free (NULL is fine there). */
struct cc_seen *cc_seen_new(const uint8_t seed[16]);
void cc_seen_free(struct cc_seen *seen);

/* The hash of a row's identity: SipHash-1-3 of its bytes under the seed.
 * `bytes` may be NULL when `length` is 0. */
uint64_t cc_seen_hash(const struct cc_seen *seen, const void *bytes,
                      size_t length);

/* How a row relates to those before it. */
enum cc_seen_row {
    CC_SEEN_NEW,   /* never seen */
    CC_SEEN_KNOWN, /* seen in an earlier pass, but not yet in this one */
    CC_SEEN_TWICE, /* seen in this pass already */
    CC_SEEN_MEMORY /* memory is out, and the set is as it was */
};

/* Adds a hash from cc_seen_hash.  Its three lowest bits do not count: they
 * hold the mark of the pass that the row was last seen in. */
enum cc_seen_row cc_seen_add(struct cc_seen *seen, uint64_t hash);

/* Begins another pass: rows seen so far are KNOWN when they come again. */
void cc_seen_next_pass(struct cc_seen *seen);

/* How many there are, and the bytes of memory they take. */
size_t cc_seen_count(const struct cc_seen *seen);
size_t cc_seen_memory(const struct cc_seen *seen);

/* The set's allocator: calloc().  A weak symbol, so that a spec can replace
 * it by one that fails. */
void *cc_seen_calloc(size_t count, size_t size);

#endif
