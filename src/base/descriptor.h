/* Descriptors that a library has made, and how many there are left.  Any
 * thread. */
#ifndef CC_DESCRIPTOR_H
#define CC_DESCRIPTOR_H

#include <stdbool.h>

/* What to say when a connection fails for want of them. */
#define CC_NO_DESCRIPTOR                                                       \
    "no descriptor or thread is left for a connection: raise the limits "      \
    "(ulimit -n, -u)"

/* Can this process open so many more at this moment? */
bool cc_descriptors_left(int count);

/* Which eventfd it is: the kernel's number of it, by which two descriptors of
 * one are known and two of one number told apart; and its count, unless NULL.
 * -1: it is none, or there is no /proc that tells. */
long cc_eventfd_id(int fd, unsigned long long *count);

/* The eventfd that `wake` adds 1 to when it is called, and that nobody reads
 * meanwhile.  -1: there is none; -2: there is no /proc that tells. */
int cc_eventfd_find(void (*wake)(void *self), void *self);

/* The netlink sockets of this process, by which the kernel tells of routes.
 * libwebsockets opens one for each context (since 4.2), which programs that the
 * host starts would inherit. */
#define CC_NETLINKS_MOST 64
struct cc_netlinks {
    int count; /* -1: more than can be listed, or there is no /proc */
    struct {
        int fd;
        unsigned long long inode;
    } sockets[CC_NETLINKS_MOST];
};

/* Lists those that there are. */
void cc_netlinks_list(struct cc_netlinks *netlinks);

/* Makes those close-on-exec that have come since `before` was listed. */
void cc_netlinks_keep_new(const struct cc_netlinks *before);

/* Keeps an eventfd's number and identity while a library closes it: it may
 * forget to, or do it twice. */
struct cc_eventfd {
    int fd, held; /* the library's, and ours of the same eventfd; or -1 */
    long id;
};

/* Holds the eventfd that the library has as `fd`, so that it is known again. */
void cc_eventfd_hold(struct cc_eventfd *eventfd, int fd);

/* The library has closed it once and will do so again: has its number taken,
 * so that it is not another thread's by then. */
void cc_eventfd_refill(const struct cc_eventfd *eventfd);

/* The library is done: closes what it forgot to. */
void cc_eventfd_settle(struct cc_eventfd *eventfd);

#endif
