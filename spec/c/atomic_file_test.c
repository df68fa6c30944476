/* A file that appears whole or not at all, on disks and systems that fail in
 * every way. */
#include "atomic_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "file_faults.h"

static char folder[64], place[128];
static struct cc_atomic_file file;

/* -- The folder --------------------------------------------------------------
 */

static int entries_in(const char *path)
{
    DIR *entries = opendir(path);
    int count = -2;

    while (readdir(entries))
        count++;
    closedir(entries);
    return count;
}

static void put_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    fputs(text, out);
    fclose(out);
}

static const char *text_of(const char *path)
{
    static char text[256];
    FILE *in = fopen(path, "r");

    if (!in)
        return NULL;
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return text;
}

static const char *in_folder(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Runs a test in a folder of its own, which it leaves empty but for the file
 * at `place`, and with no descriptor left behind. */
static void in_new_folder(void (*test)(void))
{
    int descriptors = entries_in("/proc/self/fd");

    strcpy(folder, "/tmp/ccaas-file-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(place, sizeof place, "%s/place", folder);
    file = CC_ATOMIC_FILE_CLOSED;
    all_is_well();
    test();
    all_is_well();
    cc_atomic_file_abort(&file);
    unlink(place);
    CHECK_INT(entries_in(folder), 0);
    CHECK_INT(rmdir(folder), 0);
    CHECK_INT(entries_in("/proc/self/fd"), descriptors);
}

#define TEST(name)                                                             \
    static void name##_here(void);                                             \
    static void name(void)                                                     \
    {                                                                          \
        in_new_folder(name##_here);                                            \
    }                                                                          \
    static void name##_here(void)

static bool put(const char *text)
{
    return cc_atomic_file_write(&file, text, strlen(text));
}

/* The last call failed with that error and these words, on one line. */
static void check_failed(int error, const char *words)
{
    CHECK_INT(file.error, error);
    CHECK(strstr(file.message, words) != NULL);
    CHECK(strchr(file.message, '\n') == NULL);
}

/* A file cannot be opened at that path, and why. */
static void check_refused(const char *path, int error, const char *words)
{
    CHECK(!cc_atomic_file_open(&file, path));
    CHECK_INT(file.fd, -1);
    check_failed(error, words);
}

/* -- All is well -------------------------------------------------------------
 */

TEST(appears)
{
    struct stat there;
    mode_t mask = umask(0027);

    CHECK(cc_atomic_file_open(&file, place));
    CHECK(put("one "));
    CHECK(put(""));
    CHECK(put("two"));
    CHECK_INT(file.size, 7);
    CHECK_INT(access(place, F_OK), -1);
    CHECK_INT(entries_in(folder), 1);
    CHECK(cc_atomic_file_commit(&file));
    CHECK_STR(text_of(place), "one two");
    CHECK_INT(entries_in(folder), 1);
    CHECK_INT(stat(place, &there), 0);
    CHECK_INT(there.st_mode & 07777, 0640);
    umask(mask);
}

TEST(replaces)
{
    put_text(place, "old");
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(put("new"));
    CHECK_STR(text_of(place), "old");
    CHECK(cc_atomic_file_commit(&file));
    CHECK_STR(text_of(place), "new");
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(put("newer"));
    cc_atomic_file_abort(&file);
    CHECK_STR(text_of(place), "new");
}

TEST(empty_file)
{
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(cc_atomic_file_commit(&file));
    CHECK_STR(text_of(place), "");
}

TEST(restarts)
{
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(put("one two"));
    CHECK(cc_atomic_file_restart(&file, 4));
    CHECK_INT(file.size, 4);
    CHECK(put("3"));
    CHECK(cc_atomic_file_restart(&file, 5));
    CHECK(cc_atomic_file_commit(&file));
    CHECK_STR(text_of(place), "one 3");
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(put("lost"));
    CHECK(cc_atomic_file_restart(&file, 0));
    CHECK(put("kept"));
    CHECK(cc_atomic_file_commit(&file));
    CHECK_STR(text_of(place), "kept");
}

TEST(patient)
{
    static char bytes[100000], read_back[sizeof bytes];
    int fd;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 256);
    at_once = 777;
    interrupted = 1;
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(put("lost"));
    CHECK(cc_atomic_file_restart(&file, 0));
    CHECK(cc_atomic_file_write(&file, bytes, sizeof bytes));
    CHECK_INT(file.size, sizeof bytes);
    CHECK(cc_atomic_file_commit(&file));
    fd = open(place, O_RDONLY);
    CHECK_INT(read(fd, read_back, sizeof read_back), sizeof bytes);
    CHECK(memcmp(bytes, read_back, sizeof bytes) == 0);
    close(fd);
}

TEST(moves)
{
    char other[sizeof folder], here[512];

    CHECK(getcwd(here, sizeof here) != NULL);
    snprintf(other, sizeof other, "%.40s-moved", folder);
    CHECK_INT(chdir(folder), 0);
    CHECK(cc_atomic_file_open(&file, "place"));
    CHECK_INT(chdir(here), 0);
    CHECK_INT(rename(folder, other), 0);
    CHECK(put("found"));
    CHECK(cc_atomic_file_commit(&file));
    CHECK_INT(rename(other, folder), 0);
    CHECK_STR(text_of(place), "found");
}

TEST(stays_in_process)
{
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
    CHECK(fcntl(file.folder, F_GETFD) & FD_CLOEXEC);
}

TEST(replaces_link)
{
    char target[128];

    snprintf(target, sizeof target, "%s-target", folder);
    put_text(target, "target");
    for (int dangling = 0; dangling < 2; dangling++) {
        CHECK_INT(symlink(dangling ? "nowhere" : target, place), 0);
        CHECK(cc_atomic_file_open(&file, place));
        CHECK(put("new"));
        CHECK(cc_atomic_file_commit(&file));
        CHECK_STR(text_of(place), "new");
        CHECK_INT(unlink(place), 0);
    }
    CHECK_STR(text_of(target), "target");
    CHECK_INT(unlink(target), 0);
}

/* -- Something fails ---------------------------------------------------------
 */

TEST(full_disk)
{
    put_text(place, "old");
    CHECK(cc_atomic_file_open(&file, place));
    space = 10;
    CHECK(put("12345678"));
    CHECK(!put("12345678"));
    check_failed(ENOSPC, "no space left on the device: free some");
    CHECK(strstr(file.message, place) != NULL);
    CHECK(!put("1"));
    CHECK(!put(""));
    space = -1;
    CHECK(!put("1"));
    CHECK(!cc_atomic_file_commit(&file));
    check_failed(ENOSPC, "no space left on the device: free some");
    CHECK_INT(entries_in(folder), 1);
    CHECK_STR(text_of(place), "old");
}

TEST(full_disk_then_room)
{
    CHECK(cc_atomic_file_open(&file, place));
    space = 10;
    CHECK(!put("12345678901"));
    space = -1;
    CHECK(cc_atomic_file_restart(&file, 4));
    CHECK_INT(file.error, 0);
    CHECK_STR(file.message, "");
    CHECK(put("5"));
    CHECK(cc_atomic_file_commit(&file));
    CHECK_STR(text_of(place), "12345");
}

TEST(late_failure)
{
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(put("gone"));
    close_error = EDQUOT;
    CHECK(!cc_atomic_file_commit(&file));
    check_failed(EDQUOT, "quota is used up");
    CHECK_INT(entries_in(folder), 0);
}

TEST(no_rename)
{
    CHECK(cc_atomic_file_open(&file, place));
    rename_error = EPERM;
    CHECK(!cc_atomic_file_commit(&file));
    check_failed(EPERM, "not permitted");
    CHECK_INT(entries_in(folder), 0);
    /* A directory has come between. */
    CHECK(cc_atomic_file_open(&file, place));
    CHECK_INT(mkdir(place, 0777), 0);
    CHECK(!cc_atomic_file_commit(&file));
    check_failed(EISDIR, "it is a directory");
    CHECK_INT(entries_in(folder), 1);
    CHECK_INT(rmdir(place), 0);
}

TEST(no_restart)
{
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(put("1234"));
    CHECK(!cc_atomic_file_restart(&file, 5));
    check_failed(EINVAL, "not that long");
    CHECK(!cc_atomic_file_commit(&file));
    CHECK(cc_atomic_file_open(&file, place));
    truncate_error = EIO;
    CHECK(!cc_atomic_file_restart(&file, 0));
    check_failed(EIO, "the device failed");
    CHECK(!cc_atomic_file_commit(&file));
    CHECK_INT(entries_in(folder), 0);
}

TEST(closed)
{
    CHECK(!put("1"));
    check_failed(EBADF, "closed");
    CHECK(!cc_atomic_file_restart(&file, 0));
    check_failed(EBADF, "closed");
    CHECK(!cc_atomic_file_commit(&file));
    check_failed(EBADF, "closed");
    cc_atomic_file_abort(&file);
    cc_atomic_file_abort(&file);
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(cc_atomic_file_commit(&file));
    CHECK(!put("1"));
    CHECK(!cc_atomic_file_commit(&file));
    cc_atomic_file_abort(&file);
    CHECK_STR(text_of(place), "");
}

TEST(bad_paths)
{
    char name[300];

    put_text(place, "a file");
    check_refused(in_folder("none/place"), ENOENT, "no such directory: create");
    check_refused(in_folder("place/x"), ENOTDIR, "a part of the path is a");
    check_refused(folder, EISDIR, "it is a directory");
    check_refused(in_folder(""), EISDIR, "it is a directory");
    check_refused(in_folder("."), EISDIR, "it is a directory");
    check_refused("", EISDIR, "cannot write the file: it is a directory");
    check_refused("/dev/null", EEXIST, "not a regular file");
    check_refused("/dev/null/x", ENOTDIR, "no such directory");
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    check_refused(in_folder(name), ENAMETOOLONG, "too long");
    check_refused(in_folder("a\nb\x7f/x"), ENOENT, "/a?b?/x: no such");
    CHECK_INT(symlink("loop", in_folder("loop")), 0);
    check_refused(in_folder("loop/x"), ELOOP, "symbolic links");
    CHECK_INT(unlink(in_folder("loop")), 0);
    CHECK_STR(text_of(place), "a file");
}

TEST(pipe_there)
{
    CHECK_INT(mkfifo(place, 0666), 0);
    check_refused(place, EEXIST, "not a regular file");
}

/* Runs `f` in a child; true when it gave true. */
static bool in_child(bool (*f)(void))
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(f() ? 0 : 1);
    waitpid(child, &status, 0);
    return status == 0;
}

static bool is_denied(void)
{
    if (getuid() == 0 && setuid(65534) != 0)
        return false;
    return !cc_atomic_file_place(&file, place) && file.error == EACCES &&
           strstr(file.message, "permission denied: this user") != NULL;
}

TEST(denied)
{
    CHECK_INT(chmod(folder, 0555), 0);
    CHECK(in_child(is_denied));
    CHECK_INT(chmod(folder, 0444), 0);
    CHECK(in_child(is_denied));
    CHECK_INT(chmod(folder, 0755), 0);
}

static void advice(void)
{
    static const int errors[] = {
        ENOSPC, EDQUOT,       EFBIG, EROFS,  EACCES, EPERM,  ENOENT, ENOTDIR,
        EISDIR, ENAMETOOLONG, ELOOP, EMFILE, ENFILE, ENOMEM, EIO,    EBADF};
    size_t count = sizeof errors / sizeof *errors;
    const char *other = cc_atomic_file_advice(ESRCH);

    CHECK_STR(other, "the system refused it");
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            CHECK(cc_atomic_file_advice(errors[i]) != other);
            CHECK(strcmp(cc_atomic_file_advice(errors[i]),
                         cc_atomic_file_advice(errors[j])) != 0);
        }
}

