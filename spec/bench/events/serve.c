/* The events benchmark's server: a plain socket that speaks just enough
 * websocket, so that it never holds up the client.
 *
 *     bench_events_serve flood N       N messages, made before, to each socket
 *                                      as fast as it takes them; then a goodbye
 *     bench_events_serve beat N RATE   once there are N sockets, RATE messages
 *                                      a second to each, to all of them at
 *                                      once; the value is the moment of sending
 *                                      (epoch microseconds)
 *     bench_events_serve spread N RATE the same, but evenly spread over the
 * time
 *
 * Prints its port and goes on until it is killed.  One thread; what it
 * allocates goes with the process.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools.h"

#define CATEGORIES 500
#define WRITE (1024 * 1024)
#define SOCKETS 4096

struct text {
    char *bytes;
    size_t length, room;
};

/* The moment `micros` after the documents' example, as the vendor writes it. */
static void write_time(char *room, size_t size, int64_t micros)
{
    time_t seconds = 1569925076 + micros / 1000000; /* in its own zone */
    struct tm parts;
    size_t used;

    gmtime_r(&seconds, &parts);
    used = strftime(room, size, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(room + used, size - used, ".%03d-06:00",
             (int)(micros / 1000 % 1000));
}

/* Adds a message and its frame. */
static void add_message(struct text *text, int category, int64_t count,
                        int64_t micros)
{
    char when[48], body[400];
    size_t length;

    write_time(when, sizeof when, micros);
    length = (size_t)snprintf(
        body, sizeof body,
        "{\"key\":{\"metricId\":\"K0FLAEB6\",\"categoryValue\":"
        "\"John Doe(%03d)\"},\"value\":{\"lastUpdateTime\":\"%s\","
        "\"count\":%lld,\"type\":\"COUNT\"}}",
        category, when, (long long)count);
    if (text->room - text->length < length + 4) {
        text->room = text->room * 2 + 4096;
        text->bytes = realloc(text->bytes, text->room);
        if (!text->bytes)
            bench_fail("memory", "out");
    }
    text->bytes[text->length++] = (char)0x81;
    if (length < 126) {
        text->bytes[text->length++] = (char)length;
    } else {
        text->bytes[text->length++] = 126;
        text->bytes[text->length++] = (char)(length >> 8);
        text->bytes[text->length++] = (char)length;
    }
    memcpy(text->bytes + text->length, body, length);
    text->length += length;
}

/* Reads the handshake and answers it. */
static void shake_hands(int fd)
{
    char request[8192], *key, digest_text[32];
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t used = 0;
    ssize_t got;

    do {
        got = read(fd, request + used, sizeof request - 1 - used);
        if (got <= 0)
            return;
        used += (size_t)got;
        request[used] = '\0';
    } while (!strstr(request, "\r\n\r\n"));
    key = strcasestr(request, "\r\nsec-websocket-key:");
    if (!key)
        return;
    key += strlen("\r\nsec-websocket-key:");
    key += strspn(key, " ");
    key[strcspn(key, " \r")] = '\0';
    snprintf(request, sizeof request, "%.40s%s", strdup(key),
             "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    EVP_Digest(request, strlen(request), digest, NULL, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)digest_text, digest, 20);
    dprintf(fd,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
            digest_text);
}

static int greet(int listener)
{
    int fd = accept(listener, NULL, NULL), on = 1;

    if (fd < 0)
        bench_fail("accept", "failed");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    shake_hands(fd);
    return fd;
}

static void write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t sent = write(fd, bytes, length < WRITE ? length : WRITE);

        if (sent <= 0)
            return;
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void flood(int listener, long count)
{
    static const char goodbye[] = {(char)0x88, 2, 0x03, (char)0xE8};
    struct text text = {0};
    char rest[256];
    long i;

    for (i = 0; i < count; i++)
        add_message(&text, (int)(i * 7919 % CATEGORIES), i % 997,
                    (int64_t)i * 1000);
    for (;;) {
        int fd = greet(listener);

        write_all(fd, text.bytes, text.length);
        write_all(fd, goodbye, sizeof goodbye);
        if (read(fd, rest, sizeof rest) >= 0) /* the answer to it */
            close(fd);
    }
}

static int64_t wall_micros(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* What clients send is passed over; false: this one is gone. */
static int listens(int fd)
{
    char rest[4096];
    ssize_t got = recv(fd, rest, sizeof rest, MSG_DONTWAIT);

    return got != 0;
}

/* A round of sockets; ends when one of them has gone. */
static void beat_round(const int *fds, size_t count, double rate, int spread)
{
    double began = bench_now();
    struct text text = {0};
    size_t sent;

    for (sent = 0;; sent++) {
        int fd = fds[sent % count];
        double turn =
            spread ? (double)sent / (double)count : (double)(sent / count);
        double due = began + turn / rate - bench_now();

        if (due > 0) {
            struct timespec pause = {(time_t)due,
                                     (long)((due - (double)(time_t)due) * 1e9)};

            nanosleep(&pause, NULL);
        }
        if (!listens(fd))
            break;
        text.length = 0;
        add_message(&text, (int)(sent % CATEGORIES), wall_micros(),
                    (int64_t)sent * 1000);
        write_all(fd, text.bytes, text.length);
    }
    free(text.bytes);
}

static void beat(int listener, size_t wanted, double rate, int spread)
{
    static int fds[SOCKETS];
    size_t count;

    if (wanted > SOCKETS)
        bench_fail("sockets", "too many");
    for (;;) {
        for (count = 0; count < wanted; count++)
            fds[count] = greet(listener);
        beat_round(fds, count, rate, spread);
        for (count = 0; count < wanted; count++)
            close(fds[count]);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (argc < 3)
        bench_fail("usage", "flood N | beat N RATE | spread N RATE");
    signal(SIGPIPE, SIG_IGN);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, SOCKETS) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        bench_fail("listen", "failed");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    if (strcmp(argv[1], "flood") == 0)
        flood(listener, atol(argv[2]));
    else
        beat(listener, (size_t)atol(argv[2]), atof(argv[3]),
             strcmp(argv[1], "spread") == 0);
    return 0;
}
