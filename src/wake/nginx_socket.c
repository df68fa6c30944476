/* Connections that wake by a byte: see nginx_socket.h. */
#include "nginx_socket.h"

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

struct cc_nginx_connection {
    struct cc_nginx_connection *next, **link; /* the listener's list */
    struct ccaas_nginx_socket *listener;
    int fd; /* -1: the far end was closed */
    struct ccaas_waker *waker;
    bool lent;
    double due; /* monotonic; of the wait under way */
};

struct ccaas_nginx_socket {
    atomic_int references; /* the owner's, and the connections' */
    atomic_uint cancels;
    int listener, place; /* the socket, and its place in the file system */
    int epoll, timer;
    char path[64];
    pthread_mutex_t lock; /* guards the fields below, and the connections */
    struct cc_nginx_connection *connections;
    double soonest; /* when the timer expires; INFINITY: never */
};

/* -- Opening -----------------------------------------------------------------
 */

/* Binds the listener in a private folder, opens the place where it is, and
 * takes both out of the file system again. */
static bool bind_below(struct ccaas_nginx_socket *listener, const char *folder)
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
    snprintf(address.sun_path, sizeof address.sun_path, "%s/listener", inside);
    done = bind(listener->listener, (struct sockaddr *)&address,
                sizeof address) == 0 &&
           listen(listener->listener, 64) == 0 &&
           (listener->place = open(address.sun_path, O_PATH | O_CLOEXEC)) >= 0;
    problem = errno;
    unlink(address.sun_path);
    rmdir(inside);
    errno = problem;
    return done;
}

