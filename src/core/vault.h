/* A small file that processes share, for secrets of one user: mode 0600, read
 * and replaced as a whole, never seen half written.
 *
 * Whoever changes it holds its lock (flock on the file itself), which is tried
 * for and never waited for, and which goes with the process that has it.  Since
 * the file is replaced, a lock counts only while the file locked is still the
 * one at the path.  The struct's holder owns it; one thread at a time.
 */
#ifndef CCAAS_VAULT_H
#define CCAAS_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CCAAS_VAULT_MOST (1024 * 1024) /* bytes; a larger file is foreign */

struct ccaas_vault {
    int fd;            /* -1: closed */
    char message[512]; /* what failed, and what to do about it: one line */
};

#define CCAAS_VAULT_CLOSED ((struct ccaas_vault){.fd = -1})

enum ccaas_vault_state {
    CCAAS_VAULT_OPEN,  /* it is there, and locked if that was asked for */
    CCAAS_VAULT_NONE,  /* there is no such file (not locked only) */
    CCAAS_VAULT_BUSY,  /* somebody else has the lock: again in a moment */
    CCAAS_VAULT_FAILED /* see `message` */
};

/* Opens it; with `lock` it is made where it is missing.  Refused: what is no
 * regular file, belongs to another user, or can be read or written by others;
 * a symbolic link at the path is not followed. */
enum ccaas_vault_state ccaas_vault_open(struct ccaas_vault *vault,
                                        const char *path, bool lock);

/* How many bytes it has; 0 for what is too large to be one of ours. */
size_t ccaas_vault_size(const struct ccaas_vault *vault);

/* Reads its first bytes, at most so many; gives how many there were, or -1:
 * `message`. */
ssize_t ccaas_vault_read(struct ccaas_vault *vault, char *bytes, size_t most);

/* Replaces it; only while it is locked.  False: `message`, and it is what it
 * was. */
bool ccaas_vault_replace(struct ccaas_vault *vault, const char *path,
                         const char *bytes, size_t length);

/* Lets go of the lock; safe to call twice. */
void ccaas_vault_close(struct ccaas_vault *vault);

#endif
