/* The floor: the same answer by bare libcurl, whose bytes are discarded.  Its
 * "first row" is the first byte. */
#include "stream.h"

#include <stdio.h>

static double first;

static void take(void *context, const char *bytes, size_t size)
{
    (void)context;
    (void)bytes;
    if (first == 0 && size) {
        first = bench_now();
    }
}

int main(void)
{
    double start = bench_now();
    bench_stream(take, NULL);
    printf("- | %.4f %.2f %ld\n", bench_now() - start, (first - start) * 1e3,
           bench_peak());
    return 0;
}
