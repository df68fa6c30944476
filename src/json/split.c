/* Finds where records begin and end.
 *
 * Two machines take turns: outside of records a strict one goes byte by byte
 * (a few bytes for each record), inside of them a quick one goes 64 bytes at a
 * time and only counts brackets.
 *
 * PURE.
 */
#include "split.h"

enum place {
    AT_START,       /* nothing but white space yet */
    AT_VALUE,       /* a value must come */
    AT_FIRST_VALUE, /* a value or the array's end */
    AT_NAME,        /* a member's name must come */
    AT_FIRST_NAME,  /* a name or the object's end */
    AT_COLON,
    AFTER_VALUE, /* a comma or an end */
    AT_END       /* nothing but white space any more */
};

const char cc_split_record[] = "a record";
const char cc_split_between[] = "the text between two records";

void cc_split_start(struct cc_split *split, enum cc_split_kind kind,
                    const char *key, uint64_t max_record)
{
    memset(split, 0, sizeof *split);
    split->state = CC_SPLIT_MORE;
    split->begin = UINT64_MAX;
    split->kind = kind;
    split->key = key;
    split->max_record = max_record;
}

/* ---- Inside of a record ---- */

#if CC_SSE2
/* What stands where in 64 bytes: bit 0 is the first. */
struct block {
    uint64_t quotes, slashes, opens, closes;
};

static inline uint64_t found(__m128i bytes, char c)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(
        _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
}

static inline struct block look(const char *at)
{
    struct block block = {0, 0, 0, 0};

    for (int i = 0; i < 64; i += 16) {
        __m128i bytes =
            _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        /* With this bit set, both kinds of bracket are the curly one. */
        __m128i curly = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        block.quotes |= found(bytes, '"') << i;
        block.slashes |= found(bytes, '\\') << i;
        block.opens |= found(curly, '{') << i;
        block.closes |= found(curly, '}') << i;
    }
    return block;
}

static inline unsigned count(uint64_t bits)
{
    bits -= bits >> 1 & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0F;
    return (unsigned)(bits * 0x0101010101010101 >> 56);
}

/* The bytes that a backslash takes the meaning from; *carried: the first one
 * is such, and then: the one after the block is. */
static inline uint64_t escaped_bytes(uint64_t slashes, bool *carried)
{
    uint64_t escaped = *carried;

    slashes &= ~escaped;
    *carried = false;
    while (slashes) {
        uint64_t slash = slashes & (0 - slashes);
        *carried = slash >> 63;
        escaped |= slash << 1;
        slashes &= ~(slash | slash << 1);
    }
    return escaped;
}

/* From each quote's bit to the one before the next quote's: set, clear, ... */
static inline uint64_t between_quotes(uint64_t quotes)
{
    quotes ^= quotes << 1;
    quotes ^= quotes << 2;
    quotes ^= quotes << 4;
    quotes ^= quotes << 8;
    quotes ^= quotes << 16;
    quotes ^= quotes << 32;
    return quotes;
}

/* Goes on in steps of 64 bytes, to the record's end or as far as it can. */
static const char *skim_blocks(struct cc_split *split, const char *at,
                               const char *end)
{
    uint64_t nested = split->nested;
    uint64_t inside = split->in_string ? UINT64_MAX : 0;
    bool escaped = split->escaped;

    for (; end - at >= 64; at += 64) {
        struct block block = look(at);

        if (block.slashes || escaped)
            block.quotes &= ~escaped_bytes(block.slashes, &escaped);
        inside ^= between_quotes(block.quotes);
        block.opens &= ~inside;
        block.closes &= ~inside;
        inside = 0 - (inside >> 63);
        if (count(block.closes) < nested) {
            nested += count(block.opens);
            nested -= count(block.closes);
            continue;
        }
        for (uint64_t bits = block.opens | block.closes; bits;
             bits &= bits - 1) {
            int bit = __builtin_ctzll(bits);
            if (block.opens >> bit & 1) {
                nested++;
            } else if (--nested == 0) {
                split->nested = 0;
                split->in_string = split->escaped = false;
                return at + bit + 1;
            }
        }
    }
    split->in_string = inside != 0;
    split->escaped = escaped;
    split->nested = nested;
    return at;
}
#endif

