/* core.atomic_file(path): a file that appears whole or not at all
 * (src/files/atomic_file.h), and core.sweep(folder).
 *
 * On the Lua side's thread, which waits for the disk in every call.  The
 * userdata owns the file; one that is collected or left by a Lua 5.4 scope
 * before its commit is as if it had never been.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "atomic_file.h"
#include "binding.h"
#include "compat.h"

static struct cc_atomic_file *check_file(lua_State *L)
{
    return luaL_checkudata(L, 1, CC_ATOMIC_FILE_TYPE);
}

/* A path, which no NUL may cut short. */
static const char *check_path(lua_State *L)
{
    size_t length;
    const char *path = luaL_checklstring(L, 1, &length);

    luaL_argcheck(L, strlen(path) == length, 1,
                  "a path must not have a NUL in it");
    return path;
}

/* Pushes true, or nil and the reason. */
static int push_done(lua_State *L, const struct cc_atomic_file *file, bool done)
{
    if (done) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, file->message);
    return 2;
}

/* core.atomic_file(path [, "later"]) -> file, or nil and the reason; "later" it
 * is begun by file:begin(). */
int cc_binding_new_atomic_file(lua_State *L)
{
    const char *path = check_path(L);
    struct cc_atomic_file *file;

    lua_settop(L, 2);
    file = cc_newuserdata(L, sizeof *file);
    *file = CC_ATOMIC_FILE_CLOSED;
    luaL_getmetatable(L, CC_ATOMIC_FILE_TYPE);
    lua_setmetatable(L, -2);
    if (lua_toboolean(L, 2) ? cc_atomic_file_place(file, path)
                            : cc_atomic_file_open(file, path))
        return 1;
    return push_done(L, file, false);
}

/* file:begin() -> true, or nil and the reason; of one that was made for later.
 */
static int file_begin(lua_State *L)
{
    struct cc_atomic_file *file = check_file(L);

    return push_done(L, file, cc_atomic_file_begin(file));
}

/* file:write(bytes or call) -> true, or nil and the reason. */
static int file_write(lua_State *L)
{
    struct cc_atomic_file *file = check_file(L);
    size_t length;
    const char *bytes = cc_binding_check_bytes(L, 2, &length);

    return push_done(L, file, cc_atomic_file_write(file, bytes, length));
}

/* file:restart([length]) -> true, or nil and the reason: all but the first
 * `length` bytes (default: none) are forgotten, and so is what failed. */
static int file_restart(lua_State *L)
{
    struct cc_atomic_file *file = check_file(L);
    lua_Number length = luaL_optnumber(L, 2, 0);

    luaL_argcheck(L, length >= 0 && length < 0x1p63, 2, "no length");
    return push_done(L, file, cc_atomic_file_restart(file, (uint64_t)length));
}

/* file:commit() -> true, or nil and the reason: the file is at its place, or
 * gone; closed it is in any case. */
static int file_commit(lua_State *L)
{
    struct cc_atomic_file *file = check_file(L);

    return push_done(L, file, cc_atomic_file_commit(file));
}

/* file:abort(): the file is gone; safe to call twice, and after a commit. */
static int file_abort(lua_State *L)
{
    cc_atomic_file_abort(check_file(L));
    return 0;
}

/* file:size() -> bytes written; 0 once it is closed. */
static int file_size(lua_State *L)
{
    cc_pushinteger(L, (int64_t)check_file(L)->size);
    return 1;
}

static int file_tostring(lua_State *L)
{
    const struct cc_atomic_file *file = check_file(L);

    if (file->fd < 0)
        lua_pushliteral(L, CC_ATOMIC_FILE_TYPE " (closed)");
    else
        lua_pushfstring(L, CC_ATOMIC_FILE_TYPE " (%s)", file->path);
    return 1;
}

/* core.sweep(folder) -> how many parts were removed that processes which are no
 * more have left there; or nil and the reason. */
int cc_binding_sweep(lua_State *L)
{
    const char *path = check_path(L);
    int count = cc_atomic_file_sweep(path);

    if (count >= 0) {
        lua_pushinteger(L, count);
        return 1;
    }
    lua_pushnil(L);
    lua_pushfstring(L, "cannot read %s: %s", path,
                    cc_atomic_file_advice(errno));
    return 2;
}

void cc_binding_atomic_file(lua_State *L)
{
    static const luaL_Reg methods[] = {{"begin", file_begin},
                                       {"write", file_write},
                                       {"restart", file_restart},
                                       {"commit", file_commit},
                                       {"abort", file_abort},
                                       {"size", file_size},
                                       {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", file_abort},
                                    {"__close", file_abort},
                                    {"__tostring", file_tostring},
                                    {NULL, NULL}};

    cc_newmetatable(L, CC_ATOMIC_FILE_TYPE);
    cc_setfuncs(L, meta);
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
