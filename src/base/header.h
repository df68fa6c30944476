/* A response's headers, as the http room hands them out: names in lower case
 * and values, one after the other, each ended by a NUL. */
#ifndef CC_HEADER_H
#define CC_HEADER_H

#include <stddef.h>

/* The value of the first header of that name (in lower case), or NULL. */
const char *cc_header(const char *headers, size_t length, const char *name);

#endif
