/* A file that appears whole or not at all: see atomic_file.h. */
#include "atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#define PART_PREFIX ".ccaas-"
#define PART_DIGITS 16
#define PART_SUFFIX ".part"

_Static_assert(sizeof PART_PREFIX + PART_DIGITS + sizeof PART_SUFFIX - 1 <=
                   CC_ATOMIC_FILE_PART_ROOM,
               "a part's name has room");

const char *cc_atomic_file_advice(int error)
{
    static const struct {
        int error;
        const char *text;
    } known[] = {
        {ENOSPC, "no space left on the device: free some, or write elsewhere"},
        {EDQUOT, "the disk quota is used up: free some, or write elsewhere"},
        {EFBIG, "larger than a file may be: see ulimit -f, and the limits of "
                "the file system"},
        {EROFS, "the file system is read-only: write elsewhere"},
        {EACCES, "permission denied: this user may not write in that "
                 "directory"},
        {EPERM, "not permitted: this user may not write in that directory"},
        {ENOENT, "no such directory: create it first"},
        {ENOTDIR, "no such directory: a part of the path is a file"},
        {EISDIR, "it is a directory: name a file in it"},
        {EEXIST, "it is not a regular file: choose another name"},
        {ENAMETOOLONG, "the name is too long: choose a shorter one"},
        {ELOOP, "too many symbolic links: name the directory itself"},
        {EMFILE, "too many open files: close some, or raise ulimit -n"},
        {ENFILE, "too many open files in the system: close some"},
        {ENOMEM, "out of memory"},
        {EIO, "the device failed (input/output error): check it"},
        {EBADF, "the file is closed"},
        {EINVAL, "it is not that long"},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].error == error)
            return known[i].text;
    return "the system refused it";
}

/* Keeps the error and makes its message. */
static bool fail(struct cc_atomic_file *file, const char *path, int error)
{
    int used;

    file->error = error;
    used = snprintf(file->message, sizeof file->message, "cannot write %.300s",
                    path && *path ? path : "the file");
    for (char *at = file->message; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    snprintf(file->message + used, sizeof file->message - (size_t)used,
             ": %s (errno %d)", cc_atomic_file_advice(error), error);
    return false;
}

/* Closes what is open; everything but `error` and `message` is as new. */
static void let_go(struct cc_atomic_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->folder >= 0)
        close(file->folder);
    free(file->path);
    file->fd = file->folder = -1;
    file->path = NULL;
    file->size = 0;
}

