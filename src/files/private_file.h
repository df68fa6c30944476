/* A small file that processes share, for secrets of one user: mode 0600, read
 * and replaced as a whole, never seen half written.
 *
 * Whoever changes it holds its lock (flock on the file itself), which is tried
 * for and never waited for, and which goes with the process that has it.  Since
 * the file is replaced, a lock counts only while the file locked is still the
 * one at the path.  The struct's holder owns it; one thread at a time.
 */
#ifndef CC_PRIVATE_FILE_H
#define CC_PRIVATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CC_PRIVATE_FILE_MOST                                                   \
    (1024 * 1024) /* bytes; a larger file is foreign                           \
                   */

struct cc_private_file {
    int fd;            /* -1: closed */
    char message[512]; /* what failed, and what to do about it: one line */
};

#define CC_PRIVATE_FILE_CLOSED ((struct cc_private_file){.fd = -1})

enum cc_private_file_state {
    CC_PRIVATE_FILE_OPEN,  /* it is there, and locked if that was asked for */
    CC_PRIVATE_FILE_NONE,  /* there is no such file (not locked only) */
    CC_PRIVATE_FILE_BUSY,  /* somebody else has the lock: again in a moment */
    CC_PRIVATE_FILE_FAILED /* see `message` */
};

/* Opens it; with `lock` it is made where it is missing.  Refused: what is no
 * regular file, belongs to another user, or can be read or written by others;
 * a symbolic link at the path is not followed. */
enum cc_private_file_state cc_private_file_open(struct cc_private_file *file,
                                                const char *path, bool lock);

/* How many bytes it has; 0 for what is too large to be one of ours. */
size_t cc_private_file_size(const struct cc_private_file *file);

/* Reads its first bytes, at most so many; gives how many there were, or -1:
 * `message`. */
ssize_t cc_private_file_read(struct cc_private_file *file, char *bytes,
                             size_t most);

/* Replaces it; only while it is locked.  False: `message`, and it is what it
 * was. */
bool cc_private_file_replace(struct cc_private_file *file, const char *path,
                             const char *bytes, size_t length);

/* Lets go of the lock; safe to call twice. */
void cc_private_file_close(struct cc_private_file *file);

#endif
