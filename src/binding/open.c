/* core.open(path, mode [, how]): as io.open, with a descriptor that programs
 * which the host starts do not inherit: Lua 5.4's io.open has no mode for that.
 *
 * On the Lua side's thread.  The value is one of Lua's own files, which owns
 * the descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <lualib.h>

#include "atomic_file.h"
#include "binding.h"
#include "compat.h"

/* Flags of open(2) for a mode of fopen(3). */
static int flags_of(const char *mode)
{
    int flags = O_RDONLY;

    if (strchr(mode, '+'))
        flags = O_RDWR;
    else if (*mode != 'r')
        flags = O_WRONLY;
    if (*mode == 'w')
        flags |= O_CREAT | O_TRUNC;
    if (*mode == 'a')
        flags |= O_CREAT | O_APPEND;
    return flags | O_CLOEXEC | O_NOCTTY;
}

static FILE *open_stream(const char *path, const char *mode, int flags,
                         mode_t bits)
{
    FILE *stream;
    int fd, problem;

    do
        fd = open(path, flags, bits);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return NULL;
    stream = fdopen(fd, mode);
    if (stream)
        return stream;
    problem = errno;
    close(fd);
    errno = problem;
    return NULL;
}

/* Pushes a file that is closed: where its stream goes; NULL: pushes nothing,
 * with errno. */
#if LUA_VERSION_NUM >= 502
static int close_stream(lua_State *L)
{
    luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);

    return luaL_fileresult(L, fclose(file->f) == 0, NULL);
}

static FILE **push_closed(lua_State *L)
{
    luaL_Stream *file = lua_newuserdata(L, sizeof *file);

    file->f = NULL;
    file->closef = NULL;
    luaL_setmetatable(L, LUA_FILEHANDLE);
    return &file->f;
}

static void opened(FILE **place)
{
    luaL_Stream *file = (luaL_Stream *)place;

    file->closef = close_stream;
}
#else
/* Lua 5.1 and LuaJIT show no way to make one; its first field is the stream. */
static FILE **push_closed(lua_State *L)
{
    FILE **place;

    lua_getglobal(L, "io");
    lua_getfield(L, -1, "open");
    lua_pushliteral(L, "/dev/null");
    lua_pushliteral(L, "rbe");
    lua_call(L, 2, 1);
    lua_remove(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return NULL;
    }
    place = luaL_checkudata(L, -1, LUA_FILEHANDLE);
    return place;
}

static void opened(FILE **place)
{
    (void)place;
}
#endif

static int fail(lua_State *L, const char *path, const char *mode, int error,
                bool link)
{
    lua_pushnil(L);
    if (link && error == ELOOP)
        lua_pushfstring(L,
                        "%s: it is a symbolic link, which is not followed: "
                        "put a file there",
                        path);
    else if (*mode == 'r')
        lua_pushfstring(L, "%s: %s", path, strerror(error));
    else
        lua_pushfstring(L, "%s: %s", path, cc_atomic_file_advice(error));
    lua_pushinteger(L, error);
    return 3;
}

/* core.open(path, mode [, how]) -> file; or nil, the reason and errno.  `how`:
 * "nofollow", a symbolic link at the path is refused; "private", made by this
 * call and for this user alone. */
int cc_binding_open(lua_State *L)
{
    static const char *const hows[] = {"", "nofollow", "private", NULL};
    size_t length;
    const char *path = luaL_checklstring(L, 1, &length);
    const char *mode = luaL_checkstring(L, 2);
    int how = luaL_checkoption(L, 3, "", hows), flags = flags_of(mode);
    FILE **place, *stream;
    mode_t bits = 0666;

    luaL_argcheck(L, strlen(path) == length, 1,
                  "a path must not have a NUL in it");
    if (how)
        flags |= O_NOFOLLOW;
    if (how == 2) {
        flags |= O_EXCL;
        bits = 0600;
    }
    lua_settop(L, 3);
    place = push_closed(L);
    stream = place ? open_stream(path, mode, flags, bits) : NULL;
    if (!stream)
        return fail(L, path, mode, errno, how != 0);
#if LUA_VERSION_NUM < 502
    fclose(*place);
#endif
    *place = stream;
    opened(place);
    return 1;
}
