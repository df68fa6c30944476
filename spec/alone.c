/* Preloaded after a sanitizer's runtime: keeps that to the process it was meant
 * for.  Programs that would inherit it (io.popen starts a shell, specs start
 * curl) crash or hang with it. */
#include <stdlib.h>

__attribute__((constructor)) static void alone(void)
{
    unsetenv("LD_PRELOAD");
}
