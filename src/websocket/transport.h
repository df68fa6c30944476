/* A connection once the request is sent: libwebsockets only says when it can be
 * read or written.  On the engine's thread. */
#ifndef CC_TRANSPORT_H
#define CC_TRANSPORT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "frame.h"

struct lws;

/* Belongs to the connection, with or without a socket. */
struct cc_transport {
    int fd;   /* libwebsockets closes it */
    SSL *tls; /* our reference; NULL: none */
    bool broken;
    bool established; /* it is a websocket */
    bool said;        /* the goodbye is on its way; the answer is waited for */
    int goodbye;      /* the closing code; 0: none is wanted */
    struct cc_frames frames;
    struct cc_buffer out; /* to be sent, from `sent` on */
    size_t sent;
};

/* Reads what is there: bytes, 0 (there is nothing now) or -1 (it has ended). */
int cc_transport_read(struct cc_transport *line, char *bytes, size_t room);

/* Is there more to read, of which no poll tells? */
bool cc_transport_pending(const struct cc_transport *line);

/* Sends a control frame, as soon as there is room.  False: memory is out. */
bool cc_transport_control(struct cc_transport *line, struct lws *wsi,
                          int opcode, const void *payload, size_t length);

/* There is room.  False: it has ended. */
bool cc_transport_flush(struct cc_transport *line, struct lws *wsi);

/* Lets go of what it holds, after the last use. */
void cc_transport_end(struct cc_transport *line);

#endif
