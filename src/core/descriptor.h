/* Descriptors that a library has made, and how many there are left.  Any
 * thread. */
#ifndef CCAAS_DESCRIPTOR_H
#define CCAAS_DESCRIPTOR_H

#include <stdbool.h>

/* What to say when a connection fails for want of them. */
#define CCAAS_NO_DESCRIPTOR                                                    \
    "no descriptor or thread is left for a connection: raise the limits "      \
    "(ulimit -n, -u)"

/* Can this process open so many more at this moment? */
bool ccaas_descriptors_left(int count);

/* Which eventfd it is: the kernel's number of it, by which two descriptors of
 * one are known and two of one number told apart; and its count, unless NULL.
 * -1: it is none, or there is no /proc that tells. */
long ccaas_eventfd_id(int fd, unsigned long long *count);

/* The eventfd that `wake` adds 1 to when it is called, and that nobody reads
 * meanwhile.  -1: there is none; -2: there is no /proc that tells. */
int ccaas_eventfd_find(void (*wake)(void *self), void *self);

/* Keeps an eventfd's number and identity while a library closes it: it may
 * forget to, or do it twice. */
struct ccaas_eventfd {
    int fd, held; /* the library's, and ours of the same eventfd; or -1 */
    long id;
};

/* Holds the eventfd that the library has as `fd`, so that it is known again. */
void ccaas_eventfd_hold(struct ccaas_eventfd *eventfd, int fd);

/* The library has closed it once and will do so again: has its number taken,
 * so that it is not another thread's by then. */
void ccaas_eventfd_refill(const struct ccaas_eventfd *eventfd);

/* The library is done: closes what it forgot to. */
void ccaas_eventfd_settle(struct ccaas_eventfd *eventfd);

#endif
