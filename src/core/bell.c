/* A wake descriptor: see bell.h. */
#include "bell.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* That one bell follows another. */
struct edge {
    struct ccaas_bell *to;
    int mark;                  /* -1: none is left */
    bool left;                 /* by the follower's lock, as are these */
    struct edge *next, **link; /* in its list */
};

struct ccaas_bell {
    atomic_int references;
    atomic_int fd; /* -1 until somebody wants to wait */
    atomic_bool armed;
    bool disarmed;        /* since it was armed: the waiter's */
    pthread_mutex_t lock; /* guards the followers, and writing against quit */
    bool quit;  /* nobody waits any more: written with the lock held */
    int socket; /* gets a byte with the next ring; -1: none */
    atomic_bool over, cut;
    void (*at_cut)(void *self);
    void *at_cut_self;
    struct ccaas_bell **owned;
    size_t owned_count;
    struct edge **followers;
    size_t count;
    struct edge *marks, **marks_end; /* that were left here */
};

struct ccaas_bell *cc_bell_new(void)
{
    struct ccaas_bell *bell = calloc(1, sizeof *bell);

    if (!bell)
        return NULL;
    atomic_init(&bell->references, 1);
    atomic_init(&bell->fd, -1);
    atomic_init(&bell->armed, false);
    atomic_init(&bell->over, false);
    atomic_init(&bell->cut, false);
    bell->socket = -1;
    bell->marks_end = &bell->marks;
    pthread_mutex_init(&bell->lock, NULL);
    return bell;
}

struct ccaas_bell *cc_bell_hold(struct ccaas_bell *bell)
{
    atomic_fetch_add(&bell->references, 1);
    return bell;
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
    struct ccaas_bell *to = edge->to;

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
    cc_bell_release(edge->to);
    free(edge);
}

