/* The system's calls that a file is written with, in a form that fails when a
 * test wants them to. */
#ifndef CC_SPEC_FILE_FAULTS_H
#define CC_SPEC_FILE_FAULTS_H

#include <errno.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atomic_file.h"
#include "check.h"

static long space;      /* bytes that the disk has left; < 0: enough */
static int disk_error;  /* when they are used up */
static size_t at_once;  /* bytes that one write takes at the most; 0: all */
static int interrupted; /* every other call is, while this is not 0 */
static int close_error, truncate_error, rename_error; /* of the next one */
static const char *sweep_folder; /* swept before the next lock */

static bool interrupt(void)
{
    interrupted = interrupted ? interrupted + 1 : 0;
    errno = EINTR;
    return interrupted % 2;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    if (interrupt())
        return -1;
    if (at_once && length > at_once)
        length = at_once;
    if (space == 0) {
        errno = disk_error;
        return -1;
    }
    if (space > 0) {
        length = length > (size_t)space ? (size_t)space : length;
        space -= (long)length;
    }
    return syscall(SYS_write, fd, bytes, length);
}

/* Fails, and says how, if that was asked for. */
static bool fails(int *error)
{
    errno = *error;
    *error = 0;
    return errno != 0;
}

int close(int fd)
{
    int done = (int)syscall(SYS_close, fd);

    return fails(&close_error) ? -1 : done;
}

int ftruncate(int fd, off_t length)
{
    if (interrupt())
        return -1;
    if (fails(&truncate_error))
        return -1;
    return (int)syscall(SYS_ftruncate, fd, length);
}

int renameat(int from, const char *name, int to, const char *other)
{
    if (fails(&rename_error))
        return -1;
    return (int)syscall(SYS_renameat2, from, name, to, other, 0);
}

int flock(int fd, int operation)
{
    const char *swept = sweep_folder;

    if (swept) {
        sweep_folder = NULL;
        CHECK_INT(cc_atomic_file_sweep(swept), 1);
    }
    return (int)syscall(SYS_flock, fd, operation);
}

/* From now on nothing fails. */
static void all_is_well(void)
{
    space = -1;
    disk_error = ENOSPC;
    at_once = 0;
    interrupted = 0;
}

#endif
