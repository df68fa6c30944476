/* Look-ups of host names, each on a thread of its own: one that hangs holds up
 * nobody, not even the end of the process. */
#ifndef CC_LOOKUP_H
#define CC_LOOKUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define CC_NAMES_MOST 16 /* addresses of one host that are tried */

/* Addresses as numbers. */
struct cc_names {
    size_t count;
    char text[CC_NAMES_MOST][64];
};

struct cc_ws;

struct cc_lookup {
    atomic_int references; /* the engine's and the thread's */
    struct cc_ws *ws;
    struct cc_lookup *next;       /* the engine's list */
    struct cc_lookup *next_found; /* by the engine's lock */
    char *host;
    double began;

    /* The thread's, until it has handed it over. */
    int failure;  /* of getaddrinfo; 0: found */
    bool starved; /* it failed for want of descriptors */
    struct cc_names names;
};

/* Is the host a number, or this machine's own name?  Then there is nothing to
 * look up. */
bool cc_lookup_known(const char *host, struct cc_names *names);

/* On the engine's thread: a look-up of that name, perhaps one that is under
 * way.  It will be in ws->found.  NULL: memory is out, or no thread can be
 * had. */
struct cc_lookup *cc_lookup_start(struct cc_ws *ws, const char *host);
void cc_lookup_release(struct cc_lookup *lookup);

#endif
