/* Preloaded after ThreadSanitizer's runtime: keeps it to the process it was
 * meant for.  A shell that inherits it, as io.popen would have it, crashes. */
#include <stdlib.h>

__attribute__((constructor)) static void alone(void)
{
    unsetenv("LD_PRELOAD");
}