static bool watch_fd(struct ccaas_nginx_socket *listener, int fd,
                     uint32_t events, void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = data};

    return epoll_ctl(listener->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void let_go(struct ccaas_nginx_socket *listener)
{
    const int fds[] = {listener->listener, listener->place, listener->epoll,
                       listener->timer};
    size_t i;

    if (atomic_fetch_sub(&listener->references, 1) != 1)
        return;
    for (i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    pthread_mutex_destroy(&listener->lock);
    free(listener);
}

struct ccaas_nginx_socket *cc_nginx_socket_open(void)
{
    struct ccaas_nginx_socket *listener = calloc(1, sizeof *listener);
    int problem;

    if (!listener)
        return NULL;
    atomic_init(&listener->references, 1);
    atomic_init(&listener->cancels, 0);
    pthread_mutex_init(&listener->lock, NULL);
    listener->soonest = INFINITY;
    listener->place = -1;
    listener->epoll = epoll_create1(EPOLL_CLOEXEC);
    listener->timer =
        timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    listener->listener =
        socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->epoll < 0 || listener->timer < 0 || listener->listener < 0 ||
        !watch_fd(listener, listener->timer, EPOLLIN, NULL) ||
        !(bind_below(listener, getenv("TMPDIR")) ||
          bind_below(listener, "/tmp") || bind_below(listener, "/dev/shm"))) {
        problem = errno;
        let_go(listener);
        errno = problem;
        return NULL;
    }
    snprintf(listener->path, sizeof listener->path, "/proc/self/fd/%d",
             listener->place);
    return listener;
}

void cc_nginx_socket_close(struct ccaas_nginx_socket *listener)
{
    if (listener)
        let_go(listener);
}

const char *cc_nginx_socket_path(const struct ccaas_nginx_socket *listener)
{
    return listener->path;
}

int cc_nginx_socket_fd(const struct ccaas_nginx_socket *listener)
{
    return listener->epoll;
}

unsigned cc_nginx_socket_cancels(struct ccaas_nginx_socket *listener)
{
    return atomic_load(&listener->cancels);
}

/* -- With the lock held -------------------------------------------------------
 */

static void set_timer(struct ccaas_nginx_socket *listener, double at)
{
    struct itimerspec spec = {0};

    listener->soonest = at;
    if (isfinite(at)) {
        spec.it_value.tv_sec = (time_t)at;
        spec.it_value.tv_nsec = (long)((at - floor(at)) * 1e9) + 1;
        if (spec.it_value.tv_nsec >= 1000000000)
            spec.it_value.tv_nsec = 999999999;
    }
    timerfd_settime(listener->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Wakes those whose time is up. */
static void ring_due(struct ccaas_nginx_socket *listener)
{
    double now = cc_clock_now(), soonest = INFINITY;
    struct cc_nginx_connection *connection;
    uint64_t expired;

    if (read(listener->timer, &expired, sizeof expired) < 0)
        return;
    for (connection = listener->connections; connection;
         connection = connection->next) {
        if (!connection->lent)
            continue;
        if (connection->due <= now)
            cc_waker_wake(connection->waker);
        else
            soonest = fmin(soonest, connection->due);
    }
    set_timer(listener, soonest);
}

static void send_byte(int fd)
{
    while (send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static void detach(struct cc_nginx_connection *connection)
{
    if (connection->lent)
        cc_waker_notify(connection->waker, -1);
    connection->lent = false;
}

/* Its far end was closed. */
static void hang_up(struct cc_nginx_connection *connection)
{
    struct cc_nginx_connection *other;

    detach(connection);
    close(connection->fd);
    connection->fd = -1;
    if (!connection->waker || cc_waker_is_finished(connection->waker))
        return;
    cc_waker_cancel(connection->waker);
    atomic_fetch_add(&connection->listener->cancels, 1);
    /* Some may have waited for what this one had. */
    for (other = connection->listener->connections; other; other = other->next)
        if (other->lent)
            cc_waker_wake(other->waker);
}

/* -- On the attending thread --------------------------------------------------
 */

void cc_nginx_socket_attend(void *self)
{
    struct ccaas_nginx_socket *listener = self;
    struct epoll_event events[64];
    int count, i;

    /* Lines are closed with the lock held: what is told now is there. */
    pthread_mutex_lock(&listener->lock);
    count = epoll_wait(listener->epoll, events, 64, 0);
    for (i = 0; i < count; i++) {
        if (events[i].data.ptr)
            hang_up(events[i].data.ptr);
        else
            ring_due(listener);
    }
    pthread_mutex_unlock(&listener->lock);
}

/* -- On the Lua thread --------------------------------------------------------
 */

/* The newest connection; -1: there is none.  Older ones are of those who found
 * no descriptor for our end, and gave up. */
static int accept_newest(struct ccaas_nginx_socket *listener)
{
    struct pollfd more = {.fd = listener->listener, .events = POLLIN};
    int fd = -1;

    do {
        if (fd >= 0)
            close(fd);
        fd = accept4(listener->listener, NULL, NULL,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd >= 0 && poll(&more, 1, 0) > 0);
    return fd;
}

struct cc_nginx_connection *
cc_nginx_socket_accept(struct ccaas_nginx_socket *listener)
{
    struct cc_nginx_connection *connection = calloc(1, sizeof *connection);
    bool watched;

    if (!connection)
        return NULL;
    connection->listener = listener;
    connection->due = INFINITY;
    connection->fd = accept_newest(listener);
    if (connection->fd < 0) {
        free(connection);
        return NULL;
    }
    atomic_fetch_add(&listener->references, 1);
    pthread_mutex_lock(&listener->lock);
    connection->next = listener->connections;
    connection->link = &listener->connections;
    if (connection->next)
        connection->next->link = &connection->next;
    listener->connections = connection;
    watched = watch_fd(listener, connection->fd, EPOLLRDHUP, connection);
    pthread_mutex_unlock(&listener->lock);
    if (!watched) {
        cc_nginx_connection_close(connection);
        return NULL;
    }
    return connection;
}

void cc_nginx_connection_attach(struct cc_nginx_connection *connection,
                                struct ccaas_waker *waker)
{
    struct ccaas_waker *before;

    pthread_mutex_lock(&connection->listener->lock);
    detach(connection);
    before = connection->waker;
    connection->waker = waker ? cc_waker_hold(waker) : NULL;
    if (waker && connection->fd < 0)
        cc_waker_cancel(waker);
    pthread_mutex_unlock(&connection->listener->lock);
    cc_waker_release(before);
}

bool cc_nginx_connection_lend(struct cc_nginx_connection *connection,
                              double seconds)
{
    struct ccaas_nginx_socket *listener = connection->listener;
    bool armed = false;

    pthread_mutex_lock(&listener->lock);
    connection->lent = connection->waker && connection->fd >= 0;
    if (connection->lent)
        armed = cc_waker_notify(connection->waker, connection->fd);
    if (!armed)
        detach(connection);
    connection->due = cc_clock_now() + seconds;
    if (armed && connection->due < listener->soonest)
        set_timer(listener, connection->due);
    pthread_mutex_unlock(&listener->lock);
    return armed;
}

void cc_nginx_connection_take_back(struct cc_nginx_connection *connection)
{
    pthread_mutex_lock(&connection->listener->lock);
    detach(connection);
    pthread_mutex_unlock(&connection->listener->lock);
}

void cc_nginx_connection_ping(struct cc_nginx_connection *connection)
{
    pthread_mutex_lock(&connection->listener->lock);
    if (connection->fd >= 0)
        send_byte(connection->fd);
    pthread_mutex_unlock(&connection->listener->lock);
}

bool cc_nginx_connection_idle(struct cc_nginx_connection *connection)
{
    bool idle;

    pthread_mutex_lock(&connection->listener->lock);
    idle = connection->fd >= 0 && !connection->lent &&
           (!connection->waker || cc_waker_is_finished(connection->waker));
    pthread_mutex_unlock(&connection->listener->lock);
    return idle;
}

void cc_nginx_connection_close(struct cc_nginx_connection *connection)
{
    struct ccaas_nginx_socket *listener;
    struct ccaas_waker *waker;

    if (!connection)
        return;
    listener = connection->listener;
    pthread_mutex_lock(&listener->lock);
    detach(connection);
    waker = connection->waker;
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    if (connection->fd >= 0)
        close(connection->fd);
    pthread_mutex_unlock(&listener->lock);
    cc_waker_release(waker);
    free(connection);
    let_go(listener);
}
