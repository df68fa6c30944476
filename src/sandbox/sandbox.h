/*
 * sandbox.h: what the files of this folder know of each other.
 *
 *   module.c   the Lua module; on the threads of the states that load it
 *   server.c   one server: its libwebsockets context, its thread, commands
 *   listen.c   where it listens, and accepts connections; sandbox thread
 *   conn.c     one connection: requests in, answers out; sandbox thread
 *   live.c     the websockets together; live.h is for those who know them
 *   socket.c   one websocket: messages out, frames in, its end
 *   beat.c     updates at a steady pace, to measure by
 *   live_native.c  what Lua may do with the websockets
 *   websocket.c    frames, and the key of the handshake; pure
 *   request.c  where a request ends in a run of bytes; pure
 *   state.c    the sandbox's own lua_State, which decides every answer
 *   native.c   the functions that this state is given
 *   template.c rows written from a template and an index; pure
 *   ogg.c      Ogg files; pure
 *   cert.c     the throw-away certificates
 *   wait.c     how a program that only serves waits for its end
 *
 * A server is made and ended by its owner's thread; everything else happens
 * on the server's thread.  It shares no code with the client but
 * for what libwebsockets makes necessary (src/base/descriptor.h).
 */
#ifndef CC_SANDBOX_H
#define CC_SANDBOX_H

#include <libwebsockets.h>
#include <lua.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CC_SANDBOX_ERROR_SIZE 512

struct cc_sandbox_live;
struct cc_sandbox_socket;

/* Limits of what is read; over them an answer says so and the connection
 * ends.  The request line's own limit is the vendor's (in Lua). */
#define CC_SANDBOX_MAX_HEAD ((size_t)64 * 1024)
#define CC_SANDBOX_MAX_BODY ((size_t)16 * 1024 * 1024)

/* --- request.c ---------------------------------------------------------- */

/* Where the first request of a buffer ends.  Zeroed before the first look;
 * it remembers what it found, so that it can be asked again when more bytes
 * have come. */
struct cc_sandbox_request {
    size_t head_size;    /* with its empty line; 0: not whole yet */
    size_t body_size;    /* as announced */
    size_t searched;     /* how far an empty line was looked for */
    const char *problem; /* the status that refuses it, or NULL */
};

/* True when the request is whole, or is refused (`problem` is set). */
bool cc_sandbox_request_whole(struct cc_sandbox_request *request,
                              const char *bytes, size_t size);

/* --- state.c ------------------------------------------------------------ */

enum cc_sandbox_ending {
    CC_SANDBOX_KEEP,  /* the connection stays */
    CC_SANDBOX_CLOSE, /* it is closed when all is sent */
    CC_SANDBOX_RESET, /* it is reset (RST) when all has left */
};

/* What to send; zeroed, it is an empty one.  `head` and `body` live in the Lua
 * state until the answer is released, `body` until its next piece is asked
 * for. */
struct cc_sandbox_answer {
    const char *head;
    size_t head_size;
    const char *body;
    size_t body_size;
    double delay; /* seconds before the first byte */
    double pause; /* seconds between pieces of the body */
    size_t piece; /* bytes in a piece, 0: no pieces */
    bool hang;    /* nothing is ever sent */
    bool more;    /* another body follows this one: ask for it */
    enum cc_sandbox_ending ending;
    int ref; /* what keeps the bytes; 0: nothing does */
    /* What the connection is once the head is sent, if it stays; NULL: what it
     * was.  The connection's in either case. */
    struct cc_sandbox_socket *socket;
};

/* Opens a state that finds its modules as L does, and in it
 * require(module)(config, native), which gives the functions that decide.
 * `live` must outlive it.  NULL with a message in error. */
lua_State *cc_sandbox_state_open(const char *path, const char *cpath,
                                 const char *module, const char *config,
                                 size_t config_size,
                                 struct cc_sandbox_live *live, char *error);

/* Decides the answer to one request.  A failure in Lua becomes an answer
 * with status 500 that tells it. */
void cc_sandbox_state_handle(lua_State *L, const char *bytes,
                             const struct cc_sandbox_request *request,
                             struct cc_sandbox_answer *answer);

/* Replaces the answer's head and body, which were sent, by the next piece of
 * its body; `more` becomes false when that was the last.  False when Lua
 * failed. */
bool cc_sandbox_state_more(lua_State *L, struct cc_sandbox_answer *answer);

/* Lets go of the answer's bytes; fine on an answer that was released. */
void cc_sandbox_state_release(lua_State *L, struct cc_sandbox_answer *answer);

/* Runs one command.  Gives its result in memory that the caller frees; when
 * it failed, *failed is true and the result is the message.  NULL: no memory.
 */
char *cc_sandbox_state_command(lua_State *L, const char *bytes, size_t size,
                               size_t *result_size, bool *failed);

/* Lets the state do what is due: it asked for that by live.wake_after. */
void cc_sandbox_state_tick(lua_State *L);

/* --- native.c ------------------------------------------------------------- */

/* Puts the functions into the table on top of the stack.  May throw. */
void cc_sandbox_native_set(lua_State *L, struct cc_sandbox_live *live);

/* --- live.c --------------------------------------------------------------- */

/* NULL: no memory. */
struct cc_sandbox_live *cc_sandbox_live_new(void);

/* Frees it and the sockets that no connection has; after its state, which is
 * closed.  NULL is fine. */
void cc_sandbox_live_free(struct cc_sandbox_live *live);

/* Its clock runs from here on, in the loop of the vhost's context.  False when
 * it cannot. */
bool cc_sandbox_live_begin(struct cc_sandbox_live *live, lua_State *L,
                           struct lws_vhost *vhost);

/* The clock rang. */
void cc_sandbox_live_rang(struct cc_sandbox_live *live);

