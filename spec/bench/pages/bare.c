/* The floor: the same pages by bare libcurl, whose bytes are discarded. */
#include "fetch.h"

#include <stdio.h>

int main(void)
{
    double start = bench_now();
    bench_fetch(NULL, NULL);
    printf("- - - - %.4f %ld\n", bench_now() - start, bench_peak());
    return 0;
}
