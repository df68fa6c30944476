/* A file that appears whole or not at all: it is written beside its place under
 * a hidden name, `.ccaas-<16 hex digits>.part`, and renamed when it is whole.
 * Whatever was at its place stays there until then.
 *
 * The struct's holder owns it, and calls from one thread at a time; the calls
 * block for as long as the disk does.  A process that is killed leaves its part
 * behind: cc_atomic_file_sweep removes such leftovers, and no others, for a
 * part that is being written is locked (flock).
 *
 * What is written survives the process, not a loss of power: nothing here waits
 * for the disk (fdatasync), which costs milliseconds a file.  Who must know
 * that a file is on the disk calls fsync(2) on it and on its folder.
 */
#ifndef CC_ATOMIC_FILE_H
#define CC_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CC_ATOMIC_FILE_PART_ROOM 32

/* `error`, `message` and `size` are for reading. */
struct cc_atomic_file {
    int fd;            /* -1: closed */
    int error;         /* errno of what failed; 0: nothing did */
    char message[512]; /* what failed, and what to do about it: one line */
    uint64_t size;     /* bytes written */

    int folder;  /* the descriptor of the folder */
    pid_t owner; /* a forked child does not remove its parent's part */
    mode_t mode; /* of the part when it is made, less the umask */
    char part[CC_ATOMIC_FILE_PART_ROOM];
    char *path;
};

/* A file that is not open: every call but place and open answers
 * EBADF. */
#define CC_ATOMIC_FILE_CLOSED ((struct cc_atomic_file){.fd = -1, .folder = -1})

/* A file that will be at `path`, of which there is nothing yet; `file` must be
 * closed.  What can be looked at is: there is such a folder, this user may
 * write in it, and nothing is in the way.  A path that is relative is so to the
 * folder that is current now.  The file's mode is 0666 less the umask, unless
 * `mode` is changed before it is begun.  A symbolic link at its place will be
 * replaced, not followed; a directory, a device or a pipe there is refused.
 * False: `error` and `message` say why, nothing is left behind and the file is
 * closed. */
bool cc_atomic_file_place(struct cc_atomic_file *file, const char *path);

/* Makes the part of one that was given its place: from now on it can be
 * written.  False as above, or that was done already, which fails it. */
bool cc_atomic_file_begin(struct cc_atomic_file *file);

/* Both in one. */
bool cc_atomic_file_open(struct cc_atomic_file *file, const char *path);

/* Appends all of these bytes.  False: `error` and `message` say why, and what
 * there is of them is not defined: the file can only be restarted or aborted,
 * and a commit fails with the same words. */
bool cc_atomic_file_write(struct cc_atomic_file *file, const void *bytes,
                          size_t length);

/* Forgets all but the first `length` bytes (at most `size`), and what failed
 * before.  False: `error` and `message` say why; as after a failed write. */
bool cc_atomic_file_restart(struct cc_atomic_file *file, uint64_t length);

/* Puts the file into its place, over what is there, and closes it.  False:
 * `error` and `message` say why, and the part is removed. */
bool cc_atomic_file_commit(struct cc_atomic_file *file);

/* Removes the part and closes the file; safe to call twice.  `error` and
 * `message` stay. */
void cc_atomic_file_abort(struct cc_atomic_file *file);

/* Removes from a folder the parts that processes which are no more have left.
 * Gives how many, or -1 when it cannot be read: see errno. */
int cc_atomic_file_sweep(const char *folder);

/* What to do about an errno that a file system gave: static. */
const char *cc_atomic_file_advice(int error);

#endif
