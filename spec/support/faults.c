/* What fails when a spec wants it to: preloaded, and a Lua module (faults) at
 * once.  It is built by spec/support/faults.lua.
 *
 * arm(kind, from, to, module): the calls from `from` to `to` (counted from 1)
 * of that kind fail, of those that are made by objects whose path has `module`
 * in it (none: all).  "alloc" is malloc, calloc, realloc, strdup, strndup,
 * aligned_alloc and posix_memalign; the others are named like the call.
 * disarm() gives how many calls there were, and where the first that failed was
 * made.  All threads count together. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* What Lua 5.4 and LuaJIT have in common of their C interface. */
struct lua_State;
void lua_pushnumber(struct lua_State *, double);
void lua_pushstring(struct lua_State *, const char *);
double luaL_checknumber(struct lua_State *, int);
const char *luaL_optlstring(struct lua_State *, int, const char *, size_t *);
struct lua_State *luaL_newstate(void);
void luaL_openlibs(struct lua_State *);
int luaL_loadbufferx(struct lua_State *, const char *, size_t, const char *,
                     const char *);
int lua_isstring(struct lua_State *, int);
void lua_close(struct lua_State *);
void lua_pushcclosure(struct lua_State *, int (*)(struct lua_State *), int);
void lua_createtable(struct lua_State *, int, int);
void lua_setfield(struct lua_State *, int, const char *);

#define RANGES_MOST 16

static atomic_bool armed;
static char kind[32], module[64];
static long from, to;
static atomic_long calls;
static _Atomic(uintptr_t) failed_at;
static struct {
    uintptr_t begin, end;
} ranges[RANGES_MOST];
static int range_count;

static int add_range(struct dl_phdr_info *info, size_t size, void *unused)
{
    int i;

    (void)size;
    (void)unused;
    if (!strstr(info->dlpi_name, module))
        return 0;
    for (i = 0; i < info->dlpi_phnum && range_count < RANGES_MOST; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD &&
            info->dlpi_phdr[i].p_flags & PF_X) {
            ranges[range_count].begin =
                info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            ranges[range_count].end =
                ranges[range_count].begin + info->dlpi_phdr[i].p_memsz;
            range_count++;
        }
    return 0;
}

static bool is_meant(uintptr_t caller)
{
    int i;

    if (!*module)
        return true;
    for (i = 0; i < range_count; i++)
        if (caller >= ranges[i].begin && caller < ranges[i].end)
            return true;
    return false;
}

static bool fails(const char *what, void *caller)
{
    uintptr_t none = 0;
    long call;

    if (!atomic_load_explicit(&armed, memory_order_acquire) ||
        strcmp(what, kind) != 0 || !is_meant((uintptr_t)caller))
        return false;
    call = atomic_fetch_add(&calls, 1) + 1;
    if (call < from || call > to)
        return false;
    atomic_compare_exchange_strong(&failed_at, &none, (uintptr_t)caller);
    return true;
}

