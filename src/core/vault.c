/* A small file of secrets that processes share: see vault.h. */
#include "vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

static enum cc_vault_state refuse(struct cc_vault *vault, const char *path,
                                  const char *why)
{
    snprintf(vault->message, sizeof vault->message, "%.300s: %s", path, why);
    for (char *at = vault->message; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    cc_vault_close(vault);
    return CC_VAULT_FAILED;
}

/* Why this file cannot be trusted with a secret; NULL: it can. */
static const char *objection(const struct stat *file)
{
    if (!S_ISREG(file->st_mode))
        return "it is not a regular file: choose another path";
    if (file->st_uid != geteuid())
        return "it belongs to another user: choose a path in a directory of "
               "your own";
    if (file->st_mode & (S_IRWXG | S_IRWXO))
        return "others may read or write it, and it holds tokens: remove it, "
               "or chmod 600 it if it is yours";
    return NULL;
}

static enum cc_vault_state open_failed(struct cc_vault *vault, const char *path,
                                       bool lock)
{
    int error = errno;
    struct stat file;
    const char *why = NULL;

    if (error == ENOENT && !lock)
        return CC_VAULT_NONE;
    if (error == ELOOP)
        why = "it is a symbolic link, which is not followed: name the file "
              "itself";
    else if (fstatat(AT_FDCWD, path, &file, AT_SYMLINK_NOFOLLOW) == 0)
        why = objection(&file);
    if (!why && error == EACCES && faccessat(AT_FDCWD, path, F_OK, 0) == 0)
        why = "this user may not read and write it: chmod 600 it";
    return refuse(vault, path, why ? why : cc_file_advice(error));
}

/* Is the file that is open still the one at the path? */
static bool still_there(const struct cc_vault *vault, const char *path)
{
    struct stat open_one, there;

    return fstat(vault->fd, &open_one) == 0 &&
           fstatat(AT_FDCWD, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           open_one.st_dev == there.st_dev && open_one.st_ino == there.st_ino;
}

enum cc_vault_state cc_vault_open(struct cc_vault *vault, const char *path,
                                  bool lock)
{
    /* A pipe at the path must not make us wait. */
    int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
                (lock ? O_RDWR | O_CREAT : O_RDONLY);
    struct stat file;
    const char *why;

    *vault = CC_VAULT_CLOSED;
    do
        vault->fd = open(path, flags, S_IRUSR | S_IWUSR);
    while (vault->fd < 0 && errno == EINTR);
    if (vault->fd < 0)
        return open_failed(vault, path, lock);
    if (fstat(vault->fd, &file) < 0)
        return refuse(vault, path, cc_file_advice(errno));
    why = objection(&file);
    if (why)
        return refuse(vault, path, why);
    if (!lock)
        return CC_VAULT_OPEN;
    if (flock(vault->fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return refuse(vault, path,
                          "its file system has no locks: choose another path");
        cc_vault_close(vault);
        return CC_VAULT_BUSY;
    }
    if (!still_there(vault, path)) {
        /* Replaced since it was opened: the lock is on what is no more. */
        cc_vault_close(vault);
        return CC_VAULT_BUSY;
    }
    return CC_VAULT_OPEN;
}

size_t cc_vault_size(const struct cc_vault *vault)
{
    struct stat file;

    if (fstat(vault->fd, &file) < 0 || file.st_size > CC_VAULT_MOST)
        return 0;
    return (size_t)file.st_size;
}

ssize_t cc_vault_read(struct cc_vault *vault, char *bytes, size_t most)
{
    size_t used = 0;
    ssize_t got = 1;

    while (used < most && got != 0) {
        got = pread(vault->fd, bytes + used, most - used, (off_t)used);
        if (got > 0)
            used += (size_t)got;
        else if (got < 0 && errno != EINTR) {
            snprintf(vault->message, sizeof vault->message,
                     "the store's file cannot be read: %s",
                     cc_file_advice(errno));
            return -1;
        }
    }
    return (ssize_t)used;
}

/* Begins the file that replaces it.  It is made with mode 0600, so that at no
 * moment others can open it; a umask may still take bits of the owner's away.
 */
static bool begin_private(struct cc_file *file, const char *path)
{
    if (!cc_file_place(file, path))
        return false;
    file->mode = S_IRUSR | S_IWUSR;
    if (!cc_file_begin(file))
        return false;
    if (fchmod(file->fd, S_IRUSR | S_IWUSR) == 0)
        return true;
    snprintf(file->message, sizeof file->message, "%.300s: %s", path,
             cc_file_advice(errno));
    return false;
}

bool cc_vault_replace(struct cc_vault *vault, const char *path,
                      const char *bytes, size_t length)
{
    struct cc_file file = CC_FILE_CLOSED;
    bool done = begin_private(&file, path) &&
                cc_file_write(&file, bytes, length) && cc_file_commit(&file);

    if (!done) {
        snprintf(vault->message, sizeof vault->message, "%s", file.message);
        cc_file_abort(&file);
    }
    return done;
}

void cc_vault_close(struct cc_vault *vault)
{
    if (vault->fd >= 0) {
        /* A child that was forked meanwhile has the descriptor, too. */
        flock(vault->fd, LOCK_UN);
        close(vault->fd);
    }
    vault->fd = -1;
}