/* -- Other processes ---------------------------------------------------------
 */

static bool child_ends(void)
{
    cc_atomic_file_abort(&file);
    return true;
}

TEST(forks)
{
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(put("one "));
    CHECK(in_child(child_ends));
    CHECK(put("two"));
    CHECK(cc_atomic_file_commit(&file));
    CHECK_STR(text_of(place), "one two");
}

static bool child_is_killed(void)
{
    if (cc_atomic_file_open(&file, place) && put("half"))
        raise(SIGKILL);
    return true;
}

TEST(leftovers)
{
    static const char *const others[] = {
        ".ccaas-0123456789abcdef.part.x", ".ccaas-0123456789abcde.part",
        ".ccaas-0123456789abcdefa.part", ".ccaas-0123456789abcdeF.part",
        ".0123456789abcdef.part"};

    CHECK_INT(cc_atomic_file_sweep(folder), 0);
    CHECK(!in_child(child_is_killed));
    CHECK(!in_child(child_is_killed));
    CHECK_INT(entries_in(folder), 2);
    CHECK(cc_atomic_file_open(&file, place));
    for (size_t i = 0; i < 5; i++)
        put_text(in_folder(others[i]), "kept");
    CHECK_INT(mkdir(in_folder(".ccaas-0123456789abcdef.part"), 0777), 0);
    CHECK_INT(cc_atomic_file_sweep(folder), 2);
    CHECK_INT(entries_in(folder), 7);
    for (size_t i = 0; i < 5; i++)
        CHECK_INT(unlink(in_folder(others[i])), 0);
    CHECK_INT(rmdir(in_folder(".ccaas-0123456789abcdef.part")), 0);
    CHECK(put("whole"));
    CHECK(cc_atomic_file_commit(&file));
    CHECK_STR(text_of(place), "whole");
    CHECK_INT(cc_atomic_file_sweep(folder), 0);
    CHECK_INT(cc_atomic_file_sweep(in_folder("none")), -1);
    CHECK_INT(errno, ENOENT);
}

