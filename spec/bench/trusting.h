/* The decoder of the bounds: trusts the bytes, which end with a NUL and which
 * it writes over, and pushes what it reads onto Lua's stack.
 *
 * One thread; owns nothing. */
#ifndef CC_BENCH_TRUSTING_H
#define CC_BENCH_TRUSTING_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline char *trusting_utf8(char *out, uint32_t point)
{
    if (point < 0x80) {
        *out++ = (char)point;
    } else if (point < 0x800) {
        *out++ = (char)(0xC0 | point >> 6);
        *out++ = (char)(0x80 | (point & 63));
    } else if (point < 0x10000) {
        *out++ = (char)(0xE0 | point >> 12);
        *out++ = (char)(0x80 | (point >> 6 & 63));
        *out++ = (char)(0x80 | (point & 63));
    } else {
        *out++ = (char)(0xF0 | point >> 18);
        *out++ = (char)(0x80 | (point >> 12 & 63));
        *out++ = (char)(0x80 | (point >> 6 & 63));
        *out++ = (char)(0x80 | (point & 63));
    }
    return out;
}

static inline uint32_t trusting_digits(const char *at)
{
    char digits[5] = {at[0], at[1], at[2], at[3], 0};
    return (uint32_t)strtoul(digits, NULL, 16);
}

static inline char *trusting_unescape(char *at, char **out)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    if (*at != 'u') {
        const char *found = strchr(from, *at);
        *(*out)++ = found ? to[found - from] : *at;
        return at + 1;
    }
    uint32_t point = trusting_digits(at + 1);
    at += 5;
    if (point >= 0xD800 && point < 0xDC00) {
        point = 0x10000 + ((point - 0xD800) << 10) +
                (trusting_digits(at + 2) - 0xDC00);
        at += 6;
    }
    *out = trusting_utf8(*out, point);
    return at;
}

/* Pushes the string whose opening quote is before `at`; gives the place after
 * its closing quote.  Escapes are undone in place. */
static inline char *push_string(lua_State *L, char *at)
{
    char *start = at;
    while (*at != '"' && *at != '\\') {
        at++;
    }
    char *out = at;
    while (*at != '"') {
        if (*at == '\\') {
            at = trusting_unescape(at + 1, &out);
        } else {
            *out++ = *at++;
        }
    }
    lua_pushlstring(L, start, (size_t)(out - start));
    return at + 1;
}

static inline char *push_number(lua_State *L, char *at)
{
    char *start = at;
    bool minus = *at == '-';
    int64_t value = 0;
    at += minus;
    while (*at >= '0' && *at <= '9') {
        value = value * 10 + (*at++ - '0');
    }
    if (*at == '.' || *at == 'e' || *at == 'E' || at - start > 18) {
        static const double powers[] = {1,   1e1, 1e2, 1e3, 1e4, 1e5,
                                        1e6, 1e7, 1e8, 1e9, 1e10};
        char *point = at++;
        while (*at >= '0' && *at <= '9') {
            value = value * 10 + (*at++ - '0');
        }
        if (*point != '.' || *at == 'e' || *at == 'E' || at - start > 16 ||
            at - point > 11) {
            lua_pushnumber(L, strtod(start, &at));
            return at;
        }
        double number = (double)value / powers[at - point - 1];
        lua_pushnumber(L, minus ? -number : number);
        return at;
    }
    lua_pushinteger(L, minus ? -value : value);
    return at;
}

/* Pushes the value at `at`, nothing for null; false then. */
static inline bool push_value(lua_State *L, char **at)
{
    switch (**at) {
    case '"':
        *at = push_string(L, *at + 1);
        return true;
    case 'n':
        *at += 4;
        return false;
    case 't':
        *at += 4;
        lua_pushboolean(L, 1);
        return true;
    case 'f':
        *at += 5;
        lua_pushboolean(L, 0);
        return true;
    default:
        *at = push_number(L, *at);
        return true;
    }
}

#endif