/* --- socket.c: for conn.c, which owns the sockets of its answers ---------- */

/* Makes the connection a websocket, whose first bytes are the head of the
 * answer.  False when it must be closed. */
bool cc_sandbox_socket_open(struct cc_sandbox_socket *socket, struct lws *wsi,
                            const char *head, size_t size);

/* What happens to the connection of an open one.  Zero, or -1 to close it. */
int cc_sandbox_socket_received(struct cc_sandbox_socket *socket,
                               const void *bytes, size_t size);
int cc_sandbox_socket_writable(struct cc_sandbox_socket *socket);
int cc_sandbox_socket_timer(struct cc_sandbox_socket *socket);

/* Ends it with its connection, open or not. */
void cc_sandbox_socket_free(struct cc_sandbox_socket *socket);

/* --- template.c ----------------------------------------------------------- */

struct cc_sandbox_text {
    const char *bytes;
    size_t size;
};

enum cc_sandbox_field_kind {
    CC_SANDBOX_TURN,   /* one of the texts, by the index */
    CC_SANDBOX_PICK,   /* one of the texts, by chance */
    CC_SANDBOX_NUMBER, /* base + step * index + 0 <= chance < spread */
    CC_SANDBOX_HEX,    /* eight digits, by chance */
    CC_SANDBOX_INDEX,  /* the index, eight hexadecimal digits */
};

/* One part of every row.  The texts are borrowed; `count` is 1 at least for
 * TURN and PICK, `spread` for NUMBER. */
struct cc_sandbox_field {
    enum cc_sandbox_field_kind kind;
    uint64_t salt; /* what its chance depends on besides the index */
    int64_t base, step;
    uint64_t spread;
    const struct cc_sandbox_text *texts;
    size_t count;
};

/* As many bytes as the field can take. */
size_t cc_sandbox_field_room(const struct cc_sandbox_field *field);

/* Writes the field of the row with that index; gives how many bytes. */
size_t cc_sandbox_field_write(const struct cc_sandbox_field *field,
                              uint64_t index, char *out);

/* Chance: a number that is always the same for the same n. */
uint64_t cc_sandbox_hash(uint64_t n);

/* --- ogg.c ---------------------------------------------------------------- */

/* The smallest file that can be written. */
#define CC_SANDBOX_OGG_LEAST ((size_t)127)

/* Writes a file of exactly `size` bytes; the same seed gives the same one. */
void cc_sandbox_ogg_write(unsigned char *out, size_t size, uint64_t seed);

/* --- cert.c ------------------------------------------------------------- */

struct cc_sandbox_cert {
    X509 *cert;
    EVP_PKEY *key;
    char ca_file[256]; /* the CA, for clients; "" without one */
};

/* Makes a CA and a certificate for 127.0.0.1, ::1 and localhost; writes the
 * CA into a private temporary file.  False with a message in error; release
 * it in either case. */
bool cc_sandbox_cert_make(struct cc_sandbox_cert *cert, char *error);
void cc_sandbox_cert_release(struct cc_sandbox_cert *cert);

/* --- listen.c ----------------------------------------------------------- */

/* Listens at an address of this machine (a number), and gives the connections
 * to the vhost.  Gives the port, which for 0 is any free one; 0: it cannot,
 * with errno. */
int cc_sandbox_listen(struct lws_vhost *vhost, const char *address, int port);

/* The callback of the protocol that the listener has. */
int cc_sandbox_listener_event(struct lws *wsi, enum lws_callback_reasons reason,
                              void *session, void *in, size_t size);

/* --- conn.c ------------------------------------------------------------- */

/* The protocols of the vhost: that of a connection (and of the clock), and that
 * of the listener.  The context's user pointer is the server. */
#define CC_SANDBOX_LISTENER 1
extern const struct lws_protocols cc_sandbox_protocols[];

/* Resets the connection; it must be closed after that. */
void cc_sandbox_conn_reset(struct lws *wsi);

/* --- server.c ----------------------------------------------------------- */

struct cc_sandbox_server;

/* Starts to serve on an address of this machine.  L and `live` belong to the
 * server from here on, also when this fails: NULL, with a message in error. */
struct cc_sandbox_server *cc_sandbox_server_start(lua_State *L,
                                                  struct cc_sandbox_live *live,
                                                  const char *address, int port,
                                                  bool tls, char *error);

/* Stops serving, joins the thread and frees everything. In a forked child it
 * only frees what is the child's own. */
void cc_sandbox_server_stop(struct cc_sandbox_server *server);

/* Stops what still runs when the process exits. */
void cc_sandbox_server_stop_all(void);

/* Where it serves, and the file of its CA ("" without TLS); both stay the same
 * until it is stopped. */
int cc_sandbox_server_port(const struct cc_sandbox_server *server);
const char *cc_sandbox_server_ca_file(const struct cc_sandbox_server *server);

/* Runs a command on the server's thread and waits for it.  The result lives
 * until the next command.  False when it failed: the result is the message. */
bool cc_sandbox_server_command(struct cc_sandbox_server *server,
                               const char *bytes, size_t size,
                               const char **result, size_t *result_size);

/* For conn.c, on the server's thread. */
lua_State *cc_sandbox_server_state(struct cc_sandbox_server *server);
struct cc_sandbox_live *
cc_sandbox_server_live(struct cc_sandbox_server *server);
void cc_sandbox_server_run_commands(struct cc_sandbox_server *server);
bool cc_sandbox_server_use_cert(struct cc_sandbox_server *server, SSL_CTX *ctx);

/* --- wait.c --------------------------------------------------------------- */

/* Returns on SIGINT or SIGTERM, or when a pipe that is standard input ends. */
void cc_sandbox_wait(void);

#endif