/* Moves through the record under way: to behind its end, where `nested` is 0,
 * or to the end of the bytes. */
static const char *skim(struct cc_split *split, const char *at, const char *end)
{
#if CC_SSE2
    at = skim_blocks(split, at, end);
#endif
    for (; at < end && split->nested; at++) {
        bool escaped = split->escaped;

        split->escaped = false;
        if (*at == '\\')
            split->escaped = !escaped;
        else if (*at == '"')
            split->in_string ^= !escaped;
        else if (split->in_string)
            continue;
        else if ((*at | 0x20) == '{')
            split->nested++;
        else if ((*at | 0x20) == '}')
            split->nested--;
    }
    return at;
}

/* ---- Outside of records ---- */

static bool bad(struct cc_split *split, const char *reason)
{
    split->state = CC_SPLIT_BAD;
    split->reason = reason;
    return false;
}

/* A value is over. */
static void value_ended(struct cc_split *split)
{
    split->place = split->depth ? AFTER_VALUE : AT_END;
    if (!split->depth)
        split->state = CC_SPLIT_DONE;
}

/* The top-level value begins with this byte: is it of the kind? */
static bool fits_kind(struct cc_split *split, char c)
{
    switch (split->kind) {
    case CC_SPLIT_ARRAY:
        return c == '[' || bad(split, "not an array");
    case CC_SPLIT_ARRAY_OR_KEY:
    case CC_SPLIT_ARRAY_OR_ONE:
        return c == '[' || c == '{' ||
               bad(split, "neither an array nor an object");
    case CC_SPLIT_WHOLE:
    case CC_SPLIT_CHECK:
        break;
    }
    return true;
}

/* Is the value that begins with this byte a record? */
static bool is_record(const struct cc_split *split, char c)
{
    if (split->depth == 0)
        return split->kind == CC_SPLIT_WHOLE ||
               (split->kind == CC_SPLIT_ARRAY_OR_ONE && c == '{');
    return split->depth == split->list_depth;
}

/* Goes into an array or object that is not (in) a record; false: the list
 * comes a second time. */
static bool enter(struct cc_split *split, char c)
{
    bool list = c == '[' && split->kind != CC_SPLIT_CHECK &&
                (split->depth == 0 || (split->depth == 1 && split->here &&
                                       (split->key || !split->listed)));

    if (split->depth == CC_JSON_DEPTH)
        return bad(split, cc_json_deep);
    if (list && split->listed)
        return bad(split, "the list comes twice");
    split->object[split->depth++] = c == '{';
    split->place = c == '{' ? AT_FIRST_NAME : AT_FIRST_VALUE;
    if (list) {
        split->listed = true;
        split->list_depth = split->depth;
    }
    return true;
}

static bool leave(struct cc_split *split)
{
    if (split->depth == 1 && !split->listed && split->kind != CC_SPLIT_CHECK)
        return bad(split, "no list in it");
    if (split->depth == split->list_depth)
        split->list_depth = 0;
    split->depth--;
    value_ended(split);
    return true;
}

/* A value begins with the byte at `split->offset`. */
static bool value_begins(struct cc_split *split, char c)
{
    bool nests = c == '{' || c == '[';

    if (!nests && !cc_scalar_start(&split->scalar, c, NULL))
        return bad(split, split->place == AT_START && c == '\xEF'
                              ? cc_json_bom
                              : cc_json_no_value);
    if (split->depth == 0 && !fits_kind(split, c))
        return false;
    if (is_record(split, c)) {
        split->begin = split->offset;
        split->nested = nests;
    } else if (nests) {
        return enter(split, c);
    }
    split->in_scalar = !nests;
    split->in_name = false;
    return true;
}

