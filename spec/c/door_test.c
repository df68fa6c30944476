/* The door and its lines, with a thread that attends to it. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "door.h"

static struct ccaas_door *door;
static pthread_t thread;
static atomic_bool over;

static void *attend(void *self)
{
    struct pollfd one = {.fd = cc_door_fd(door), .events = POLLIN};

    (void)self;
    while (!atomic_load(&over))
        if (poll(&one, 1, 10) == 1)
            cc_door_attend(door);
    return NULL;
}

static void open_door(void)
{
    door = cc_door_open();
    if (!door)
        abort();
    atomic_store(&over, false);
    pthread_create(&thread, NULL, attend, NULL);
}

static void close_door(void)
{
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    cc_door_close(door);
}

/* A loop's end. */
static int connect_to_door(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, cc_door_path(door), sizeof address.sun_path - 1);
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

static bool wait_for_cut(struct ccaas_bell *bell)
{
    int tries;

    for (tries = 0; tries < 20000 && !cc_bell_is_cut(bell); tries++)
        usleep(1000);
    return cc_bell_is_cut(bell);
}

static void a_ring(void)
{
    struct ccaas_bell *bell = cc_bell_new();
    struct cc_line *line;
    int fd;

    open_door();
    fd = connect_to_door();
    line = cc_door_accept(door);
    cc_line_attach(line, bell);
    cc_bell_arm(bell);
    CHECK(cc_line_lend(line, INFINITY));
    cc_bell_ring(bell);
    cc_bell_ring(bell);
    CHECK_INT(receive(fd), 1);
    cc_line_take_back(line);
    cc_bell_disarm(bell);
    cc_bell_arm(bell);
    cc_bell_ring(bell);
    CHECK(!cc_line_lend(line, INFINITY));
    cc_line_ping(line);
    CHECK_INT(receive(fd), 1);
    cc_line_close(line);
    CHECK_INT(receive(fd), 0);
    close(fd);
    cc_bell_release(bell);
    close_door();
}

static void time_up(void)
{
    struct ccaas_bell *bells[3];
    struct cc_line *lines[3];
    int fds[3], i;

    open_door();
    for (i = 0; i < 3; i++) {
        bells[i] = cc_bell_new();
        fds[i] = connect_to_door();
        lines[i] = cc_door_accept(door);
        cc_line_attach(lines[i], bells[i]);
        cc_bell_arm(bells[i]);
        CHECK(cc_line_lend(lines[i], i == 0 ? INFINITY : 0.03 - 0.01 * i));
    }
    CHECK_INT(receive(fds[1]), 1);
    CHECK_INT(receive(fds[2]), 1);
    CHECK_INT(recv(fds[0], &i, 1, MSG_DONTWAIT), -1);
    for (i = 0; i < 3; i++) {
        cc_line_close(lines[i]);
        cc_bell_release(bells[i]);
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
    struct ccaas_bell *bell = cc_bell_new(), *inner = cc_bell_new(),
                      *other = cc_bell_new(), *late = cc_bell_new();
    struct cc_line *line, *another;
    int fd, kept;

    open_door();
    fd = connect_to_door();
    line = cc_door_accept(door);
    kept = connect_to_door();
    another = cc_door_accept(door);
    cc_line_attach(line, bell);
    cc_line_attach(another, other);
    atomic_init(&cuts, 0);
    CHECK(cc_bell_own(bell, inner));
    cc_bell_at_cut(inner, count, &cuts);
    cc_bell_arm(other);
    CHECK(cc_line_lend(another, INFINITY));
    close(fd);
    CHECK(wait_for_cut(inner));
    CHECK(cc_bell_is_cut(bell));
    CHECK_INT(receive(kept), 1);
    CHECK(!cc_bell_is_cut(other));
    CHECK_INT(cc_door_cuts(door), 1);
    CHECK(!cc_line_idle(line));
    cc_line_attach(line, late); /* too late to serve anybody */
    CHECK(cc_bell_is_cut(late));
    CHECK_INT(atomic_load(&cuts), 1);
    cc_bell_at_cut(late, count, &cuts); /* told what was before */
    CHECK_INT(atomic_load(&cuts), 2);
    cc_line_close(line);
    cc_line_close(another);
    close(kept);
    cc_bell_release(bell);
    cc_bell_release(inner);
    cc_bell_release(late);
    cc_bell_release(other);
    close_door();
}

static void an_end(void)
{
    struct ccaas_bell *bell = cc_bell_new();
    struct cc_line *line;
    int fd;

    open_door();
    fd = connect_to_door();
    line = cc_door_accept(door);
    CHECK(cc_line_idle(line));
    cc_line_attach(line, bell);
    CHECK(!cc_line_idle(line));
    cc_bell_quit(bell);
    CHECK(cc_line_idle(line));
    close(fd);
    while (cc_line_idle(line))
        usleep(1000);
    CHECK(!cc_bell_is_cut(bell));
    close_door();
    cc_line_close(line); /* it may outlive the door */
    cc_bell_release(bell);
}

static void nobody(void)
{
    open_door();
    CHECK(!cc_door_accept(door));
    CHECK(access(cc_door_path(door), F_OK) == 0);
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
        cc_bell_ring(self);
    return NULL;
}

static void two_threads(void)
{
    struct ccaas_bell *bell = cc_bell_new();
    struct cc_line *line;
    pthread_t ringer;
    int fd, i;

    open_door();
    fd = connect_to_door();
    line = cc_door_accept(door);
    cc_line_attach(line, bell);
    pthread_create(&ringer, NULL, ring_often, bell);
    for (i = 0; i < ROUNDS; i++) {
        cc_bell_arm(bell);
        if (cc_line_lend(line, 1))
            CHECK(receive(fd) > 0);
        cc_line_take_back(line);
        cc_bell_disarm(bell);
    }
    atomic_store(&over, true);
    pthread_join(ringer, NULL);
    cc_line_close(line);
    close(fd);
    cc_bell_release(bell);
    close_door();
}

int main(void)
{
    it("a ring sends one byte to who waits, a ping one in any case", a_ring);
    it("a wait whose time is up gets its byte, and no other does", time_up);
    it("a far end that goes cuts off what was waited for, and wakes the rest",
       a_far_end_that_goes);
    it("what has come to its end is not cut off", an_end);
    it("nobody came: there is no line", nobody);
    it("leaves nothing in the file system, and finds another place", no_place);
    it("no wait is forgotten while others ring", two_threads);
    return check_report();
}
