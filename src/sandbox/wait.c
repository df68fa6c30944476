/*
 * wait.c: for a program that only serves: waits until it is told to end.
 * Runs on the caller's thread, which takes SIGINT and SIGTERM as messages
 * meanwhile; the process's signal dispositions stay as they are.
 */
#include "sandbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* A terminal is not watched: to read it from the background stops a job. */
static bool is_pipe(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 &&
           (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

/* Reads and drops what came. False at the end. */
static bool drain(int fd)
{
    char bytes[512];
    ssize_t n = read(fd, bytes, sizeof bytes);
    return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

void cc_sandbox_wait(void)
{
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    struct pollfd fds[] = {
        {.fd = signals, .events = POLLIN},
        {.fd = is_pipe(0) ? 0 : -1, .events = POLLIN},
    };
    bool waiting = signals >= 0;
    while (waiting) {
        if (poll(fds, 2, -1) < 0) {
            waiting = errno == EINTR;
        } else if (fds[0].revents) {
            struct signalfd_siginfo info;
            waiting = read(signals, &info, sizeof info) < 0 && errno == EINTR;
        } else {
            waiting = drain(0);
        }
    }
    if (signals >= 0)
        close(signals);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
