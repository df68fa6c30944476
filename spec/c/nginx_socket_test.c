/* The listener and its connections, with a thread that attends to it. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "nginx_socket.h"

static struct ccaas_nginx_socket *listener;
static pthread_t thread;
static atomic_bool over;

static void *attend(void *self)
{
    struct pollfd one = {.fd = cc_nginx_socket_fd(listener), .events = POLLIN};

    (void)self;
    while (!atomic_load(&over))
        if (poll(&one, 1, 10) == 1)
            cc_nginx_socket_attend(listener);
    return NULL;
}

static void open_door(void)
{
    listener = cc_nginx_socket_open();
    if (!listener)
        abort();
    atomic_store(&over, false);
    pthread_create(&thread, NULL, attend, NULL);
}

static void close_door(void)
{
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    cc_nginx_socket_close(listener);
}

/* A loop's end. */
static int connect_to_door(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, cc_nginx_socket_path(listener),
            sizeof address.sun_path - 1);
    CHECK_INT(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* How many bytes come, the first of them within 20 s; 0: the end. */
static long receive(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    char bytes[16];

    if (poll(&one, 1, 20000) != 1)
        return -1;
    return (long)recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
}

static bool wait_for_cut(struct ccaas_waker *waker)
{
    int tries;

    for (tries = 0; tries < 20000 && !cc_waker_is_cancelled(waker); tries++)
        usleep(1000);
    return cc_waker_is_cancelled(waker);
}

static void a_ring(void)
{
    struct ccaas_waker *waker = cc_waker_new();
    struct cc_nginx_connection *connection;
    int fd;

    open_door();
    fd = connect_to_door();
    connection = cc_nginx_socket_accept(listener);
    cc_nginx_connection_attach(connection, waker);
    cc_waker_arm(waker);
    CHECK(cc_nginx_connection_lend(connection, INFINITY));
    cc_waker_wake(waker);
    cc_waker_wake(waker);
    CHECK_INT(receive(fd), 1);
    cc_nginx_connection_take_back(connection);
    cc_waker_disarm(waker);
    cc_waker_arm(waker);
    cc_waker_wake(waker);
    CHECK(!cc_nginx_connection_lend(connection, INFINITY));
    cc_nginx_connection_ping(connection);
    CHECK_INT(receive(fd), 1);
    cc_nginx_connection_close(connection);
    CHECK_INT(receive(fd), 0);
    close(fd);
    cc_waker_release(waker);
    close_door();
}

static void time_up(void)
{
    struct ccaas_waker *wakers[3];
    struct cc_nginx_connection *connections[3];
    int fds[3], i;

    open_door();
    for (i = 0; i < 3; i++) {
        wakers[i] = cc_waker_new();
        fds[i] = connect_to_door();
        connections[i] = cc_nginx_socket_accept(listener);
        cc_nginx_connection_attach(connections[i], wakers[i]);
        cc_waker_arm(wakers[i]);
        CHECK(cc_nginx_connection_lend(connections[i],
                                       i == 0 ? INFINITY : 0.03 - 0.01 * i));
    }
    CHECK_INT(receive(fds[1]), 1);
    CHECK_INT(receive(fds[2]), 1);
    CHECK_INT(recv(fds[0], &i, 1, MSG_DONTWAIT), -1);
    for (i = 0; i < 3; i++) {
        cc_nginx_connection_close(connections[i]);
        cc_waker_release(wakers[i]);
        close(fds[i]);
    }
    close_door();
}

static void count(void *self)
{
    atomic_fetch_add((atomic_int *)self, 1);
}

static void a_far_end_that_goes(void)
{
    atomic_int cuts;
    struct ccaas_waker *waker = cc_waker_new(), *inner = cc_waker_new(),
                       *other = cc_waker_new(), *late = cc_waker_new();
    struct cc_nginx_connection *connection, *another;
    int fd, kept;

    open_door();
    fd = connect_to_door();
    connection = cc_nginx_socket_accept(listener);
    kept = connect_to_door();
    another = cc_nginx_socket_accept(listener);
    cc_nginx_connection_attach(connection, waker);
    cc_nginx_connection_attach(another, other);
    atomic_init(&cuts, 0);
    CHECK(cc_waker_own(waker, inner));
    cc_waker_on_cancel(inner, count, &cuts);
    cc_waker_arm(other);
    CHECK(cc_nginx_connection_lend(another, INFINITY));
    close(fd);
    CHECK(wait_for_cut(inner));
    CHECK(cc_waker_is_cancelled(waker));
    CHECK_INT(receive(kept), 1);
    CHECK(!cc_waker_is_cancelled(other));
    CHECK_INT(cc_nginx_socket_cancels(listener), 1);
    CHECK(!cc_nginx_connection_idle(connection));
    cc_nginx_connection_attach(connection,
                               late); /* too late to serve anybody */
    CHECK(cc_waker_is_cancelled(late));
    CHECK_INT(atomic_load(&cuts), 1);
    cc_waker_on_cancel(late, count, &cuts); /* told what was before */
    CHECK_INT(atomic_load(&cuts), 2);
    cc_nginx_connection_close(connection);
    cc_nginx_connection_close(another);
    close(kept);
    cc_waker_release(waker);
    cc_waker_release(inner);
    cc_waker_release(late);
    cc_waker_release(other);
    close_door();
}

static void an_end(void)
{
    struct ccaas_waker *waker = cc_waker_new();
    struct cc_nginx_connection *connection;
    int fd;

    open_door();
    fd = connect_to_door();
    connection = cc_nginx_socket_accept(listener);
    CHECK(cc_nginx_connection_idle(connection));
    cc_nginx_connection_attach(connection, waker);
    CHECK(!cc_nginx_connection_idle(connection));
    cc_waker_close(waker);
    CHECK(cc_nginx_connection_idle(connection));
    close(fd);
    while (cc_nginx_connection_idle(connection))
        usleep(1000);
    CHECK(!cc_waker_is_cancelled(waker));
    close_door();
    cc_nginx_connection_close(connection); /* it may outlive the listener */
    cc_waker_release(waker);
}

static void nobody(void)
{
    open_door();
    CHECK(!cc_nginx_socket_accept(listener));
    CHECK(access(cc_nginx_socket_path(listener), F_OK) == 0);
    close_door();
}

static void no_place(void)
{
    char folder[] = "/tmp/ccaas-spec-XXXXXX", command[64];

    CHECK(mkdtemp(folder) != NULL);
    setenv("TMPDIR", folder, 1);
    open_door();
    CHECK_INT(rmdir(folder), 0); /* nothing is in it */
    close_door();
    open_door(); /* elsewhere, then */
    close_door();
    unsetenv("TMPDIR");
    snprintf(command, sizeof command, "rm -rf %s", folder);
    CHECK_INT(system(command), 0);
}

#define ROUNDS 2000

static void *ring_often(void *self)
{
    while (!atomic_load(&over))
        cc_waker_wake(self);
    return NULL;
}

static void two_threads(void)
{
    struct ccaas_waker *waker = cc_waker_new();
    struct cc_nginx_connection *connection;
    pthread_t ringer;
    int fd, i;

    open_door();
    fd = connect_to_door();
    connection = cc_nginx_socket_accept(listener);
    cc_nginx_connection_attach(connection, waker);
    pthread_create(&ringer, NULL, ring_often, waker);
    for (i = 0; i < ROUNDS; i++) {
        cc_waker_arm(waker);
        if (cc_nginx_connection_lend(connection, 1))
            CHECK(receive(fd) > 0);
        cc_nginx_connection_take_back(connection);
        cc_waker_disarm(waker);
    }
    atomic_store(&over, true);
    pthread_join(ringer, NULL);
    cc_nginx_connection_close(connection);
    close(fd);
    cc_waker_release(waker);
    close_door();
}

int main(void)
{
    it("a wake sends one byte to the waiter, a ping one in any case", a_ring);
    it("a wait whose time is up gets its byte, and no other does", time_up);
    it("a far end that goes cuts off what was waited for, and wakes the rest",
       a_far_end_that_goes);
    it("what has come to its end is not cut off", an_end);
    it("nobody came: there is no connection", nobody);
    it("leaves nothing in the file system, and finds another place", no_place);
    it("no wait is forgotten while others wake", two_threads);
    return check_report();
}
