/* A wake descriptor: see bell.h. */
#include "bell.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ccaas_bell {
    atomic_int references;
    atomic_int fd; /* -1 until somebody wants to wait */
    atomic_bool armed;
    pthread_mutex_t lock; /* guards the followers, and writing against quit */
    bool quit; /* nobody waits any more: written with the lock held */
    struct ccaas_bell **followers;
    size_t count;
};

struct ccaas_bell *ccaas_bell_new(void)
{
    struct ccaas_bell *bell = calloc(1, sizeof *bell);

    if (!bell)
        return NULL;
    atomic_init(&bell->references, 1);
    atomic_init(&bell->fd, -1);
    atomic_init(&bell->armed, false);
    pthread_mutex_init(&bell->lock, NULL);
    return bell;
}

struct ccaas_bell *ccaas_bell_hold(struct ccaas_bell *bell)
{
    atomic_fetch_add(&bell->references, 1);
    return bell;
}

void ccaas_bell_release(struct ccaas_bell *bell)
{
    size_t i;

    if (!bell || atomic_fetch_sub(&bell->references, 1) != 1)
        return;
    for (i = 0; i < bell->count; i++)
        ccaas_bell_release(bell->followers[i]);
    free(bell->followers);
    if (atomic_load(&bell->fd) >= 0)
        close(atomic_load(&bell->fd));
    pthread_mutex_destroy(&bell->lock);
    free(bell);
}

static void write_one(int fd)
{
    static const uint64_t one = 1;

    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

int ccaas_bell_fd(struct ccaas_bell *bell)
{
    int fd = atomic_load(&bell->fd);

    if (fd < 0 && !bell->quit) {
        fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        atomic_store(&bell->fd, fd);
        /* Rung since it was armed, when there was nothing to write to? */
        if (fd >= 0 && !atomic_load(&bell->armed))
            write_one(fd);
    }
    return fd;
}

void ccaas_bell_quit(struct ccaas_bell *bell)
{
    int fd;

    pthread_mutex_lock(&bell->lock);
    bell->quit = true;
    fd = atomic_exchange(&bell->fd, -1);
    pthread_mutex_unlock(&bell->lock);
    if (fd >= 0)
        close(fd);
}

void ccaas_bell_arm(struct ccaas_bell *bell)
{
    atomic_store(&bell->armed, true);
    ccaas_bell_fd(bell);
}

void ccaas_bell_disarm(struct ccaas_bell *bell)
{
    uint64_t count;
    int fd = atomic_load(&bell->fd);

    atomic_store(&bell->armed, false);
    /* Always read: a ring that came between may still be on its way in. */
    if (fd >= 0)
        while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
            ;
}

static void ring_one(struct ccaas_bell *bell)
{
    int fd;

    /* Mostly nobody waits, and to look is cheaper than to write. */
    if (!atomic_load(&bell->armed) || !atomic_exchange(&bell->armed, false))
        return;
    pthread_mutex_lock(&bell->lock);
    fd = atomic_load(&bell->fd);
    if (fd >= 0)
        write_one(fd);
    pthread_mutex_unlock(&bell->lock);
}

void ccaas_bell_ring(struct ccaas_bell *bell)
{
    size_t i;

    ring_one(bell);
    pthread_mutex_lock(&bell->lock);
    for (i = 0; i < bell->count; i++)
        ccaas_bell_ring(bell->followers[i]);
    pthread_mutex_unlock(&bell->lock);
}

bool ccaas_bell_follow(struct ccaas_bell *bell, struct ccaas_bell *follower)
{
    struct ccaas_bell **followers;
    bool done = true;
    size_t i;

    pthread_mutex_lock(&bell->lock);
    for (i = 0; i < bell->count; i++)
        if (bell->followers[i] == follower)
            goto out;
    followers = realloc(bell->followers,
                        (bell->count + 1) * sizeof(struct ccaas_bell *));
    done = followers != NULL;
    if (done) {
        bell->followers = followers;
        followers[bell->count++] = ccaas_bell_hold(follower);
    }
out:
    pthread_mutex_unlock(&bell->lock);
    return done;
}

void ccaas_bell_unfollow(struct ccaas_bell *bell, struct ccaas_bell *follower)
{
    bool found = false;
    size_t i;

    pthread_mutex_lock(&bell->lock);
    for (i = 0; i < bell->count; i++)
        if (bell->followers[i] == follower) {
            bell->followers[i] = bell->followers[--bell->count];
            found = true;
            break;
        }
    pthread_mutex_unlock(&bell->lock);
    if (found)
        ccaas_bell_release(follower);
}
