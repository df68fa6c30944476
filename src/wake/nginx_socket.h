/* For loops that cannot wait for a descriptor, but for a byte on a socket of
 * theirs: a listener they connect to, and the connections that come of it.  A
 * connection's far end is the loop's; ours sends one byte when the waker it
 * serves is woken.
 *
 * The Lua thread opens, accepts, lends and closes.  The thread that attends to
 * cc_nginx_socket_fd wakes when a wait's time is up, and when a far end is
 * closed, whoever waited there being gone, cancels the waker: see waker.h.
 */
#ifndef CC_NGINX_SOCKET_H
#define CC_NGINX_SOCKET_H

#include <stdbool.h>

#include "waker.h"

struct ccaas_nginx_socket;
struct cc_nginx_connection;

/* A listening unix socket, made in a private folder and without a name from
 * then on: nothing is left behind, however the process ends.  NULL: it could
 * not be made, and errno says why. */
struct ccaas_nginx_socket *cc_nginx_socket_open(void);

/* Closes it; connections that are still there stay until they are closed. */
void cc_nginx_socket_close(struct ccaas_nginx_socket *listener);

/* Where to connect to, in this process alone. */
const char *cc_nginx_socket_path(const struct ccaas_nginx_socket *listener);

/* The attending thread's: what to poll, and what to call when it is readable.
 */
int cc_nginx_socket_fd(const struct ccaas_nginx_socket *listener);
void cc_nginx_socket_attend(void *listener);

/* Any thread: how many wakers were cancelled so far. */
unsigned cc_nginx_socket_cancels(struct ccaas_nginx_socket *listener);

/* Our end of the connection that was made just before; NULL: there is none, or
 * no descriptor or memory is left. */
struct cc_nginx_connection *
cc_nginx_socket_accept(struct ccaas_nginx_socket *listener);

/* From now on the connection serves this waker (NULL: none): it is cancelled
 * when the far end goes. */
void cc_nginx_connection_attach(struct cc_nginx_connection *connection,
                                struct ccaas_waker *waker);

/* The next wake of the waker, which is armed, sends a byte, or `seconds` from
 * now the clock does (INFINITY: never).  False: it was woken already. */
bool cc_nginx_connection_lend(struct cc_nginx_connection *connection,
                              double seconds);

/* After the wait: no byte is sent any more. */
void cc_nginx_connection_take_back(struct cc_nginx_connection *connection);

/* Sends a byte at once. */
void cc_nginx_connection_ping(struct cc_nginx_connection *connection);

/* Is its waker of no use any more, or is there none? */
bool cc_nginx_connection_idle(struct cc_nginx_connection *connection);

/* Closes our end, and lets go of the waker, which is not cancelled. */
void cc_nginx_connection_close(struct cc_nginx_connection *connection);

#endif
