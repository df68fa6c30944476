/* A pace that many calls keep together: one at a time, and so many seconds
 * between two starts.
 *
 * One for each name (a tenant, say) of an engine; on the thread that the engine
 * belongs to.
 */
#ifndef CCAAS_GATE_H
#define CCAAS_GATE_H

#include <stdbool.h>

#include "bell.h"

struct ccaas_gate;

/* The gate of that name in the list, made when it is new; NULL:
 * memory is out. */
struct ccaas_gate *ccaas_gate_find(struct ccaas_gate **list, const char *name);

/* Goes in, when nobody is inside and it is time; nobody starts within `seconds`
 * after it.  Otherwise `bell` will ring
 * when somebody leaves, and *due is when time alone may open it (monotonic
 * seconds, or INFINITY). */
bool ccaas_gate_enter(struct ccaas_gate *gate, double seconds,
                      struct ccaas_bell *bell, double now, double *due);

/* Who went in has come out.  Nobody goes in before `not_before`, if that is
 * later than the pace has it anyway. */
void ccaas_gate_leave(struct ccaas_gate *gate, double not_before);

/* That one waits no more. */
void ccaas_gate_forget(struct ccaas_gate *list, struct ccaas_bell *bell);

/* Frees the whole list; nobody may be inside or wait. */
void ccaas_gate_free_all(struct ccaas_gate *list);

#endif