/* A byte between scalars; false: it is wrong there. */
static bool between(struct cc_split *split, char c)
{
    bool object = split->depth && split->object[split->depth - 1];

    if (cc_scan_is_space(c))
        return true;
    switch (split->place) {
    case AT_FIRST_VALUE:
        if (c == ']')
            return leave(split);
        return value_begins(split, c);
    case AT_START:
    case AT_VALUE:
        return value_begins(split, c);
    case AT_FIRST_NAME:
    case AT_NAME:
        if (c == '}' && split->place == AT_FIRST_NAME)
            return leave(split);
        if (c != '"')
            return bad(split, cc_json_no_name);
        split->in_scalar = split->in_name = true;
        return cc_scalar_start(&split->scalar, c, split->key);
    case AT_COLON:
        split->place = AT_VALUE;
        return c == ':' || bad(split, cc_json_no_colon);
    case AFTER_VALUE:
        if (c == (object ? '}' : ']'))
            return leave(split);
        split->place = object ? AT_NAME : AT_VALUE;
        return c == ',' || bad(split, object ? cc_json_no_object_end
                                             : cc_json_no_array_end);
    default:
        return bad(split, cc_json_trailing);
    }
}

/* The scalar under way is over. */
static void scalar_ended(struct cc_split *split)
{
    split->in_scalar = false;
    if (split->in_name) {
        split->here = !split->key || cc_scalar_matches(&split->scalar);
        split->place = AT_COLON;
    } else if (split->begin == UINT64_MAX) {
        value_ended(split);
    }
}

/* A byte outside of records or in a scalar; false: it is wrong. */
static bool step(struct cc_split *split, char c, bool *taken)
{
    *taken = true;
    if (!split->in_scalar)
        return between(split, c);
    switch (cc_scalar_feed(&split->scalar, c)) {
    case CC_SCALAR_MORE:
        return true;
    case CC_SCALAR_LAST:
        scalar_ended(split);
        return true;
    case CC_SCALAR_AFTER:
        *taken = false;
        scalar_ended(split);
        return true;
    default:
        return bad(split, split->scalar.reason);
    }
}

/* Is the record under way, now that `offset` is reached, too large, or what
 * stands between two of them? */
static bool too_large(struct cc_split *split)
{
    bool within = split->begin != UINT64_MAX;
    uint64_t from = within ? split->begin : split->after;

    if (split->offset - from <= split->max_record)
        return false;
    split->offset = from + split->max_record;
    split->state = CC_SPLIT_LARGE;
    split->reason = within ? cc_split_record : cc_split_between;
    return true;
}

size_t cc_split_feed(struct cc_split *split, const char *bytes, size_t length,
                     struct cc_span *spans, size_t most, size_t *count_out)
{
    const char *at = bytes, *end = bytes + length;
    uint64_t start = split->offset;
    bool fine = true;

    *count_out = 0;
    while (at < end && fine && *count_out < most &&
           split->state <= CC_SPLIT_DONE) {
        bool taken = true;

        if (split->nested) {
            at = skim(split, at, end);
        } else if (split->in_scalar && cc_scalar_in_text(&split->scalar) &&
                   cc_scan_plain(at, end) > at) {
            at = cc_scan_plain(at, end);
        } else {
            fine = step(split, *at, &taken);
            at += fine && taken;
        }
        split->offset = start + (uint64_t)(at - bytes);
        if (too_large(split))
            break;
        if (split->begin != UINT64_MAX && !split->nested && !split->in_scalar) {
            spans[*count_out].begin = split->begin;
            spans[(*count_out)++].end = split->offset;
            split->begin = UINT64_MAX;
            split->after = split->offset;
            value_ended(split);
        }
    }
    return (size_t)(split->offset - start);
}

enum cc_split_state cc_split_finish(struct cc_split *split,
                                    struct cc_span *span, size_t *count_out)
{
    *count_out = 0;
    if (split->state == CC_SPLIT_MORE && split->depth == 0 &&
        split->in_scalar && cc_scalar_may_end(&split->scalar)) {
        span->begin = split->begin;
        span->end = split->offset;
        *count_out = split->kind != CC_SPLIT_CHECK;
        split->in_scalar = false;
        split->begin = UINT64_MAX;
        value_ended(split);
    }
    return split->state;
}
