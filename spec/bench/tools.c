/* See tools.h. */
#include "tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

_Noreturn void bench_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

const char *bench_env(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        bench_fail(name, "not set");
    }
    return value;
}

double bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

long bench_peak(void)
{
    char line[256];
    long peak = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        if (sscanf(line, "VmHWM: %ld", &peak) == 1) {
            break;
        }
    }
    if (status) {
        fclose(status);
    }
    return peak;
}
