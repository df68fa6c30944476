/* A wake descriptor: see waker.h. */
#include "waker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* That one waker follows another. */
struct edge {
    struct ccaas_waker *to;
    int mark;                  /* -1: none is left */
    bool left;                 /* by the follower's lock, as are these */
    struct edge *next, **link; /* in its list */
};

struct ccaas_waker {
    atomic_int references;
    atomic_int fd; /* -1 until the waiter asks for it */
    atomic_bool armed;
    bool disarmed; /* since it was armed: the waiter's */
    pthread_mutex_t
        lock;    /* guards the followers, and writing against closing */
    bool closed; /* the waiter is gone: written with the lock held */
    int socket;  /* gets a byte with the next wake; -1: none */
    atomic_bool finished, cancelled;
    void (*on_cancel)(void *self);
    void *on_cancel_self;
    struct ccaas_waker **owned;
    size_t owned_count;
    struct edge **followers;
    size_t count;
    struct edge *marks, **marks_end; /* that were left here */
};

struct ccaas_waker *cc_waker_new(void)
{
    struct ccaas_waker *waker = calloc(1, sizeof *waker);

    if (!waker)
        return NULL;
    atomic_init(&waker->references, 1);
    atomic_init(&waker->fd, -1);
    atomic_init(&waker->armed, false);
    atomic_init(&waker->finished, false);
    atomic_init(&waker->cancelled, false);
    waker->socket = -1;
    waker->marks_end = &waker->marks;
    pthread_mutex_init(&waker->lock, NULL);
    return waker;
}

struct ccaas_waker *cc_waker_hold(struct ccaas_waker *waker)
{
    atomic_fetch_add(&waker->references, 1);
    return waker;
}

/* Takes an edge's mark back; its follower's lock is held. */
static void take_mark(struct edge *edge)
{
    *edge->link = edge->next;
    if (edge->next)
        edge->next->link = edge->link;
    else
        edge->to->marks_end = edge->link;
    edge->left = false;
}

static void leave_mark(struct edge *edge)
{
    struct ccaas_waker *to = edge->to;

    pthread_mutex_lock(&to->lock);
    if (!edge->left) {
        edge->left = true;
        edge->next = NULL;
        edge->link = to->marks_end;
        *to->marks_end = edge;
        to->marks_end = &edge->next;
    }
    pthread_mutex_unlock(&to->lock);
}

static void free_edge(struct edge *edge)
{
    pthread_mutex_lock(&edge->to->lock);
    if (edge->left)
        take_mark(edge);
    pthread_mutex_unlock(&edge->to->lock);
    cc_waker_release(edge->to);
    free(edge);
}

void cc_waker_release(struct ccaas_waker *waker)
{
    size_t i;

    if (!waker || atomic_fetch_sub(&waker->references, 1) != 1)
        return;
    for (i = 0; i < waker->count; i++)
        free_edge(waker->followers[i]);
    for (i = 0; i < waker->owned_count; i++)
        cc_waker_release(waker->owned[i]);
    free(waker->owned);
    free(waker->followers);
    if (atomic_load(&waker->fd) >= 0)
        close(atomic_load(&waker->fd));
    pthread_mutex_destroy(&waker->lock);
    free(waker);
}