TEST(early_sweep)
{
    sweep_folder = folder;
    CHECK(cc_atomic_file_open(&file, place));
    CHECK(sweep_folder == NULL);
    CHECK_INT(entries_in(folder), 1);
    CHECK(put("whole"));
    CHECK(cc_atomic_file_commit(&file));
    CHECK_STR(text_of(place), "whole");
}

int main(void)
{
    it("appears when it is whole, with the mode of any file", appears);
    it("replaces what is there, when it is whole", replaces);
    it("may be empty", empty_file);
    it("can be cut back, and goes on from there", restarts);
    it("writes everything despite signals and short writes", patient);
    it("finds its place after folders were moved", moves);
    it("shows its descriptors to no program", stays_in_process);
    it("replaces a symbolic link, not its target", replaces_link);
    it("says that the disk is full, and leaves nothing", full_disk);
    it("goes on after a restart when there is room", full_disk_then_room);
    it("reports a failure that close reports", late_failure);
    it("leaves nothing when it cannot be renamed", no_rename);
    it("is not restarted past its end, or by a device that fails", no_restart);
    it("says so when it is closed", closed);
    it("refuses places that cannot have a file", bad_paths);
    it("refuses to replace a pipe", pipe_there);
    it("says when the user may not write there", denied);
    it("has advice for each error that is known", advice);
    it("is not removed by a forked child that ends", forks);
    it("is swept away if its process was killed, and no other is", leftovers);
    it("survives a sweep before it is locked", early_sweep);
    return check_report();
}
