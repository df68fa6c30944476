/* Lines that wake by a byte: see door.h. */
#include "door.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"

struct cc_line {
    struct cc_line *next, **link; /* the door's list */
    struct ccaas_door *door;
    int fd; /* -1: the far end was closed */
    struct ccaas_waker *waker;
    bool lent;
    double due; /* monotonic; of the wait under way */
};

struct ccaas_door {
    atomic_int references; /* the owner's, and the lines' */
    atomic_uint cuts;
    int listener, place; /* the socket, and its place in the file system */
    int epoll, timer;
    char path[64];
    pthread_mutex_t lock; /* guards the fields below, and the lines */
    struct cc_line *lines;
    double soonest; /* when the timer expires; INFINITY: never */
};

/* -- Opening -----------------------------------------------------------------
 */

/* Binds the listener in a private folder, opens the place where it is, and
 * takes both out of the file system again. */
static bool bind_below(struct ccaas_door *door, const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char inside[80];
    bool done;
    int problem;

    if (!folder || strlen(folder) > 64)
        return false;
    snprintf(inside, sizeof inside, "%s/ccaas-XXXXXX", folder);
    if (!mkdtemp(inside))
        return false;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/door", inside);
    done = bind(door->listener, (struct sockaddr *)&address, sizeof address) ==
               0 &&
           listen(door->listener, 64) == 0 &&
           (door->place = open(address.sun_path, O_PATH | O_CLOEXEC)) >= 0;
    problem = errno;
    unlink(address.sun_path);
    rmdir(inside);
    errno = problem;
    return done;
}

