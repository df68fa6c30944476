/* How the two C contestants of the recordings benchmark fetch: libcurl's easy
 * interface on the calling thread, one answer, given out as it arrives. */
#ifndef CC_BENCH_STREAM_H
#define CC_BENCH_STREAM_H

#include <stddef.h>

#include "tools.h"

/* Takes the next bytes, which stay valid until it returns. */
typedef void bench_take(void *context, const char *bytes, size_t size);

/* Fetches the answer that the environment names and gives it to `take`.  Any
 * failure ends the process. */
void bench_stream(bench_take *take, void *context);

#endif
