/* How the two C contestants of the pages benchmark fetch: libcurl's multi
 * interface on the calling thread, CC_BENCH_AHEAD pages at once on kept
 * connections, given out in order. */
#ifndef CC_BENCH_FETCH_H
#define CC_BENCH_FETCH_H

#include <stddef.h>

#include "tools.h"

/* Takes one page: `size` bytes followed by a NUL, which it may write over and
 * which stay valid until it returns. */
typedef void bench_page(void *context, char *bytes, size_t size);

/* Fetches all pages that the environment (see README.md) names and gives each
 * to `take`; with NULL the bytes are discarded as they come.  The number of
 * pages is known beforehand and no token is asked for, so that this is a bound
 * that a real client cannot reach.  Any failure ends the process. */
void bench_fetch(bench_page *take, void *context);

#endif