#define NEXT(name)                                                             \
    static __typeof__(name) *next;                                             \
    if (!next)                                                                 \
    next = (__typeof__(name) *)(uintptr_t)dlsym(RTLD_NEXT, #name)
#define CALLER __builtin_return_address(0)
#define FAIL(what, error, result)                                              \
    do                                                                         \
        if (fails(what, CALLER)) {                                             \
            errno = error;                                                     \
            return result;                                                     \
        }                                                                      \
    while (0)

/* -- Memory -- */

/* dlsym itself may want some, before there is any. */
static char early[8192];
static size_t early_used;
static __thread int looking;

static void *take_early(size_t size)
{
    void *at = early + early_used;

    early_used += (size + 15) & ~(size_t)15;
    if (early_used > sizeof early)
        abort();
    return at;
}

static bool is_early(const void *at)
{
    return (const char *)at >= early && (const char *)at < early + sizeof early;
}

void *malloc(size_t size)
{
    static void *(*next)(size_t);

    if (!next) {
        if (looking)
            return take_early(size);
        looking = 1;
        next = (void *(*)(size_t))(uintptr_t)dlsym(RTLD_NEXT, "malloc");
        looking = 0;
    }
    FAIL("alloc", ENOMEM, NULL);
    return next(size);
}

void *calloc(size_t count, size_t size)
{
    static void *(*next)(size_t, size_t);

    if (!next) {
        if (looking)
            return take_early(count * size);
        looking = 1;
        next = (void *(*)(size_t, size_t))(uintptr_t)dlsym(RTLD_NEXT, "calloc");
        looking = 0;
    }
    FAIL("alloc", ENOMEM, NULL);
    return next(count, size);
}

void *realloc(void *old, size_t size)
{
    static void *(*next)(void *, size_t);

    if (!next)
        next =
            (void *(*)(void *, size_t))(uintptr_t)dlsym(RTLD_NEXT, "realloc");
    FAIL("alloc", ENOMEM, NULL);
    return next(old, size);
}

void free(void *old)
{
    static void (*next)(void *);

    if (is_early(old))
        return;
    if (!next)
        next = (void (*)(void *))(uintptr_t)dlsym(RTLD_NEXT, "free");
    next(old);
}

char *strdup(const char *text)
{
    NEXT(strdup);
    FAIL("alloc", ENOMEM, NULL);
    return next(text);
}

char *strndup(const char *text, size_t most)
{
    NEXT(strndup);
    FAIL("alloc", ENOMEM, NULL);
    return next(text, most);
}

int posix_memalign(void **at, size_t alignment, size_t size)
{
    NEXT(posix_memalign);
    if (fails("alloc", CALLER))
        return ENOMEM;
    return next(at, alignment, size);
}

/* -- Descriptors and threads -- */

int eventfd(unsigned count, int flags)
{
    NEXT(eventfd);
    FAIL("eventfd", EMFILE, -1);
    return next(count, flags);
}

int pipe2(int fds[2], int flags)
{
    NEXT(pipe2);
    FAIL("pipe2", EMFILE, -1);
    return next(fds, flags);
}

int pipe(int fds[2])
{
    NEXT(pipe);
    FAIL("pipe2", EMFILE, -1);
    return next(fds);
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
    NEXT(socketpair);
    FAIL("socketpair", EMFILE, -1);
    return next(domain, type, protocol, fds);
}

int socket(int domain, int type, int protocol)
{
    NEXT(socket);
    FAIL("socket", EMFILE, -1);
    return next(domain, type, protocol);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    NEXT(accept4);
    FAIL("accept4", EMFILE, -1);
    return next(fd, address, size, flags);
}

int epoll_create1(int flags)
{
    NEXT(epoll_create1);
    FAIL("epoll_create1", EMFILE, -1);
    return next(flags);
}

int timerfd_create(int clock, int flags)
{
    NEXT(timerfd_create);
    FAIL("timerfd_create", EMFILE, -1);
    return next(clock, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*start)(void *), void *self)
{
    NEXT(pthread_create);
    if (fails("pthread_create", CALLER))
        return EAGAIN;
    return next(thread, attributes, start, self);
}

/* -- Lua's -- */

static int arm(struct lua_State *L)
{
    snprintf(kind, sizeof kind, "%s", luaL_optlstring(L, 1, "", NULL));
    from = (long)luaL_checknumber(L, 2);
    to = (long)luaL_checknumber(L, 3);
    snprintf(module, sizeof module, "%s", luaL_optlstring(L, 4, "", NULL));
    range_count = 0;
    dl_iterate_phdr(add_range, NULL);
    atomic_store(&calls, 0);
    atomic_store(&failed_at, 0);
    atomic_store_explicit(&armed, true, memory_order_release);
    return 0;
}

static int disarm(struct lua_State *L)
{
    Dl_info about = {0};
    char text[512] = "";
    uintptr_t at = atomic_load(&failed_at);

    atomic_store(&armed, false);
    lua_pushnumber(L, (double)atomic_load(&calls));
    if (!at)
        return 1;
    if (dladdr((void *)at, &about) && about.dli_fname)
        snprintf(text, sizeof text, "%s+0x%lx", about.dli_fname,
                 (unsigned long)(at - (uintptr_t)about.dli_fbase));
    lua_pushstring(L, text);
    return 2;
}

/* tell(number): the number is told() in another state. */
static double told;

static int tell(struct lua_State *L)
{
    told = luaL_checknumber(L, 1);
    return 0;
}

static int tell_again(struct lua_State *L)
{
    lua_pushnumber(L, told);
    return 1;
}

/* state(source, name): runs it in a Lua state of its own, which is closed then;
 * gives nothing, or what went wrong. */
static int state(struct lua_State *L)
{
    size_t size;
    const char *source = luaL_optlstring(L, 1, "", &size);
    const char *name = luaL_optlstring(L, 2, "=state", NULL);
    /* Macros for one another. */
    int (*pcallk)(struct lua_State *, int, int, int, intptr_t, void *) =
        (int (*)(struct lua_State *, int, int, int, intptr_t, void *))(
            uintptr_t)dlsym(RTLD_DEFAULT, "lua_pcallk");
    int (*pcall)(struct lua_State *, int, int, int) =
        (int (*)(struct lua_State *, int, int, int))(uintptr_t)dlsym(
            RTLD_DEFAULT, "lua_pcall");
    struct lua_State *other = luaL_newstate();
    int failed;

    if (!other)
        return 0;
    luaL_openlibs(other);
    failed = luaL_loadbufferx(other, source, size, name, NULL);
    if (!failed)
        failed =
            pcallk ? pcallk(other, 0, 0, 0, 0, NULL) : pcall(other, 0, 0, 0);
    if (failed)
        lua_pushstring(L, lua_isstring(other, -1)
                              ? luaL_optlstring(other, -1, "?", NULL)
                              : "an error that is no string");
    lua_close(other);
    return failed ? 1 : 0;
}

int luaopen_faults(struct lua_State *L)
{
    lua_createtable(L, 0, 3);
    lua_pushcclosure(L, state, 0);
    lua_setfield(L, -2, "state");
    lua_pushcclosure(L, tell, 0);
    lua_setfield(L, -2, "tell");
    lua_pushcclosure(L, tell_again, 0);
    lua_setfield(L, -2, "told");
    lua_pushcclosure(L, arm, 0);
    lua_setfield(L, -2, "arm");
    lua_pushcclosure(L, disarm, 0);
    lua_setfield(L, -2, "disarm");
    return 1;
}
