/* How loops wait: the socket that wakes nginx, and one descriptor for many
 * calls and subscriptions.
 *
 * All on the thread of the engine; wakers are woken by any thread.
 */
#ifndef CCAAS_WAKE_H
#define CCAAS_WAKE_H

#include <stdbool.h>

struct ccaas_engine;
struct ccaas_nginx_socket;
struct ccaas_waker;

/* The engine's listener, opened by the first call; NULL: it could not be
 * opened, and errno says why.  See nginx_socket.h. */
struct ccaas_nginx_socket *
ccaas_engine_nginx_socket(struct ccaas_engine *engine);

/* For loops with such a listener, after a connection was lent: closes the
 * calls and subscriptions whose readers are gone.  That wakes the operations
 * that wait for what those had. */
void ccaas_engine_sweep(struct ccaas_engine *engine);

/* -- Waitsets: one descriptor for many calls ------------------------------ */

struct ccaas_waitset;

/* NULL: memory is out. */
struct ccaas_waitset *ccaas_waitset_new(void);

/* From now on what wakes that waker (of a call or a subscription) wakes the
 * waitset, too, until it is removed or freed.  `own`: the waitset's owner is
 * the only reader of the waker's owner.  Each wake leaves that mark with the
 * waitset (-1: none).  False: memory is out. */
bool ccaas_waitset_add(struct ccaas_waitset *waitset, struct ccaas_waker *waker,
                       bool own, int mark);
void ccaas_waitset_remove(struct ccaas_waitset *waitset,
                          struct ccaas_waker *waker);

/* The oldest mark that was left, each once until it is taken; -1: none. */
int ccaas_waitset_mark(struct ccaas_waitset *waitset);

/* Arms the waitset: take from all once more, and wait if there is nothing. */
void ccaas_waitset_arm(struct ccaas_waitset *waitset);

/* The descriptor to wait for; -1: none could be made, or it belongs to the
 * parent of this process. */
int ccaas_waitset_fd(struct ccaas_waitset *waitset);
struct ccaas_waker *ccaas_waitset_waker(struct ccaas_waitset *waitset);

/* True in a process that was forked from the one that armed it. */
bool ccaas_waitset_forked(const struct ccaas_waitset *waitset);

/* After the wait. */
void ccaas_waitset_disarm(struct ccaas_waitset *waitset);

/* Closes the descriptor.  No caller may wait for it; nothing wakes it after
 * that. */
void ccaas_waitset_close(struct ccaas_waitset *waitset);

/* Removes all wakers, and closes it. */
void ccaas_waitset_free(struct ccaas_waitset *waitset);

#endif