void cc_bell_release(struct ccaas_bell *bell)
{
    size_t i;

    if (!bell || atomic_fetch_sub(&bell->references, 1) != 1)
        return;
    for (i = 0; i < bell->count; i++)
        free_edge(bell->followers[i]);
    for (i = 0; i < bell->owned_count; i++)
        cc_bell_release(bell->owned[i]);
    free(bell->owned);
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

static void send_one(int socket)
{
    while (send(socket, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
           errno == EINTR)
        ;
}

int cc_bell_fd(struct ccaas_bell *bell)
{
    int fd = atomic_load(&bell->fd);

    if (fd < 0 && !bell->quit) {
        fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        atomic_store(&bell->fd, fd);
        /* Rung since it was armed, when there was nothing to write to? */
        if (fd >= 0 && !bell->disarmed && !atomic_load(&bell->armed))
            write_one(fd);
    }
    return fd;
}

void cc_bell_quit(struct ccaas_bell *bell)
{
    struct ccaas_bell **owned;
    size_t count, i;
    int fd;

    pthread_mutex_lock(&bell->lock);
    bell->quit = true;
    atomic_store(&bell->over, true);
    fd = atomic_exchange(&bell->fd, -1);
    owned = bell->owned;
    count = bell->owned_count;
    bell->owned = NULL;
    bell->owned_count = 0;
    pthread_mutex_unlock(&bell->lock);
    if (fd >= 0)
        close(fd);
    /* They follow this one, and so hold it. */
    for (i = 0; i < count; i++)
        cc_bell_release(owned[i]);
    free(owned);
}

void cc_bell_arm(struct ccaas_bell *bell)
{
    bell->disarmed = false;
    atomic_store(&bell->armed, true);
}

bool cc_bell_is_armed(struct ccaas_bell *bell)
{
    return atomic_load(&bell->armed);
}

void cc_bell_disarm(struct ccaas_bell *bell)
{
    uint64_t count;
    int fd = atomic_load(&bell->fd);

    bell->disarmed = true;
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
    if (bell->socket >= 0)
        send_one(bell->socket);
    pthread_mutex_unlock(&bell->lock);
}

void cc_bell_ring(struct ccaas_bell *bell)
{
    size_t i;

    ring_one(bell);
    pthread_mutex_lock(&bell->lock);
    for (i = 0; i < bell->count; i++) {
        if (bell->followers[i]->mark >= 0)
            leave_mark(bell->followers[i]);
        cc_bell_ring(bell->followers[i]->to);
    }
    pthread_mutex_unlock(&bell->lock);
}

bool cc_bell_wake_by(struct ccaas_bell *bell, int socket)
{
    bool armed;

    pthread_mutex_lock(&bell->lock);
    bell->socket = socket;
    armed = atomic_load(&bell->armed);
    pthread_mutex_unlock(&bell->lock);
    return armed;
}

void cc_bell_finish(struct ccaas_bell *bell)
{
    atomic_store(&bell->over, true);
}

bool cc_bell_over(struct ccaas_bell *bell)
{
    return atomic_load(&bell->over);
}

void cc_bell_cut(struct ccaas_bell *bell)
{
    struct ccaas_bell **owned;
    size_t count, i;

    pthread_mutex_lock(&bell->lock);
    atomic_store(&bell->cut, true);
    if (bell->at_cut)
        bell->at_cut(bell->at_cut_self);
    bell->at_cut = NULL;
    owned = bell->owned;
    count = bell->owned_count;
    bell->owned = NULL;
    bell->owned_count = 0;
    pthread_mutex_unlock(&bell->lock);
    /* Unlocked: those ring this one. */
    for (i = 0; i < count; i++) {
        cc_bell_cut(owned[i]);
        cc_bell_release(owned[i]);
    }
    free(owned);
    cc_bell_ring(bell);
}

bool cc_bell_is_cut(struct ccaas_bell *bell)
{
    return atomic_load(&bell->cut);
}

void cc_bell_at_cut(struct ccaas_bell *bell, void (*call)(void *self),
                    void *self)
{
    pthread_mutex_lock(&bell->lock);
    bell->at_cut = call;
    bell->at_cut_self = self;
    if (call && atomic_load(&bell->cut))
        call(self);
    pthread_mutex_unlock(&bell->lock);
}

/* Adds a reference to a list, if it is not there; false: memory is out. */
static bool add(struct ccaas_bell ***list, size_t *count,
                struct ccaas_bell *bell)
{
    struct ccaas_bell **longer;
    size_t i;

    for (i = 0; i < *count; i++)
        if ((*list)[i] == bell)
            return true;
    longer = realloc(*list, (*count + 1) * sizeof(struct ccaas_bell *));
    if (!longer)
        return false;
    *list = longer;
    longer[(*count)++] = cc_bell_hold(bell);
    return true;
}

/* Takes it out again; true: the caller has its reference. */
static bool take_out(struct ccaas_bell **list, size_t *count,
                     const struct ccaas_bell *bell)
{
    size_t i;

    for (i = 0; i < *count; i++)
        if (list[i] == bell) {
            list[i] = list[--*count];
            return true;
        }
    return false;
}

bool cc_bell_own(struct ccaas_bell *owner, struct ccaas_bell *bell)
{
    bool done;

    pthread_mutex_lock(&owner->lock);
    done = add(&owner->owned, &owner->owned_count, bell);
    pthread_mutex_unlock(&owner->lock);
    if (done && cc_bell_is_cut(owner))
        cc_bell_cut(bell);
    return done;
}

void cc_bell_disown(struct ccaas_bell *owner, struct ccaas_bell *bell)
{
    bool found;

    pthread_mutex_lock(&owner->lock);
    found = take_out(owner->owned, &owner->owned_count, bell);
    pthread_mutex_unlock(&owner->lock);
    if (found)
        cc_bell_release(bell);
}

static struct edge *find_edge(const struct ccaas_bell *bell,
                              const struct ccaas_bell *follower, size_t *at)
{
    for (*at = 0; *at < bell->count; ++*at)
        if (bell->followers[*at]->to == follower)
            return bell->followers[*at];
    return NULL;
}

/* Room for one more follower; false: memory is out. */
static bool make_room(struct ccaas_bell *bell)
{
    struct edge **followers =
        realloc(bell->followers, (bell->count + 1) * sizeof(struct edge *));

    if (followers)
        bell->followers = followers;
    return followers != NULL;
}

bool cc_bell_follow_as(struct ccaas_bell *bell, struct ccaas_bell *follower,
                       int mark)
{
    struct edge *edge;
    size_t at;

    pthread_mutex_lock(&bell->lock);
    edge = find_edge(bell, follower, &at);
    if (!edge && make_room(bell)) {
        edge = calloc(1, sizeof *edge);
        if (edge) {
            edge->to = cc_bell_hold(follower);
            edge->mark = mark;
            bell->followers[bell->count++] = edge;
        }
    }
    pthread_mutex_unlock(&bell->lock);
    return edge != NULL;
}

bool cc_bell_follow(struct ccaas_bell *bell, struct ccaas_bell *follower)
{
    return cc_bell_follow_as(bell, follower, -1);
}

void cc_bell_unfollow(struct ccaas_bell *bell, struct ccaas_bell *follower)
{
    struct edge *edge;
    size_t at;

    pthread_mutex_lock(&bell->lock);
    edge = find_edge(bell, follower, &at);
    if (edge)
        bell->followers[at] = bell->followers[--bell->count];
    pthread_mutex_unlock(&bell->lock);
    if (edge)
        free_edge(edge);
}

int cc_bell_mark(struct ccaas_bell *follower)
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
