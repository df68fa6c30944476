/* A Lua interpreter to be linked with a sanitizer, whose runtime must be in a
 * process from its start.  (Preloaded, it would go on to every program that a
 * spec starts; shells crash with it and curl hangs.)
 *   lua [-e CHUNK] [FILE [ARGUMENT...]]
 * SIGINT is the error "interrupted!", as in the interpreters that people have.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* A forked child has none of its parent's threads, so all that they held looks
 * lost: LeakSanitizer, which asks this by this name, leaves it alone. */
int __lsan_is_turned_off(void);

static int forked;

static void on_fork(void)
{
    forked = 1;
}

int __lsan_is_turned_off(void)
{
    return forked;
}

static lua_State *running;

static void interrupt(lua_State *L, lua_Debug *record)
{
    (void)record;
    lua_sethook(L, NULL, 0, 0);
    luaL_error(L, "interrupted!");
}

/* A hook is all that may be set while Lua runs. */
static void on_signal(int number)
{
    signal(number, SIG_DFL);
    lua_sethook(running, interrupt,
                LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static int traceback(lua_State *L)
{
    const char *message = lua_tostring(L, 1);

    if (!message && luaL_callmeta(L, 1, "__tostring"))
        message = lua_tostring(L, -1);
    if (message)
        luaL_traceback(L, L, message, 1);
    return message != NULL;
}

/* Runs the chunk on top of the stack; false: it failed, and said why. */
static int run(lua_State *L, int loaded)
{
    int failed = loaded;

    if (!failed) {
        lua_pushcfunction(L, traceback);
        lua_insert(L, -2);
        failed = lua_pcall(L, 0, 0, -2);
    }
    if (failed && lua_isstring(L, -1))
        fprintf(stderr, "lua: %s\n", lua_tostring(L, -1));
    lua_settop(L, 0);
    return !failed;
}

int main(int argc, char **argv)
{
    lua_State *L = luaL_newstate();
    int file = 1;
    int well = 1;

    if (!L || pthread_atfork(NULL, NULL, on_fork))
        return 1;
    luaL_openlibs(L);
    running = L;
    signal(SIGINT, on_signal);
    if (argc > 2 && strcmp(argv[1], "-e") == 0)
        file = 3;
    lua_createtable(L, argc, file);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i - file);
    }
    lua_setglobal(L, "arg");
    if (file == 3)
        well = run(L, luaL_loadstring(L, argv[2]));
    if (well && file < argc)
        well = run(L, luaL_loadfile(L, argv[file]));
    signal(SIGINT, SIG_DFL);
    lua_close(L);
    return !well;
}
