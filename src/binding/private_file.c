/* core.private_file(path, lock): a small file of secrets that processes share
 * (src/files/private_file.h).
 *
 * On the Lua side's thread; the disk is waited for, a lock never.  The userdata
 * owns the descriptor, and with it the lock.
 */
#include <string.h>

#include "binding.h"
#include "compat.h"
#include "private_file.h"
#include "secret.h"

struct private_file_box {
    struct cc_private_file file;
    bool locked;
    char path[];
};

static struct private_file_box *check_box(lua_State *L)
{
    struct private_file_box *box = luaL_checkudata(L, 1, CC_PRIVATE_FILE_TYPE);

    if (box->file.fd < 0)
        luaL_error(L, "the file is closed");
    return box;
}

/* core.private_file(path, lock) -> file; or nil and "none", "busy", or "failed"
 * and the reason. */
int cc_binding_new_private_file(lua_State *L)
{
    size_t length;
    const char *path = luaL_checklstring(L, 1, &length);
    bool lock = lua_toboolean(L, 2);
    struct private_file_box *box;

    luaL_argcheck(L, strlen(path) == length, 1,
                  "a path must not have a NUL in it");
    box = cc_newuserdata(L, sizeof *box + length + 1);
    box->file = CC_PRIVATE_FILE_CLOSED;
    box->locked = lock;
    strcpy(box->path, path);
    luaL_getmetatable(L, CC_PRIVATE_FILE_TYPE);
    lua_setmetatable(L, -2);
    switch (cc_private_file_open(&box->file, path, lock)) {
    case CC_PRIVATE_FILE_OPEN:
        return 1;
    case CC_PRIVATE_FILE_NONE:
        lua_pushnil(L);
        lua_pushliteral(L, "none");
        return 2;
    case CC_PRIVATE_FILE_BUSY:
        lua_pushnil(L);
        lua_pushliteral(L, "busy");
        return 2;
    case CC_PRIVATE_FILE_FAILED:
        break;
    }
    lua_pushnil(L);
    lua_pushliteral(L, "failed");
    lua_pushstring(L, box->file.message);
    return 3;
}

/* private_file:read() -> its bytes, or nil and the reason. */
static int private_file_read(lua_State *L)
{
    struct private_file_box *box = check_box(L);
    size_t size = cc_private_file_size(&box->file);
    char *bytes = cc_newuserdata(L, size + 1);
    ssize_t got = cc_private_file_read(&box->file, bytes, size);

    if (got < 0) {
        lua_pushnil(L);
        lua_pushstring(L, box->file.message);
        return 2;
    }
    lua_pushlstring(L, bytes, (size_t)got);
    cc_secret_wipe(bytes, size);
    return 1;
}

/* private_file:replace(bytes) -> true, or nil and the reason. */
static int private_file_replace(lua_State *L)
{
    struct private_file_box *box = check_box(L);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);

    luaL_argcheck(L, box->locked, 1, "the file is not locked");
    if (cc_private_file_replace(&box->file, box->path, bytes, length)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, box->file.message);
    return 2;
}

/* private_file:close() lets go of the lock; safe to call twice. */
static int private_file_close(lua_State *L)
{
    struct private_file_box *box = luaL_checkudata(L, 1, CC_PRIVATE_FILE_TYPE);

    cc_private_file_close(&box->file);
    return 0;
}

void cc_binding_private_file(lua_State *L)
{
    static const luaL_Reg methods[] = {{"read", private_file_read},
                                       {"replace", private_file_replace},
                                       {"close", private_file_close},
                                       {NULL, NULL}};

    cc_newmetatable(L, CC_PRIVATE_FILE_TYPE);
    lua_pushcfunction(L, private_file_close);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
