/* core.vault(path, lock): a small file of secrets that processes share
 * (src/core/vault.h).
 *
 * On the Lua side's thread; the disk is waited for, a lock never.  The userdata
 * owns the descriptor, and with it the lock.
 */
#include <string.h>

#include "binding.h"
#include "compat.h"
#include "secret.h"
#include "vault.h"

struct vault_box {
    struct cc_vault vault;
    bool locked;
    char path[];
};

static struct vault_box *check_box(lua_State *L)
{
    struct vault_box *box = luaL_checkudata(L, 1, CC_VAULT_TYPE);

    if (box->vault.fd < 0)
        luaL_error(L, "the file is closed");
    return box;
}

/* core.vault(path, lock) -> vault; or nil and "none", "busy", or "failed" and
 * the reason. */
int cc_binding_new_vault(lua_State *L)
{
    size_t length;
    const char *path = luaL_checklstring(L, 1, &length);
    bool lock = lua_toboolean(L, 2);
    struct vault_box *box;

    luaL_argcheck(L, strlen(path) == length, 1,
                  "a path must not have a NUL in it");
    box = cc_newuserdata(L, sizeof *box + length + 1);
    box->vault = CC_VAULT_CLOSED;
    box->locked = lock;
    strcpy(box->path, path);
    luaL_getmetatable(L, CC_VAULT_TYPE);
    lua_setmetatable(L, -2);
    switch (cc_vault_open(&box->vault, path, lock)) {
    case CC_VAULT_OPEN:
        return 1;
    case CC_VAULT_NONE:
        lua_pushnil(L);
        lua_pushliteral(L, "none");
        return 2;
    case CC_VAULT_BUSY:
        lua_pushnil(L);
        lua_pushliteral(L, "busy");
        return 2;
    case CC_VAULT_FAILED:
        break;
    }
    lua_pushnil(L);
    lua_pushliteral(L, "failed");
    lua_pushstring(L, box->vault.message);
    return 3;
}

/* vault:read() -> its bytes, or nil and the reason. */
static int vault_read(lua_State *L)
{
    struct vault_box *box = check_box(L);
    size_t size = cc_vault_size(&box->vault);
    char *bytes = cc_newuserdata(L, size + 1);
    ssize_t got = cc_vault_read(&box->vault, bytes, size);

    if (got < 0) {
        lua_pushnil(L);
        lua_pushstring(L, box->vault.message);
        return 2;
    }
    lua_pushlstring(L, bytes, (size_t)got);
    cc_secret_wipe(bytes, size);
    return 1;
}

/* vault:replace(bytes) -> true, or nil and the reason. */
static int vault_replace(lua_State *L)
{
    struct vault_box *box = check_box(L);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);

    luaL_argcheck(L, box->locked, 1, "the file is not locked");
    if (cc_vault_replace(&box->vault, box->path, bytes, length)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, box->vault.message);
    return 2;
}

/* vault:close() lets go of the lock; safe to call twice. */
static int vault_close(lua_State *L)
{
    struct vault_box *box = luaL_checkudata(L, 1, CC_VAULT_TYPE);

    cc_vault_close(&box->vault);
    return 0;
}

void cc_binding_vault(lua_State *L)
{
    static const luaL_Reg methods[] = {{"read", vault_read},
                                       {"replace", vault_replace},
                                       {"close", vault_close},
                                       {NULL, NULL}};

    cc_newmetatable(L, CC_VAULT_TYPE);
    lua_pushcfunction(L, vault_close);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
