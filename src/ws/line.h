/* A connection once the request is sent: libwebsockets only says when it can be
 * read or written.  On the engine's thread. */
#ifndef CCAAS_LINE_H
#define CCAAS_LINE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "frame.h"

struct lws;

/* Belongs to the connection, with or without a socket. */
struct ccaas_line {
    int fd;   /* libwebsockets closes it */
    SSL *tls; /* our reference; NULL: none */
    bool broken;
    bool established; /* it is a websocket */
    bool said;        /* the goodbye is on its way; the answer is waited for */
    int goodbye;      /* the closing code; 0: none is wanted */
    struct ccaas_frames frames;
    struct ccaas_buffer out; /* to be sent, from `sent` on */
    size_t sent;
};

/* Reads what is there: bytes, 0 (there is nothing now) or -1 (it has ended). */
int ccaas_line_read(struct ccaas_line *line, char *bytes, size_t room);

/* Is there more to read, of which no poll tells? */
bool ccaas_line_pending(const struct ccaas_line *line);

/* Sends a control frame, as soon as there is room.  False: memory is out. */
bool ccaas_line_control(struct ccaas_line *line, struct lws *wsi, int opcode,
                        const void *payload, size_t length);

/* There is room.  False: it has ended. */
bool ccaas_line_flush(struct ccaas_line *line, struct lws *wsi);

/* Lets go of what it holds, after the last use. */
void ccaas_line_end(struct ccaas_line *line);

#endif
