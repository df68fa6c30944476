/* Websockets on a thread of their own (libwebsockets): the client's side.
 *
 * Sockets are opened from any thread; what comes back goes to the socket's
 * sink, whose functions are called on the engine's thread.  The thread starts
 * with the first socket, sleeps while there is nothing to do, and is joined by
 * cc_ws_stop.
 */
#ifndef CC_WS_H
#define CC_WS_H

#include <stdbool.h>
#include <stddef.h>

#include "ccaas.h"
#include "secret.h"

struct cc_ws;     /* an engine */
struct cc_socket; /* a websocket, counted references */

/* What to open.  Everything is copied (the secret is held), and wiped when the
 * socket goes: the URL, the headers and the proxy may hold secrets, and appear
 * in no log and no error. */
struct cc_ws_request {
    const char *url;              /* ws:// or wss://, with path and query */
    const char *const *headers;   /* "Name: value", ends with NULL; or NULL */
    struct cc_secret *bearer;     /* sent as Authorization; NULL: none */
    const char *ca_file, *ca_dir; /* certificates that are trusted; both NULL:
                                     OpenSSL's default */
    const char *proxy; /* NULL: none; "http://host:port", may have a user and a
                          password; the environment is not read */
    double connect_timeout; /* seconds, until it is open */
    double silence;         /* seconds in which nothing is heard from the
                               server, no answer to a ping either: it is lost */
    size_t max_message;     /* bytes */
};

/* How it ended. */
struct cc_ws_end {
    enum ccaas_code code; /* CCAAS_OK: the server closed it in due form */
    bool transient;       /* another attempt may do better */
    bool opened;          /* the sink's `opened` was called */
    bool received;        /* a message came */
    double quiet;         /* seconds since anything was heard, where it was open
                             and not closed in due form: what was sent in them
                             may be lost */
    int status;           /* HTTP status of a refused handshake; 0: none came */
    char answer[256];     /* that answer's Retry-After and Date, each as a name
                             in lower case and a value, ended by NULs */
    size_t answer_length;
    int close_code; /* the server's; 1005: it gave none; 0: there was no closing
                       handshake */
    char close_reason[512]; /* the server's, as by cc_text_show */
    bool close_cut;         /* it is so long that the server may have cut it */
    char message[256];      /* what happened; "" with CCAAS_OK */
};

enum cc_ws_answer {
    CC_WS_MORE, /* go on */
    CC_WS_FULL  /* no more until cc_ws_resume: nothing is read, so that
                      the server waits, and its silence does not count */
};

/* Called on the engine's thread: `opened` at most once, `message` for each
 * whole message (fragments are put together, text is valid UTF-8; the bytes are
 * valid during the call), `closed` exactly once, as the last of all calls.
 * `flush` (NULL: no need) comes once after messages that were not answered with
 * FULL, before the engine sleeps, unless `closed` did: the time to wake whoever
 * reads them. */
struct cc_ws_sink {
    void *self;
    void (*opened)(void *self);
    enum cc_ws_answer (*message)(void *self, const char *bytes, size_t length,
                                 bool binary);
    void (*closed)(void *self, const struct cc_ws_end *end);
    void (*flush)(void *self);
};

/* An engine without a thread; NULL: memory is out. */
struct cc_ws *cc_ws_new(void);

/* Closes all sockets (CCAAS_CANCELLED), stops and joins the thread; safe to
 * call twice, not from a sink.  Servers are told; their answers are waited for
 * a fifth of a second at most. */
void cc_ws_stop(struct cc_ws *ws);
void cc_ws_free(struct cc_ws *ws); /* stops first */

/* True in a process that was forked from the one that the engine works in: its
 * thread is not here. */
bool cc_ws_forked(const struct cc_ws *ws);

/* Before the first socket: do with libwebsockets' own loop, as where its libuv
 * plug-in is not installed. */
void cc_ws_without_libuv(struct cc_ws *ws);

/* Opens a socket.  NULL: memory is out, no thread can be had, or the engine was
 * stopped; then the sink is never called. */
struct cc_socket *cc_ws_open(struct cc_ws *ws,
                             const struct cc_ws_request *request,
                             const struct cc_ws_sink *sink);

/* Any thread: closes it (CCAAS_CANCELLED), soon; no matter if it has ended. */
void cc_ws_close(struct cc_socket *socket);

/* Any thread: go on after FULL. */
void cc_ws_resume(struct cc_socket *socket);

/* Lets go of the reference that cc_ws_open gave. */
void cc_ws_release(struct cc_socket *socket);

#endif
