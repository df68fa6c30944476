/* How much was read of a connection.  By itself, for the kernel's own header
 * and the C library's do not go together. */
#include "progress.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

uint64_t ccaas_progress(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int waiting = 0;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        ioctl(fd, FIONREAD, &waiting) != 0)
        return 0;
    return (uint64_t)info.tcpi_bytes_received - (unsigned)waiting;
}