static bool watch_fd(struct ccaas_door *door, int fd, uint32_t events,
                     void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = data};

    return epoll_ctl(door->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void let_go(struct ccaas_door *door)
{
    const int fds[] = {door->listener, door->place, door->epoll, door->timer};
    size_t i;

    if (atomic_fetch_sub(&door->references, 1) != 1)
        return;
    for (i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    pthread_mutex_destroy(&door->lock);
    free(door);
}

struct ccaas_door *cc_door_open(void)
{
    struct ccaas_door *door = calloc(1, sizeof *door);
    int problem;

    if (!door)
        return NULL;
    atomic_init(&door->references, 1);
    atomic_init(&door->cuts, 0);
    pthread_mutex_init(&door->lock, NULL);
    door->soonest = INFINITY;
    door->place = -1;
    door->epoll = epoll_create1(EPOLL_CLOEXEC);
    door->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    door->listener =
        socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (door->epoll < 0 || door->timer < 0 || door->listener < 0 ||
        !watch_fd(door, door->timer, EPOLLIN, NULL) ||
        !(bind_below(door, getenv("TMPDIR")) || bind_below(door, "/tmp") ||
          bind_below(door, "/dev/shm"))) {
        problem = errno;
        let_go(door);
        errno = problem;
        return NULL;
    }
    snprintf(door->path, sizeof door->path, "/proc/self/fd/%d", door->place);
    return door;
}

void cc_door_close(struct ccaas_door *door)
{
    if (door)
        let_go(door);
}

const char *cc_door_path(const struct ccaas_door *door)
{
    return door->path;
}

int cc_door_fd(const struct ccaas_door *door)
{
    return door->epoll;
}

unsigned cc_door_cuts(struct ccaas_door *door)
{
    return atomic_load(&door->cuts);
}

/* -- With the lock held -------------------------------------------------------
 */

static void set_timer(struct ccaas_door *door, double at)
{
    struct itimerspec spec = {0};

    door->soonest = at;
    if (isfinite(at)) {
        spec.it_value.tv_sec = (time_t)at;
        spec.it_value.tv_nsec = (long)((at - floor(at)) * 1e9) + 1;
        if (spec.it_value.tv_nsec >= 1000000000)
            spec.it_value.tv_nsec = 999999999;
    }
    timerfd_settime(door->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Wakes those whose time is up. */
static void ring_due(struct ccaas_door *door)
{
    double now = cc_clock_now(), soonest = INFINITY;
    struct cc_line *line;
    uint64_t expired;

    if (read(door->timer, &expired, sizeof expired) < 0)
        return;
    for (line = door->lines; line; line = line->next) {
        if (!line->lent)
            continue;
        if (line->due <= now)
            cc_waker_wake(line->waker);
        else
            soonest = fmin(soonest, line->due);
    }
    set_timer(door, soonest);
}

static void send_byte(int fd)
{
    while (send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static void detach(struct cc_line *line)
{
    if (line->lent)
        cc_waker_notify(line->waker, -1);
    line->lent = false;
}

/* Its far end was closed. */
static void hang_up(struct cc_line *line)
{
    struct cc_line *other;

    detach(line);
    close(line->fd);
    line->fd = -1;
    if (!line->waker || cc_waker_is_finished(line->waker))
        return;
    cc_waker_cancel(line->waker);
    atomic_fetch_add(&line->door->cuts, 1);
    /* Some may have waited for what this one had. */
    for (other = line->door->lines; other; other = other->next)
        if (other->lent)
            cc_waker_wake(other->waker);
}

/* -- On the attending thread --------------------------------------------------
 */

void cc_door_attend(void *self)
{
    struct ccaas_door *door = self;
    struct epoll_event events[64];
    int count, i;

    /* Lines are closed with the lock held: what is told now is there. */
    pthread_mutex_lock(&door->lock);
    count = epoll_wait(door->epoll, events, 64, 0);
    for (i = 0; i < count; i++) {
        if (events[i].data.ptr)
            hang_up(events[i].data.ptr);
        else
            ring_due(door);
    }
    pthread_mutex_unlock(&door->lock);
}

/* -- On the Lua thread --------------------------------------------------------
 */

/* The newest connection; -1: there is none.  Older ones are of those who found
 * no descriptor for our end, and gave up. */
static int accept_newest(struct ccaas_door *door)
{
    struct pollfd more = {.fd = door->listener, .events = POLLIN};
    int fd = -1;

    do {
        if (fd >= 0)
            close(fd);
        fd = accept4(door->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd >= 0 && poll(&more, 1, 0) > 0);
    return fd;
}

struct cc_line *cc_door_accept(struct ccaas_door *door)
{
    struct cc_line *line = calloc(1, sizeof *line);
    bool watched;

    if (!line)
        return NULL;
    line->door = door;
    line->due = INFINITY;
    line->fd = accept_newest(door);
    if (line->fd < 0) {
        free(line);
        return NULL;
    }
    atomic_fetch_add(&door->references, 1);
    pthread_mutex_lock(&door->lock);
    line->next = door->lines;
    line->link = &door->lines;
    if (line->next)
        line->next->link = &line->next;
    door->lines = line;
    watched = watch_fd(door, line->fd, EPOLLRDHUP, line);
    pthread_mutex_unlock(&door->lock);
    if (!watched) {
        cc_line_close(line);
        return NULL;
    }
    return line;
}

void cc_line_attach(struct cc_line *line, struct ccaas_waker *waker)
{
    struct ccaas_waker *before;

    pthread_mutex_lock(&line->door->lock);
    detach(line);
    before = line->waker;
    line->waker = waker ? cc_waker_hold(waker) : NULL;
    if (waker && line->fd < 0)
        cc_waker_cancel(waker);
    pthread_mutex_unlock(&line->door->lock);
    cc_waker_release(before);
}

bool cc_line_lend(struct cc_line *line, double seconds)
{
    struct ccaas_door *door = line->door;
    bool armed = false;

    pthread_mutex_lock(&door->lock);
    line->lent = line->waker && line->fd >= 0;
    if (line->lent)
        armed = cc_waker_notify(line->waker, line->fd);
    if (!armed)
        detach(line);
    line->due = cc_clock_now() + seconds;
    if (armed && line->due < door->soonest)
        set_timer(door, line->due);
    pthread_mutex_unlock(&door->lock);
    return armed;
}

void cc_line_take_back(struct cc_line *line)
{
    pthread_mutex_lock(&line->door->lock);
    detach(line);
    pthread_mutex_unlock(&line->door->lock);
}

void cc_line_ping(struct cc_line *line)
{
    pthread_mutex_lock(&line->door->lock);
    if (line->fd >= 0)
        send_byte(line->fd);
    pthread_mutex_unlock(&line->door->lock);
}

bool cc_line_idle(struct cc_line *line)
{
    bool idle;

    pthread_mutex_lock(&line->door->lock);
    idle = line->fd >= 0 && !line->lent &&
           (!line->waker || cc_waker_is_finished(line->waker));
    pthread_mutex_unlock(&line->door->lock);
    return idle;
}

void cc_line_close(struct cc_line *line)
{
    struct ccaas_door *door;
    struct ccaas_waker *waker;

    if (!line)
        return;
    door = line->door;
    pthread_mutex_lock(&door->lock);
    detach(line);
    waker = line->waker;
    *line->link = line->next;
    if (line->next)
        line->next->link = line->link;
    if (line->fd >= 0)
        close(line->fd);
    pthread_mutex_unlock(&door->lock);
    cc_waker_release(waker);
    free(line);
    let_go(door);
}