/* The name of the file in its folder. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Opens the folder, by the path that the file has; 0 or an errno. */
static int open_folder(struct cc_atomic_file *file)
{
    char *name = file->path + (name_of(file->path) - file->path);
    char first = *name;
    int error;

    *name = '\0';
    do
        file->folder = open(*file->path ? file->path : ".",
                            O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (file->folder < 0 && errno == EINTR);
    error = file->folder < 0 ? errno : 0;
    *name = first;
    return error;
}

/* 0 when a file may be put into that place, or an errno. */
static int look_at_place(const struct cc_atomic_file *file)
{
    const char *name = name_of(file->path);
    struct stat there;

    if (!*name)
        return EISDIR;
    if (fstatat(file->folder, name, &there, 0) == 0) {
        if (!S_ISREG(there.st_mode))
            return S_ISDIR(there.st_mode) ? EISDIR : EEXIST;
    } else if (errno != ENOENT) {
        return errno;
    }
    /* Whether it is so, the file will tell; some sandboxes know no such call.
     */
    if (faccessat(file->folder, ".", W_OK | X_OK, AT_EACCESS) < 0 &&
        (errno == EACCES || errno == EROFS))
        return errno;
    return 0;
}

/* Locks the part, as a sign that somebody writes it.  False: a sweep was
 * quicker and takes it away.  (Where a file system has no locks, a sweep
 * cannot lock either, and leaves the part alone.) */
static bool lock_part(int fd)
{
    struct stat part;

    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno != EWOULDBLOCK;
    return fstat(fd, &part) == 0 && part.st_nlink > 0;
}

/* Opens a part under a name that nobody has; 0 or an errno. */
static int open_part(struct cc_atomic_file *file)
{
    uint64_t random;

    for (;;) {
        cc_random_bytes(&random, sizeof random);
        snprintf(file->part, sizeof file->part, "%s%0*llx%s", PART_PREFIX,
                 PART_DIGITS, (unsigned long long)random, PART_SUFFIX);
        file->fd = openat(file->folder, file->part,
                          O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->mode);
        if (file->fd < 0 && errno != EEXIST && errno != EINTR)
            return errno;
        if (file->fd < 0)
            continue;
        if (lock_part(file->fd))
            return 0;
        close(file->fd);
        file->fd = -1;
    }
}

bool cc_atomic_file_place(struct cc_atomic_file *file, const char *path)
{
    int error;

    *file = CC_ATOMIC_FILE_CLOSED;
    file->mode = 0666;
    file->path = strdup(path);
    error = file->path ? open_folder(file) : ENOMEM;
    if (!error)
        error = look_at_place(file);
    if (!error)
        return true;
    let_go(file);
    return fail(file, path, error);
}

bool cc_atomic_file_begin(struct cc_atomic_file *file)
{
    int error;

    if (file->folder < 0 || file->fd >= 0)
        return fail(file, file->path, EBADF);
    file->owner = getpid();
    file->error = 0;
    error = open_part(file);
    if (!error)
        return true;
    fail(file, file->path, error);
    let_go(file);
    return false;
}

bool cc_atomic_file_open(struct cc_atomic_file *file, const char *path)
{
    return cc_atomic_file_place(file, path) && cc_atomic_file_begin(file);
}

bool cc_atomic_file_write(struct cc_atomic_file *file, const void *bytes,
                          size_t length)
{
    const char *at = bytes;
    ssize_t wrote;

    if (file->fd < 0)
        return fail(file, file->path, EBADF);
    while (length && !file->error) {
        wrote = write(file->fd, at, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return fail(file, file->path, wrote < 0 ? errno : EIO);
        at += wrote;
        length -= (size_t)wrote;
        file->size += (uint64_t)wrote;
    }
    return !file->error;
}

bool cc_atomic_file_restart(struct cc_atomic_file *file, uint64_t length)
{
    int done;

    if (file->fd < 0)
        return fail(file, file->path, EBADF);
    if (length > file->size)
        return fail(file, file->path, EINVAL);
    do
        done = ftruncate(file->fd, (off_t)length);
    while (done < 0 && errno == EINTR);
    if (done < 0 || lseek(file->fd, (off_t)length, SEEK_SET) < 0)
        return fail(file, file->path, errno);
    file->size = length;
    file->error = 0;
    file->message[0] = '\0';
    return true;
}

/* Some file systems (NFS) tell of a write's failure when a descriptor is
 * closed.  This closes another one than the file's own, which holds the lock
 * until the part has its place.  0 or an errno. */
static int flush(int fd)
{
    int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (other < 0)
        return errno;
    return close(other) < 0 && errno != EINTR ? errno : 0;
}

bool cc_atomic_file_commit(struct cc_atomic_file *file)
{
    const char *name;
    int error = file->error;

    if (file->fd < 0)
        return fail(file, file->path, EBADF);
    if (!error)
        error = flush(file->fd);
    name = name_of(file->path);
    if (!error && renameat(file->folder, file->part, file->folder, name) < 0)
        error = errno;
    if (!error) {
        let_go(file);
        return true;
    }
    if (!file->error)
        fail(file, file->path, error);
    cc_atomic_file_abort(file);
    return false;
}

void cc_atomic_file_abort(struct cc_atomic_file *file)
{
    if (file->fd >= 0 && file->owner == getpid())
        unlinkat(file->folder, file->part, 0);
    let_go(file);
}

/* -- Leftovers ---------------------------------------------------------------
 */

static bool is_part(const char *name)
{
    static const size_t prefix = sizeof PART_PREFIX - 1;

    return strncmp(name, PART_PREFIX, prefix) == 0 &&
           strspn(name + prefix, "0123456789abcdef") == PART_DIGITS &&
           strcmp(name + prefix + PART_DIGITS, PART_SUFFIX) == 0;
}

/* Removes a part unless somebody has it locked. */
static bool sweep_part(int folder, const char *name)
{
    int fd =
        openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool gone;

    if (fd < 0)
        return false;
    gone = flock(fd, LOCK_EX | LOCK_NB) == 0 && unlinkat(folder, name, 0) == 0;
    close(fd);
    return gone;
}

int cc_atomic_file_sweep(const char *folder)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    int count = 0;

    if (!entries)
        return -1;
    while ((entry = readdir(entries)))
        if (is_part(entry->d_name) && sweep_part(dirfd(entries), entry->d_name))
            count++;
    closedir(entries);
    return count;
}
