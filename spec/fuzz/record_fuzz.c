/* Fuzzes the record decoder: it takes what the checker takes, sees the same
 * wrong byte, and one that has cache from other records makes of each what a
 * fresh one makes of it.
 *
 * Input: up to MOST_RECORDS records with line ends between them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "check.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_RECORDS = 8 };

static const char *const renames[][2] = {{"n", "name"}, {"id", "key"}};
static const char *const identities[] = {"id", "data"};
static const struct cc_shape plain = {.keep_null = true};
static const struct cc_shape shaped = {.map = "metrics",
                                       .map_key = "key",
                                       .map_value = "value",
                                       .rename = renames,
                                       .renames = 2,
                                       .identity = identities,
                                       .identities = 2};

static const char same_source[] =
    "local function same(a, b)\n"
    "  if type(a) ~= 'table' or type(b) ~= 'table' then\n"
    "    return math.type(a) == math.type(b) and (a == b or a ~= a)\n"
    "  end\n"
    "  for k, v in pairs(a) do\n"
    "    if b[k] == nil or not same(v, b[k]) then return false end\n"
    "  end\n"
    "  for k in pairs(b) do if a[k] == nil then return false end end\n"
    "  return true\n"
    "end\n"
    "return same";

static void must(int condition)
{
    if (!condition)
        abort();
}

struct result {
    bool taken;
    struct cc_record_fault fault;
    bool identified;
    const char *identity;
    size_t length;
};

/* Decodes; a value is left on the stack in any case. */
static struct result decode(lua_State *L, int decoder, const char *text,
                            size_t length)
{
    struct result result = {.taken = false};
    int top = lua_gettop(L);

    result.taken = cc_decoder_run(L, decoder, text, length, &result.fault);
    must(lua_gettop(L) == top + result.taken);
    result.identified = cc_decoder_identity(lua_touserdata(L, decoder),
                                            &result.identity, &result.length);
    if (!result.taken)
        lua_pushnil(L);
    return result;
}

static void must_be_same(lua_State *L, struct result a, struct result b)
{
    must(a.taken == b.taken);
    must(a.identified == b.identified);
    if (a.identified)
        must(a.length == b.length &&
             memcmp(a.identity, b.identity, a.length) == 0);
    if (!a.taken)
        must(a.fault.offset == b.fault.offset &&
             a.fault.reason == b.fault.reason);
    lua_pushvalue(L, 1);
    lua_insert(L, -3);
    lua_call(L, 2, 1);
    must(lua_toboolean(L, -1));
    lua_pop(L, 1);
}

static void must_agree_with_check(struct result result, bool map,
                                  const char *text, size_t length)
{
    size_t offset = length;
    enum cc_check answer = cc_json_check(text, length, &offset, NULL);

    if (result.taken) {
        must(answer == CC_CHECK_OK);
    } else if (map && strstr(result.fault.reason, " of the map ")) {
        must(answer != CC_CHECK_BAD || result.fault.offset <= offset);
    } else {
        must(answer != CC_CHECK_OK);
        must(result.fault.offset == offset);
    }
}

/* One record: with the decoders at 2 and 3, and with fresh ones. */
static void try_record(lua_State *L, const char *text, size_t length)
{
    for (int which = 0; which < 2; which++) {
        struct result cache = decode(L, 2 + which, text, length), fresh;

        must_agree_with_check(cache, which == 1, text, length);
        cc_decoder_push(L, which ? &shaped : &plain);
        fresh = decode(L, lua_gettop(L), text, length);
        lua_remove(L, -2);
        must_be_same(L, cache, fresh);
    }
}

static int try_all(lua_State *L)
{
    const char *text = lua_touserdata(L, 1);
    size_t length = (size_t)lua_tointeger(L, 2);

    lua_settop(L, 0);
    lua_getfield(L, LUA_REGISTRYINDEX, "same");
    cc_decoder_push(L, &plain);
    cc_decoder_push(L, &shaped);
    for (int i = 1; length; i++) {
        const char *line = i < MOST_RECORDS ? memchr(text, '\n', length) : NULL;
        size_t size = line ? (size_t)(line - text) : length;
        /* A copy of its own, so that reading beyond it shows. */
        char *copy = malloc(size ? size : 1);

        memcpy(copy, text, size);
        try_record(L, copy, size);
        free(copy);
        size += line != NULL;
        text += size;
        length -= size;
    }
    must(lua_gettop(L) == 3);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A state of its own, so that what leaks is seen at once. */
    lua_State *L = luaL_newstate();

    must(L != NULL);
    luaL_requiref(L, "_G", luaopen_base, 1);
    luaL_requiref(L, "math", luaopen_math, 1);
    cc_record_open(L);
    must(luaL_dostring(L, same_source) == 0);
    lua_setfield(L, LUA_REGISTRYINDEX, "same");
    lua_pushcfunction(L, try_all);
    lua_pushlightuserdata(L, (void *)(uintptr_t)data);
    lua_pushinteger(L, (lua_Integer)size);
    must(lua_pcall(L, 2, 0, 0) == 0);
    lua_close(L);
    return 0;
}
