/* Descriptors: see descriptor.h. */
#include "descriptor.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEFT_MOST 32
/* Eventfds of a process that are looked at. */
#define FOUND_MOST 1024

bool cc_descriptors_left(int count)
{
    int fds[LEFT_MOST], made = 0, i;

    if (count > LEFT_MOST)
        count = LEFT_MOST;
    /* A pipe first: the system may be short of these alone. */
    if (count > 1 && pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0)
        made = 2;
    else
        fds[0] = open("/", O_PATH | O_CLOEXEC);
    if (!made && fds[0] >= 0)
        made = 1;
    for (i = made; made && i < count; i++, made++) {
        fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
        if (fds[i] < 0)
            break;
    }
    for (i = 0; i < made; i++)
        close(fds[i]);
    return made >= count;
}

/* What a line of fdinfo says; -1: there is none of that name. */
static long long field(const char *text, const char *name, int base)
{
    const char *at = strstr(text, name);

    return at ? (long long)strtoull(at + strlen(name), NULL, base) : -1;
}

long cc_eventfd_id(int fd, unsigned long long *count)
{
    char path[64], text[512];
    long long id;
    ssize_t got;
    int info;

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    info = open(path, O_RDONLY | O_CLOEXEC);
    if (info < 0)
        return -1;
    got = read(info, text, sizeof text - 1);
    close(info);
    if (got <= 0)
        return -1;
    text[got] = '\0';
    id = field(text, "eventfd-id:", 10);
    if (id >= 0 && count)
        *count = (unsigned long long)field(text, "eventfd-count:", 16);
    return (long)id;
}

/* -- Finding one ------------------------------------------------------------
 */

struct seen {
    int fd;
    long id;
    unsigned long long count;
};

/* All eventfds that there are; -1: it cannot be known. */
static int list_all(struct seen *seen)
{
    DIR *entries = opendir("/proc/self/fd");
    struct dirent *entry;
    int count = 0;

    if (!entries)
        return -1;
    while (count < FOUND_MOST && (entry = readdir(entries))) {
        struct seen *one = &seen[count];

        one->fd = (int)strtol(entry->d_name, NULL, 10);
        one->id =
            entry->d_name[0] == '.' ? -1 : cc_eventfd_id(one->fd, &one->count);
        count += one->id >= 0;
    }
    closedir(entries);
    return count;
}

/* Those alone stay whose count rises by `times` while `wake` is called so
 * often. */
static int keep_risen(struct seen *seen, int count, int times,
                      void (*wake)(void *self), void *self)
{
    unsigned long long now;
    int i, kept = 0;

    for (i = 0; i < times; i++)
        wake(self);
    for (i = 0; i < count; i++)
        if (cc_eventfd_id(seen[i].fd, &now) == seen[i].id &&
            now == seen[i].count + (unsigned)times) {
            seen[kept] = seen[i];
            seen[kept++].count = now;
        }
    return kept;
}

int cc_eventfd_find(void (*wake)(void *self), void *self)
{
    struct seen *seen = malloc(FOUND_MOST * sizeof *seen);
    int count = seen ? list_all(seen) : -1, fd = -2;

    if (count > 0)
        count = keep_risen(seen, count, 3, wake, self);
    if (count > 0)
        count = keep_risen(seen, count, 4, wake, self);
    if (count >= 0)
        fd = count == 1 ? seen[0].fd : -1;
    free(seen);
    return fd;
}

/* -- Netlink ----------------------------------------------------------------
 */

/* Notes it if it is one.  False: there is no room. */
static bool note_netlink(struct cc_netlinks *netlinks, int fd)
{
    struct sockaddr_nl address = {0};
    socklen_t length = sizeof address;
    struct stat about;

    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        address.nl_family != AF_NETLINK || fstat(fd, &about) != 0)
        return true;
    if (netlinks->count == CC_NETLINKS_MOST)
        return false;
    netlinks->sockets[netlinks->count].fd = fd;
    netlinks->sockets[netlinks->count++].inode = about.st_ino;
    return true;
}

void cc_netlinks_list(struct cc_netlinks *netlinks)
{
    DIR *entries = opendir("/proc/self/fd");
    struct dirent *entry;

    netlinks->count = entries ? 0 : -1;
    if (!entries)
        return;
    while ((entry = readdir(entries)))
        if (entry->d_name[0] != '.' &&
            !note_netlink(netlinks, (int)strtol(entry->d_name, NULL, 10))) {
            netlinks->count = -1;
            break;
        }
    closedir(entries);
}

static bool is_listed(const struct cc_netlinks *netlinks, int fd,
                      unsigned long long inode)
{
    int i;

    for (i = 0; i < netlinks->count; i++)
        if (netlinks->sockets[i].fd == fd &&
            netlinks->sockets[i].inode == inode)
            return true;
    return false;
}

void cc_netlinks_keep_new(const struct cc_netlinks *before)
{
    struct cc_netlinks now;
    int i;

    if (before->count < 0)
        return;
    cc_netlinks_list(&now);
    for (i = 0; i < now.count; i++)
        if (!is_listed(before, now.sockets[i].fd, now.sockets[i].inode))
            fcntl(now.sockets[i].fd, F_SETFD, FD_CLOEXEC);
}

/* -- Keeping one -------------------------------------------------------------
 */

void cc_eventfd_hold(struct cc_eventfd *eventfd, int fd)
{
    eventfd->fd = fd;
    eventfd->held = -1;
    eventfd->id = fd < 0 ? -1 : cc_eventfd_id(fd, NULL);
    if (eventfd->id >= 0)
        eventfd->held = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void cc_eventfd_refill(const struct cc_eventfd *eventfd)
{
    int fd;

    if (eventfd->held < 0)
        return;
    fd = fcntl(eventfd->held, F_DUPFD_CLOEXEC, eventfd->fd);
    if (fd >= 0 && fd != eventfd->fd)
        close(fd);
}

void cc_eventfd_settle(struct cc_eventfd *eventfd)
{
    if (eventfd->held < 0)
        return;
    if (cc_eventfd_id(eventfd->fd, NULL) == eventfd->id)
        close(eventfd->fd);
    close(eventfd->held);
    eventfd->held = -1;
}
