/* For loops that cannot wait for a descriptor, but for a byte on a socket of
 * theirs: a door they connect to, and the lines that come of it.  A line's far
 * end is the loop's; ours sends one byte when the waker it serves is woken.
 *
 * The Lua thread opens, accepts, lends and closes.  The thread that attends to
 * cc_door_fd wakes when a wait's time is up, and when a far end is closed,
 * whoever waited there being gone, cancels the waker: see waker.h.
 */
#ifndef CC_DOOR_H
#define CC_DOOR_H

#include <stdbool.h>

#include "waker.h"

struct ccaas_door;
struct cc_line;

/* A listening unix socket, made in a private folder and without a name from
 * then on: nothing is left behind, however the process ends.  NULL: it could
 * not be made, and errno says why. */
struct ccaas_door *cc_door_open(void);

/* Closes it; lines that are still there stay until they are closed. */
void cc_door_close(struct ccaas_door *door);

/* Where to connect to, in this process alone. */
const char *cc_door_path(const struct ccaas_door *door);

/* The attending thread's: what to poll, and what to call when it is readable.
 */
int cc_door_fd(const struct ccaas_door *door);
void cc_door_attend(void *door);

/* Any thread: how many wakers were cut off so far. */
unsigned cc_door_cuts(struct ccaas_door *door);

/* Our end of the connection that was made just before; NULL: there is none, or
 * no descriptor or memory is left. */
struct cc_line *cc_door_accept(struct ccaas_door *door);

/* From now on the line serves this waker (NULL: none): it is cut off when the
 * far end goes. */
void cc_line_attach(struct cc_line *line, struct ccaas_waker *waker);

/* The next wake of the waker, which is armed, sends a byte, or `seconds` from
 * now the clock does (INFINITY: never).  False: it was woken already. */
bool cc_line_lend(struct cc_line *line, double seconds);

/* After the wait: no byte is sent any more. */
void cc_line_take_back(struct cc_line *line);

/* Sends a byte at once. */
void cc_line_ping(struct cc_line *line);

/* Is its waker of no use any more, or is there none? */
bool cc_line_idle(struct cc_line *line);

/* Closes our end, and lets go of the waker, which is not cut off. */
void cc_line_close(struct cc_line *line);

#endif
