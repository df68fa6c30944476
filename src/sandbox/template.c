/*
 * template.c: rows written from a template and an index, so that a long list
 * needs no memory: every field of a row is reckoned from the row's index and
 * the seed.  Pure.
 */
#include "sandbox.h"

#include <string.h>

/* The finalizer of splitmix64: neighbours give numbers that look unrelated. */
uint64_t cc_sandbox_hash(uint64_t n)
{
    n += 0x9e3779b97f4a7c15U;
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9U;
    n = (n ^ n >> 27) * 0x94d049bb133111ebU;
    return n ^ n >> 31;
}

static size_t write_number(int64_t n, char *out)
{
    char digits[20], *at = digits + sizeof digits;
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (n < 0)
        *--at = '-';
    size_t size = (size_t)(digits + sizeof digits - at);
    memcpy(out, at, size);
    return size;
}

/* A number below n.  Not by division: that would take most of the time. */
static uint64_t below(uint64_t random, uint64_t n)
{
    return (uint64_t)((unsigned __int128)random * n >> 64);
}

static size_t write_hex(uint32_t n, char *out)
{
    for (int i = 0; i < 8; i++)
        out[i] = "0123456789abcdef"[n >> (28 - 4 * i) & 15];
    return 8;
}

static size_t write_text(const struct cc_sandbox_text *text, char *out)
{
    memcpy(out, text->bytes, text->size);
    return text->size;
}

size_t cc_sandbox_field_room(const struct cc_sandbox_field *field)
{
    size_t room = 20; /* the longest number */
    for (size_t i = 0; i < field->count; i++)
        if (field->texts[i].size > room)
            room = field->texts[i].size;
    return room;
}

size_t cc_sandbox_field_write(const struct cc_sandbox_field *field,
                              uint64_t index, char *out)
{
    if (field->kind == CC_SANDBOX_TURN && field->count == 1)
        return write_text(field->texts, out);
    uint64_t random = 0;
    if (field->kind != CC_SANDBOX_TURN && field->kind != CC_SANDBOX_INDEX)
        random = cc_sandbox_hash(field->salt ^ index);
    switch (field->kind) {
    case CC_SANDBOX_TURN:
        return write_text(
            &field->texts[(uint32_t)index % (uint32_t)field->count], out);
    case CC_SANDBOX_PICK:
        return write_text(&field->texts[below(random, field->count)], out);
    case CC_SANDBOX_NUMBER:
        return write_number(field->base + field->step * (int64_t)index +
                                (int64_t)below(random, field->spread),
                            out);
    case CC_SANDBOX_HEX:
        return write_hex((uint32_t)random, out);
    case CC_SANDBOX_INDEX:
        return write_hex((uint32_t)index, out);
    }
    return 0;
}
