/* A small file of secrets that processes share: see private_file.h. */
#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_file.h"

static enum cc_private_file_state refuse(struct cc_private_file *file,
                                         const char *path, const char *why)
{
    snprintf(file->message, sizeof file->message, "%.300s: %s", path, why);
    for (char *at = file->message; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    cc_private_file_close(file);
    return CC_PRIVATE_FILE_FAILED;
}

/* Why this file cannot be trusted with a secret; NULL: it can. */
static const char *objection(const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return "it is not a regular file: choose another path";
    if (status->st_uid != geteuid())
        return "it belongs to another user: choose a path in a directory of "
               "your own";
    if (status->st_mode & (S_IRWXG | S_IRWXO))
        return "others may read or write it, and it holds tokens: remove it, "
               "or chmod 600 it if it is yours";
    return NULL;
}

static enum cc_private_file_state open_failed(struct cc_private_file *file,
                                              const char *path, bool lock)
{
    int error = errno;
    struct stat status;
    const char *why = NULL;

    if (error == ENOENT && !lock)
        return CC_PRIVATE_FILE_NONE;
    if (error == ELOOP)
        why = "it is a symbolic link, which is not followed: name the file "
              "itself";
    else if (fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0)
        why = objection(&status);
    if (!why && error == EACCES && faccessat(AT_FDCWD, path, F_OK, 0) == 0)
        why = "this user may not read and write it: chmod 600 it";
    return refuse(file, path, why ? why : cc_atomic_file_advice(error));
}

/* Is the file that is open still the one at the path? */
static bool still_there(const struct cc_private_file *file, const char *path)
{
    struct stat open_one, there;

    return fstat(file->fd, &open_one) == 0 &&
           fstatat(AT_FDCWD, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           open_one.st_dev == there.st_dev && open_one.st_ino == there.st_ino;
}

enum cc_private_file_state cc_private_file_open(struct cc_private_file *file,
                                                const char *path, bool lock)
{
    /* A pipe at the path must not make us wait. */
    int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
                (lock ? O_RDWR | O_CREAT : O_RDONLY);
    struct stat status;
    const char *why;

    *file = CC_PRIVATE_FILE_CLOSED;
    do
        file->fd = open(path, flags, S_IRUSR | S_IWUSR);
    while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0)
        return open_failed(file, path, lock);
    if (fstat(file->fd, &status) < 0)
        return refuse(file, path, cc_atomic_file_advice(errno));
    why = objection(&status);
    if (why)
        return refuse(file, path, why);
    if (!lock)
        return CC_PRIVATE_FILE_OPEN;
    if (flock(file->fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return refuse(file, path,
                          "its file system has no locks: choose another path");
        cc_private_file_close(file);
        return CC_PRIVATE_FILE_BUSY;
    }
    if (!still_there(file, path)) {
        /* Replaced since it was opened: the lock is on what is no more. */
        cc_private_file_close(file);
        return CC_PRIVATE_FILE_BUSY;
    }
    return CC_PRIVATE_FILE_OPEN;
}

size_t cc_private_file_size(const struct cc_private_file *file)
{
    struct stat status;

    if (fstat(file->fd, &status) < 0 || status.st_size > CC_PRIVATE_FILE_MOST)
        return 0;
    return (size_t)status.st_size;
}

ssize_t cc_private_file_read(struct cc_private_file *file, char *bytes,
                             size_t most)
{
    size_t used = 0;
    ssize_t got = 1;

    while (used < most && got != 0) {
        got = pread(file->fd, bytes + used, most - used, (off_t)used);
        if (got > 0)
            used += (size_t)got;
        else if (got < 0 && errno != EINTR) {
            snprintf(file->message, sizeof file->message,
                     "the store's file cannot be read: %s",
                     cc_atomic_file_advice(errno));
            return -1;
        }
    }
    return (ssize_t)used;
}

/* Begins the file that replaces it.  It is made with mode 0600, so that at no
 * moment others can open it; a umask may still take bits of the owner's away.
 */
static bool begin_private(struct cc_atomic_file *file, const char *path)
{
    if (!cc_atomic_file_place(file, path))
        return false;
    file->mode = S_IRUSR | S_IWUSR;
    if (!cc_atomic_file_begin(file))
        return false;
    if (fchmod(file->fd, S_IRUSR | S_IWUSR) == 0)
        return true;
    snprintf(file->message, sizeof file->message, "%.300s: %s", path,
             cc_atomic_file_advice(errno));
    return false;
}

bool cc_private_file_replace(struct cc_private_file *file, const char *path,
                             const char *bytes, size_t length)
{
    struct cc_atomic_file next = CC_ATOMIC_FILE_CLOSED;
    bool done = begin_private(&next, path) &&
                cc_atomic_file_write(&next, bytes, length) &&
                cc_atomic_file_commit(&next);

    if (!done) {
        snprintf(file->message, sizeof file->message, "%s", next.message);
        cc_atomic_file_abort(&next);
    }
    return done;
}

void cc_private_file_close(struct cc_private_file *file)
{
    if (file->fd >= 0) {
        /* A child that was forked meanwhile has the descriptor, too. */
        flock(file->fd, LOCK_UN);
        close(file->fd);
    }
    file->fd = -1;
}