static void write_one(int fd)
{
    static const uint64_t one = 1;

    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void send_one(int socket)
{
    while (send(socket, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
           errno == EINTR)
        ;
}

int cc_waker_fd(struct ccaas_waker *waker)
{
    int fd = atomic_load(&waker->fd);

    if (fd < 0 && !waker->closed) {
        fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        atomic_store(&waker->fd, fd);
        /* Woken since it was armed, when there was no descriptor to write to?
         */
        if (fd >= 0 && !waker->disarmed && !atomic_load(&waker->armed))
            write_one(fd);
    }
    return fd;
}

void cc_waker_close(struct ccaas_waker *waker)
{
    struct ccaas_waker **owned;
    size_t count, i;
    int fd;

    pthread_mutex_lock(&waker->lock);
    waker->closed = true;
    atomic_store(&waker->finished, true);
    fd = atomic_exchange(&waker->fd, -1);
    owned = waker->owned;
    count = waker->owned_count;
    waker->owned = NULL;
    waker->owned_count = 0;
    pthread_mutex_unlock(&waker->lock);
    if (fd >= 0)
        close(fd);
    /* They follow this one, and so hold it. */
    for (i = 0; i < count; i++)
        cc_waker_release(owned[i]);
    free(owned);
}

void cc_waker_arm(struct ccaas_waker *waker)
{
    waker->disarmed = false;
    atomic_store(&waker->armed, true);
}

bool cc_waker_is_armed(struct ccaas_waker *waker)
{
    return atomic_load(&waker->armed);
}

void cc_waker_disarm(struct ccaas_waker *waker)
{
    uint64_t count;
    int fd = atomic_load(&waker->fd);

    waker->disarmed = true;
    atomic_store(&waker->armed, false);
    /* Always read: a wake in between may still be on its way. */
    if (fd >= 0)
        while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
            ;
}

static void ring_one(struct ccaas_waker *waker)
{
    int fd;

    /* Mostly nobody waits, and to look is cheaper than to write. */
    if (!atomic_load(&waker->armed) || !atomic_exchange(&waker->armed, false))
        return;
    pthread_mutex_lock(&waker->lock);
    fd = atomic_load(&waker->fd);
    if (fd >= 0)
        write_one(fd);
    if (waker->socket >= 0)
        send_one(waker->socket);
    pthread_mutex_unlock(&waker->lock);
}

void cc_waker_wake(struct ccaas_waker *waker)
{
    size_t i;

    ring_one(waker);
    pthread_mutex_lock(&waker->lock);
    for (i = 0; i < waker->count; i++) {
        if (waker->followers[i]->mark >= 0)
            leave_mark(waker->followers[i]);
        cc_waker_wake(waker->followers[i]->to);
    }
    pthread_mutex_unlock(&waker->lock);
}

bool cc_waker_notify(struct ccaas_waker *waker, int socket)
{
    bool armed;

    pthread_mutex_lock(&waker->lock);
    waker->socket = socket;
    armed = atomic_load(&waker->armed);
    pthread_mutex_unlock(&waker->lock);
    return armed;
}

void cc_waker_finish(struct ccaas_waker *waker)
{
    atomic_store(&waker->finished, true);
}

bool cc_waker_is_finished(struct ccaas_waker *waker)
{
    return atomic_load(&waker->finished);
}

void cc_waker_cancel(struct ccaas_waker *waker)
{
    struct ccaas_waker **owned;
    size_t count, i;

    pthread_mutex_lock(&waker->lock);
    atomic_store(&waker->cancelled, true);
    if (waker->on_cancel)
        waker->on_cancel(waker->on_cancel_self);
    waker->on_cancel = NULL;
    owned = waker->owned;
    count = waker->owned_count;
    waker->owned = NULL;
    waker->owned_count = 0;
    pthread_mutex_unlock(&waker->lock);
    /* Unlocked: those wake this one. */
    for (i = 0; i < count; i++) {
        cc_waker_cancel(owned[i]);
        cc_waker_release(owned[i]);
    }
    free(owned);
    cc_waker_wake(waker);
}

bool cc_waker_is_cancelled(struct ccaas_waker *waker)
{
    return atomic_load(&waker->cancelled);
}

void cc_waker_on_cancel(struct ccaas_waker *waker, void (*call)(void *self),
                        void *self)
{
    pthread_mutex_lock(&waker->lock);
    waker->on_cancel = call;
    waker->on_cancel_self = self;
    if (call && atomic_load(&waker->cancelled))
        call(self);
    pthread_mutex_unlock(&waker->lock);
}

/* Adds a reference to a list, if it is not there; false: memory is out. */
static bool add(struct ccaas_waker ***list, size_t *count,
                struct ccaas_waker *waker)
{
    struct ccaas_waker **longer;
    size_t i;

    for (i = 0; i < *count; i++)
        if ((*list)[i] == waker)
            return true;
    longer = realloc(*list, (*count + 1) * sizeof(struct ccaas_waker *));
    if (!longer)
        return false;
    *list = longer;
    longer[(*count)++] = cc_waker_hold(waker);
    return true;
}

/* Takes it out again; true: the caller has its reference. */
static bool take_out(struct ccaas_waker **list, size_t *count,
                     const struct ccaas_waker *waker)
{
    size_t i;

    for (i = 0; i < *count; i++)
        if (list[i] == waker) {
            list[i] = list[--*count];
            return true;
        }
    return false;
}

bool cc_waker_own(struct ccaas_waker *owner, struct ccaas_waker *waker)
{
    bool done;

    pthread_mutex_lock(&owner->lock);
    done = add(&owner->owned, &owner->owned_count, waker);
    pthread_mutex_unlock(&owner->lock);
    if (done && cc_waker_is_cancelled(owner))
        cc_waker_cancel(waker);
    return done;
}

void cc_waker_disown(struct ccaas_waker *owner, struct ccaas_waker *waker)
{
    bool found;

    pthread_mutex_lock(&owner->lock);
    found = take_out(owner->owned, &owner->owned_count, waker);
    pthread_mutex_unlock(&owner->lock);
    if (found)
        cc_waker_release(waker);
}

static struct edge *find_edge(const struct ccaas_waker *waker,
                              const struct ccaas_waker *follower, size_t *at)
{
    for (*at = 0; *at < waker->count; ++*at)
        if (waker->followers[*at]->to == follower)
            return waker->followers[*at];
    return NULL;
}

/* Room for one more follower; false: memory is out. */
static bool make_room(struct ccaas_waker *waker)
{
    struct edge **followers =
        realloc(waker->followers, (waker->count + 1) * sizeof(struct edge *));

    if (followers)
        waker->followers = followers;
    return followers != NULL;
}

bool cc_waker_follow_as(struct ccaas_waker *waker, struct ccaas_waker *follower,
                        int mark)
{
    struct edge *edge;
    size_t at;

    pthread_mutex_lock(&waker->lock);
    edge = find_edge(waker, follower, &at);
    if (!edge && make_room(waker)) {
        edge = calloc(1, sizeof *edge);
        if (edge) {
            edge->to = cc_waker_hold(follower);
            edge->mark = mark;
            waker->followers[waker->count++] = edge;
        }
    }
    pthread_mutex_unlock(&waker->lock);
    return edge != NULL;
}

bool cc_waker_follow(struct ccaas_waker *waker, struct ccaas_waker *follower)
{
    return cc_waker_follow_as(waker, follower, -1);
}

void cc_waker_unfollow(struct ccaas_waker *waker, struct ccaas_waker *follower)
{
    struct edge *edge;
    size_t at;

    pthread_mutex_lock(&waker->lock);
    edge = find_edge(waker, follower, &at);
    if (edge)
        waker->followers[at] = waker->followers[--waker->count];
    pthread_mutex_unlock(&waker->lock);
    if (edge)
        free_edge(edge);
}

int cc_waker_mark(struct ccaas_waker *follower)
{
    int mark = -1;

    pthread_mutex_lock(&follower->lock);
    if (follower->marks) {
        mark = follower->marks->mark;
        take_mark(follower->marks);
    }
    pthread_mutex_unlock(&follower->lock);
    return mark;
}
