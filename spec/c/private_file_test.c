/* Files that may hold secrets: which are refused, for a user who is not root.
 */
#include "private_file.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

#define NOBODY 65534

static char folder[] = "/tmp/ccaas-file-XXXXXX", path[64];

static int made;    /* files since it was set to 0 */
static mode_t born; /* all modes with which they were made */

/* The system's call, which tells with which modes files are made. */
int openat(int directory, const char *name, int flags, ...)
{
    struct stat status;
    mode_t mode = 0;
    va_list rest;
    int fd;

    va_start(rest, flags);
    if (flags & O_CREAT)
        mode = va_arg(rest, mode_t);
    va_end(rest);
    fd = (int)syscall(SYS_openat, directory, name, flags, mode);
    if (fd >= 0 && flags & O_CREAT && fstat(fd, &status) == 0) {
        made++;
        born |= status.st_mode & 0777;
    }
    return fd;
}

static void refused(const char *words)
{
    for (int lock = 0; lock < 2; lock++) {
        struct cc_private_file file;

        CHECK_INT(cc_private_file_open(&file, path, lock),
                  CC_PRIVATE_FILE_FAILED);
        CHECK(strstr(file.message, words) != NULL);
        cc_private_file_close(&file);
    }
}

static void make_file(mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    CHECK(fd >= 0);
    CHECK_INT(fchmod(fd, mode), 0);
    close(fd);
}

static void own_but_closed(void)
{
    struct cc_private_file file;

    make_file(0);
    refused("this user may not read and write it: chmod 600");
    CHECK_INT(chmod(path, 0400), 0);
    CHECK_INT(cc_private_file_open(&file, path, true), CC_PRIVATE_FILE_FAILED);
    CHECK(strstr(file.message, "chmod 600") != NULL);
    CHECK_INT(chmod(path, 0600), 0);
    CHECK_INT(cc_private_file_open(&file, path, true), CC_PRIVATE_FILE_OPEN);
    cc_private_file_close(&file);
    unlink(path);
}

static void open_to_others(void)
{
    make_file(0640);
    refused("others may read or write it");
    unlink(path);
}

static void somebody_elses(void)
{
    strcpy(path, "/etc/passwd");
    refused("another user");
    strcpy(path, "/etc/shadow");
    refused("another user");
    snprintf(path, sizeof path, "%s/place", folder);
}

static void no_file(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, path);
    CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    refused("not a regular file");
    close(fd);
    unlink(path);
    CHECK_INT(mkfifo(path, 0600), 0);
    refused("not a regular file");
    unlink(path);
    CHECK_INT(symlink("/etc/passwd", path), 0);
    refused("symbolic link");
    unlink(path);
}

static void no_room_for_it(void)
{
    struct cc_private_file file;

    CHECK_INT(cc_private_file_open(&file, path, false), CC_PRIVATE_FILE_NONE);
    CHECK_INT(chmod(folder, 0500), 0);
    CHECK_INT(cc_private_file_open(&file, path, true), CC_PRIVATE_FILE_FAILED);
    CHECK(strstr(file.message, "may not write in that directory") != NULL);
    CHECK_INT(chmod(folder, 0700), 0);
}

/* It was made with mode 0644 and changed afterwards: in between another user
 * could open it, and read the token that was written then. */
static void never_open_to_others(void)
{
    struct cc_private_file file;
    struct stat status;
    mode_t before = umask(0);
    int masks;

    for (masks = 0; masks < 2; masks++) {
        CHECK_INT(cc_private_file_open(&file, path, true),
                  CC_PRIVATE_FILE_OPEN);
        made = 0;
        born = 0;
        CHECK(cc_private_file_replace(&file, path, "token", 5));
        cc_private_file_close(&file);
        CHECK_INT(made, 1);
        CHECK_INT(born & 077, 0);
        CHECK_INT(stat(path, &status), 0);
        CHECK_INT(status.st_mode & 0777, 0600);
        umask(0277);
    }
    umask(before);
    unlink(path);
}

int main(void)
{
    if (geteuid() == 0 && seteuid(NOBODY) != 0)
        return 1;
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/place", folder);
    it("one's own that cannot be read and written", own_but_closed);
    it("one that others can read", open_to_others);
    it("one of another user", somebody_elses);
    it("what is not a regular file", no_file);
    it("a directory in which nothing can be made", no_room_for_it);
    it("one that is replaced is made private", never_open_to_others);
    rmdir(folder);
    if (getuid() == 0 && seteuid(0) == 0)
        prctl(PR_SET_DUMPABLE, 1); /* or no leak can be looked for */
    return check_report();
}
