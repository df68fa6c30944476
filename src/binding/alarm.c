/* core.alarm: a descriptor with a time-out, for event loops that have no timers
 * of their own.
 *
 * It is the caller's, and closed by close or the collector; on the thread that
 * runs the Lua state.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "binding.h"
#include "compat.h"

#define ALARM_TYPE "ccaas.core.alarm"
#define LONGEST 1e9 /* seconds: that is never */

struct alarm_box {
    int set, clock; /* -1: closed */
};

static int alarm_close(lua_State *L)
{
    struct alarm_box *box = luaL_checkudata(L, 1, ALARM_TYPE);

    if (box->set >= 0)
        close(box->set);
    if (box->clock >= 0)
        close(box->clock);
    box->set = box->clock = -1;
    return 0;
}

static bool watch(const struct alarm_box *box, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    return epoll_ctl(box->set, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool start(struct alarm_box *box, int fd, double seconds)
{
    /* All zero would mean never. */
    struct itimerspec when = {.it_value.tv_nsec = 1};

    seconds = fmin(seconds, LONGEST);
    if (seconds > 0) {
        when.it_value.tv_sec = (time_t)seconds;
        when.it_value.tv_nsec = (long)(fmod(seconds, 1) * 1e9) | 1;
    }
    box->set = epoll_create1(EPOLL_CLOEXEC);
    box->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return box->set >= 0 && box->clock >= 0 &&
           timerfd_settime(box->clock, 0, &when, NULL) == 0 &&
           watch(box, box->clock) && (fd < 0 || watch(box, fd));
}

/* core.alarm(fd, seconds) -> an alarm, or nil and why there is none; `fd` -1:
 * there is only the time to wait for. */
int cc_binding_new_alarm(lua_State *L)
{
    int fd = (int)luaL_checkinteger(L, 1);
    double seconds = luaL_checknumber(L, 2);
    struct alarm_box *box = cc_newuserdata(L, sizeof *box);

    box->set = box->clock = -1;
    luaL_getmetatable(L, ALARM_TYPE);
    lua_setmetatable(L, -2);
    if (start(box, fd, seconds))
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
}

/* alarm:fd() -> readable when the other one is, or the time is up. */
static int alarm_fd(lua_State *L)
{
    struct alarm_box *box = luaL_checkudata(L, 1, ALARM_TYPE);

    lua_pushinteger(L, box->set);
    return 1;
}

void cc_binding_alarm(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"fd", alarm_fd}, {"close", alarm_close}, {NULL, NULL}};

    luaL_newmetatable(L, ALARM_TYPE);
    lua_pushcfunction(L, alarm_close);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    cc_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
