/* For loops that cannot wait for a descriptor, but for a byte on a socket of
 * theirs: a door they connect to, and the lines that come of it.  A line's far
 * end is the loop's; ours sends one byte when the bell it serves is rung.
 *
 * The Lua thread opens, accepts, lends and closes.  The thread that attends to
 * ccaas_door_fd rings when a wait's time is up, and when a far end is closed,
 * whoever waited there being gone, cuts the bell off: see bell.h.
 */
#ifndef CCAAS_DOOR_H
#define CCAAS_DOOR_H

#include <stdbool.h>

#include "bell.h"

struct ccaas_door;
struct ccaas_line;

/* A listening unix socket, made in a private folder and without a name from
 * then on: nothing is left behind, however the process ends.  NULL: it could
 * not be made, and errno says why. */
struct ccaas_door *ccaas_door_open(void);

/* Closes it; lines that are still there stay until they are closed. */
void ccaas_door_close(struct ccaas_door *door);

/* Where to connect to, in this process alone. */
const char *ccaas_door_path(const struct ccaas_door *door);

/* The attending thread's: what to poll, and what to call when it is readable.
 */
int ccaas_door_fd(const struct ccaas_door *door);
void ccaas_door_attend(void *door);

/* Any thread: how many bells were cut off so far. */
unsigned ccaas_door_cuts(struct ccaas_door *door);

/* Our end of the connection that was made just before; NULL: there is none, or
 * no descriptor or memory is left. */
struct ccaas_line *ccaas_door_accept(struct ccaas_door *door);

/* From now on the line serves this bell (NULL: none): it is cut off when the
 * far end goes. */
void ccaas_line_attach(struct ccaas_line *line, struct ccaas_bell *bell);

/* The next ring of the bell, which is armed, sends a byte, or `seconds` from
 * now the clock does (INFINITY: never).  False: it was rung already. */
bool ccaas_line_lend(struct ccaas_line *line, double seconds);

/* After the wait: no byte is sent any more. */
void ccaas_line_take_back(struct ccaas_line *line);

/* Sends a byte at once. */
void ccaas_line_ping(struct ccaas_line *line);

/* Is its bell of no use any more, or is there none? */
bool ccaas_line_idle(struct ccaas_line *line);

/* Closes our end, and lets go of the bell, which is not cut off. */
void ccaas_line_close(struct ccaas_line *line);

#endif
