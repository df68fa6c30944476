/* Picks values out of one JSON text, in one strict pass.
 *
 * PURE.  Allocates nothing but a form; the caller owns it, and any number of
 * threads may use it at once.
 */
#ifndef CC_PICK_H
#define CC_PICK_H

#include <stdbool.h>
#include <stddef.h>

#include "ccaas.h"

#define CC_PICK_MOST 8  /* paths of a form */
#define CC_PICK_DEPTH 4 /* names of a path */

/* Where the values are: paths of member names, compiled. */
struct cc_pick_form;

/* A form for these paths ("key.name"; up to CC_PICK_MOST of up to
 * CC_PICK_DEPTH names), which are copied.  NULL: memory is out, or they are
 * too many or too deep.  Free it with free(). */
struct cc_pick_form *cc_pick_form_new(const char *const *paths, size_t count);

/* Fills in picks[], one for each path: the value as it stands in the text (of
 * members that are there twice, the last); begin is NULL where there is none.
 *  False: the text is no JSON, from byte *offset on for that reason (a
 * static string); what is in picks[] is of no use then.  A text that is no
 * object has no members. */
bool cc_pick(const struct cc_pick_form *form, const char *bytes, size_t length,
             struct ccaas_part *picks, size_t *offset, const char **reason);

#endif
