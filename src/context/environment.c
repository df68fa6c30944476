/* The process's environment: see environment.h. */
#include "environment.h"

#include <stdlib.h>

const char *cc_environment(const char *name)
{
    return getenv(name);
}
