/* How much was read of a connection. */
#ifndef CCAAS_PROGRESS_H
#define CCAAS_PROGRESS_H

#include <stdint.h>

/* Bytes that the process has read of a TCP connection so far; 0: unknown. */
uint64_t ccaas_progress(int fd);

#endif
