/* A response's headers: see header.h. */
#include "header.h"

#include <string.h>

const char *cc_header(const char *headers, size_t length, const char *name)
{
    const char *at = headers, *end = headers + length, *value;

    while (at && at < end) {
        value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}
