/* What the C contestants of all benchmarks need.  Any thread; owns nothing. */
#ifndef CC_BENCH_TOOLS_H
#define CC_BENCH_TOOLS_H

/* An environment variable; ends the process when there is none. */
const char *bench_env(const char *name);

/* Seconds of the monotonic clock. */
double bench_now(void);

/* The greatest resident size of this process so far, in KiB. */
long bench_peak(void);

/* Ends the process with a message. */
_Noreturn void bench_fail(const char *what, const char *why);

#endif
