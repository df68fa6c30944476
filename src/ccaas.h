/* ccaas: a client for contact-center data APIs.  The public C interface, which
 * the Lua binding is built on.
 *
 * Threads: an engine has threads of its own for the network; everything below
 * is called from one thread at a time for each engine (in Lua: the thread that
 * runs its state), unless a function says otherwise.
 *
 * Ownership: ccaas_*_new gives one reference to the caller, *_free lets go of
 * it (NULL is fine).  A call keeps its client alive, a client its engine.
 * Strings that go in are copied; strings that come out live as long as what
 * they were asked of, unless a function says otherwise.
 */
#ifndef CCAAS_H
#define CCAAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CCAAS_VERSION "0.2.0"

/* -- Errors --------------------------------------------------------------- */

enum ccaas_code {
    CCAAS_OK,
    CCAAS_AUTH,          /* the credentials or the token are refused */
    CCAAS_FORBIDDEN,     /* they are good, but not for this */
    CCAAS_BAD_REQUEST,   /* the server rejected the request */
    CCAAS_NOT_FOUND,     /* it does not exist */
    CCAAS_RATE_LIMITED,  /* too fast, after all retries */
    CCAAS_EGRESS_CAPPED, /* a cap on downloaded bytes: final */
    CCAAS_SERVER,        /* the server failed, after all retries */
    CCAAS_TIMEOUT,       /* a time-out or the deadline */
    CCAAS_DNS,           /* the host name cannot be looked up */
    CCAAS_CONNECT,       /* nobody listens there, or it is out of reach */
    CCAAS_TLS,           /* no secure connection: certificate, handshake */
    CCAAS_NETWORK,       /* the connection was lost */
    CCAAS_PROTOCOL,      /* the answer is not as expected */
    CCAAS_TOO_LARGE,     /* it is larger than max_record or max_body */
    CCAAS_CANCELLED,     /* closed by its owner */
    CCAAS_IO,            /* a local file or descriptor */
    CCAAS_MEMORY         /* memory is out */
};

/* The code's name as scripts know it: "auth", "bad_request" ... */
const char *ccaas_code_name(enum ccaas_code code);

/* What the code means, in words. */
const char *ccaas_code_text(enum ccaas_code code);

/* One attempt of a request, as an error reports it. */
struct ccaas_attempt {
    double at;        /* when it began, epoch seconds */
    double seconds;   /* how long it took */
    char outcome[48]; /* "503", "timeout", ... */
};

#define CCAAS_ERROR_BODY 512

/* What went wrong, made once, where it happened.  No field ever holds a
 * secret.  Texts are shown as by cc_text_show (one line, no control
 * characters); `body` alone keeps its bytes. */
struct ccaas_error {
    enum ccaas_code code;
    bool retryable;     /* the same call may well succeed later */
    int status;         /* HTTP status; 0: none came */
    double retry_after; /* seconds that the server asked for; < 0: none */
    char message[512];
    char url[512]; /* without query */
    char method[16];
    char request_id[96];
    char body[CCAAS_ERROR_BODY + 1]; /* the answer's first bytes, scrubbed; may
                                        hold NULs */
    size_t body_length;
    struct ccaas_attempt *attempts;
    size_t attempt_count;
};

/* -- The process ----------------------------------------------------------- */

/* Can the OpenSSL that libcurl and libwebsockets find in this process be used
 * by threads, and is it one, of the major version that this was built with?
 * False: `why` (of 1,024 bytes, say) tells what was found and what to build.
 * Any thread, at any time. */
bool ccaas_openssl_check(char *why, size_t size);

/* -- Engine and client ----------------------------------------------------- */

struct ccaas_engine;
struct ccaas_client;

/* An engine: opens no socket, starts no thread (the first request does).
 * NULL: memory is out. */
struct ccaas_engine *ccaas_engine_new(void);

/* Stops the engine's threads and waits for them; whatever was under way ends
 * with CCAAS_CANCELLED.  Safe to call twice. */
void ccaas_engine_stop(struct ccaas_engine *engine);
/* Its threads are for this process alone: before it forks they end, and what is
 * under way is cancelled; the next request starts them anew. */
void ccaas_engine_stay(struct ccaas_engine *engine);
void ccaas_engine_free(struct ccaas_engine *engine);

/* How an API's errors read.  Lists end with NULL; paths are member names with
 * dots between them. */
struct ccaas_dialect {
    const char *const *messages;   /* where an error body has its words ... */
    const char *const *codes;      /* ... and its own code */
    const char *const *references; /* ... and its number for this failure */
    const char *const *throttles;  /* codes that mean "too fast" begin so */
    const char *past_end; /* words before the number of pages, in the answer
                             to a page past the end; NULL: none such */
};

/* A client's settings. */
struct ccaas_settings {
    const char *token_url; /* client credentials are asked for here; */
    const char *key;       /* NULL: `token` is used as it is */
    const char *secret;
    const char *token;
    const char *ca_file; /* NULL: the system's */
    const char *proxy;   /* NULL: the environment's */
    const char *user_agent;
    double connect_timeout; /* seconds */
    double timeout;         /* of a subscription's token request, seconds */
    unsigned retries;       /* likewise, for each time that it is opened */
    bool ask_token;         /* the token is asked for: CCAAS_TAKE_ASK */
    unsigned store; /* 0: none; else which, for ccaas_client_store_request */
    bool events;    /* keep events for ccaas_client_event */
    bool fair;      /* takes answer CCAAS_TAKE_PAUSE now and then */
    struct ccaas_dialect dialect;
};

/* A client; opens no socket.  The settings are copied.  NULL: memory is out. */
struct ccaas_client *ccaas_client_new(struct ccaas_engine *engine,
                                      const struct ccaas_settings *settings);
/* Ends everything that goes on for this client. */
void ccaas_client_close(struct ccaas_client *client);
void ccaas_client_free(struct ccaas_client *client);

/* Takes another reference; ccaas_client_free lets go of it. */
struct ccaas_client *ccaas_client_hold(struct ccaas_client *client);

/* When others are let in: after so many seconds, or so many looks: more than
 * there are in a row where merges and watches look at their parts. */
#define CCAAS_CLIENT_TURN 0.001
#ifdef CCAAS_TINY
#define CCAAS_CLIENT_LOOKS 4u
#else
#define CCAAS_CLIENT_LOOKS UINT_MAX
#endif

/* Of a fair client: is it time to let others have a turn?  Once it said so it
 * takes for granted that they have one. */
bool ccaas_client_due(struct ccaas_client *client);

/* Others just had one: whoever takes something waited for it. */
void ccaas_client_rested(struct ccaas_client *client);

/* What happened under way: for the user's eyes, never a secret. */
struct ccaas_event {
    const char *type; /* "request", "attempt", "wait", "token", "page",
                         "socket", "warning" */
    double at;        /* epoch seconds */
    char method[16];
    char url[512];    /* without query */
    unsigned attempt; /* 0: does not apply */
    int status;       /* 0: none */
    double seconds;   /* < 0: does not apply */
    int64_t bytes;    /* < 0: does not apply */
    int64_t page;     /* < 0: does not apply */
    char code[32];    /* "": none */
    char reason[160]; /* "": none */
};

/* Takes the oldest event that was kept; false: there is none. */
bool ccaas_client_event(struct ccaas_client *client, struct ccaas_event *event);

/* Writes text that somebody else wrote as it may be shown: without the client's
 * secrets, and as by cc_text_show. */
void ccaas_client_show(const struct ccaas_client *client, char *to, size_t room,
                       const char *text, size_t length);

/* -- Store: what engines share ----------------------------------------------
 *
 * Tokens and paces are shared with other engines by a store of the user's: a
 * few operations on names and values, which the caller does.  A lease is a name
 * in the store that belongs to whoever added it, for so many seconds.
 */

enum ccaas_store_request_kind {
    CCAAS_STORE_FIND,  /* get `key`; is it of no use, add `lease` */
    CCAAS_STORE_ENTER, /* add `lease` */
    CCAAS_STORE_HOLD,  /* is `lease` the owner's still, set it anew */
    CCAAS_STORE_TELL,  /* is `lease` the owner's still, set `key` to `value`
                        */
    CCAAS_STORE_KEEP,  /* set `key` to `value`; delete the owner's `lease` */
    CCAAS_STORE_LEAVE  /* is `lease` the owner's still, set it anew; delete
                             it where `seconds` is 0 */
};

struct ccaas_store_request {
    uint64_t id;
    enum ccaas_store_request_kind kind;
    const char *key;   /* NULL: none */
    const char *lease; /* the name of the lease */
    const char *owner; /* its value */
    const char *value; /* what `key` is set to; may hold a token */
    double seconds;    /* that what is added or set stays */
};

/* After CCAAS_TAKE_ASK: a question to the client's store, which is the caller's
 * from now on: it must be told ccaas_client_store_found (true), _reply or
 * _abandon. The strings live until then, or the client's end.  False: there is
 * none. */
bool ccaas_client_store_request(struct ccaas_client *client,
                                struct ccaas_store_request *request);

/* FIND: what the store has under `key`.  True: that was all.  False: it is of
 * no use. */
bool ccaas_client_store_found(struct ccaas_client *client, uint64_t id,
                              const char *value, size_t length);

enum ccaas_store_reply {
    CCAAS_STORE_DONE,  /* FIND, ENTER: the lease is ours */
    CCAAS_STORE_BUSY,  /* the lease is somebody else's */
    CCAAS_STORE_FAILED /* the store failed, with the reason given */
};
/* What came of a question.  `reason` may be NULL. */
void ccaas_client_store_reply(struct ccaas_client *client, uint64_t id,
                              enum ccaas_store_reply reply, const char *reason);

/* Nobody will answer it: it is asked of somebody else. */
void ccaas_client_store_abandon(struct ccaas_client *client, uint64_t id);

/* -- Call: one call, from its first request to its last record --------------
 */

struct ccaas_call;

enum ccaas_body {
    CCAAS_BODY_WHOLE,        /* the body's bytes are the one record */
    CCAAS_BODY_JSON,         /* one JSON value is the one record */
    CCAAS_BODY_ARRAY,        /* a JSON array of records */
    CCAAS_BODY_ARRAY_OR_KEY, /* the same, or such an array below `key` */
    CCAAS_BODY_ARRAY_OR_ONE, /* the same as ARRAY, or one object */
    CCAAS_BODY_CHUNKS        /* the body's bytes as they come, in pieces */
};

/* What a body that comes in pieces is, where that is checked or proves its
 * end. */
enum ccaas_format {
    CCAAS_FORMAT_ANY,
    CCAAS_FORMAT_JSON, /* strictly: what is wrong is not handed out */
    CCAAS_FORMAT_OGG   /* checked by who takes it */
};

/* What a call is to do. */
struct ccaas_call_plan {
    const char *method;
    const char *const *urls; /* one walk each, merged in this order */
    size_t url_count;
    const char *const *headers; /* "Name: value", ends with NULL */
    const void *content;        /* the request's body; NULL: none */
    size_t content_length;
    bool idempotent;
    bool anonymous; /* no token goes with it */
    enum ccaas_body body;
    enum ccaas_format format; /* of CHUNKS */
    const char *key;
    bool unique;      /* a record that was handed out before is dropped; so it
                         is when `paged` */
    bool counted;     /* asked for again, as many records are skipped as were
                         handed out; the last one of them must be the same */
    bool resume;      /* CHUNKS: asked for again, only what is missing is asked
                         for, where the server can do that */
    bool patient;     /* 202 means: not yet, ask again */
    const char *pace; /* calls of this name go one at a time, ... */
    double pace_seconds; /* ... so many seconds between two starts; NULL:
                            at will */
    bool paged;          /* `page_name` and `size_name` go into the query */
    const char *page_name;
    const char *size_name;
    const char *const *page_headers; /* four names in lower case: the page,
                             its size, pages in all, rows in all */
    int64_t first_page;
    int64_t page_size;
    bool verify;   /* a list is walked until two passes in a row are clean */
    int64_t limit; /* rows; < 0: none */
    unsigned concurrency;
    unsigned retries;
    double timeout;         /* seconds without a byte from the server */
    double deadline;        /* seconds from the first take; INFINITY: none */
    double max_retry_after; /* seconds: a longer Retry-After ends the call at
                               once; INFINITY: the deadline alone bounds it */
    uint64_t max_record;
    uint64_t max_body;
};

/* A call; nothing is sent before the first ccaas_call_take.  NULL: memory is
 * out. */
struct ccaas_call *ccaas_call_new(struct ccaas_client *client,
                                  const struct ccaas_call_plan *plan);

enum ccaas_take {
    CCAAS_TAKE_RECORD, /* *record is the next one */
    CCAAS_TAKE_PAGE,   /* a page was read to its end */
    CCAAS_TAKE_WAIT,   /* nothing yet: wait for ccaas_call_fd */
    CCAAS_TAKE_PAUSE,  /* of a fair client: let others have a turn */
    CCAAS_TAKE_ASK,    /* see ccaas_client_store_request; where that has none, a
                          token is wanted: call ccaas_call_give_token */
    CCAAS_TAKE_AFRESH, /* CHUNKS: what was handed out is void, for the body
                          begins anew */
    CCAAS_TAKE_END,    /* there is no more */
    CCAAS_TAKE_ERROR   /* see ccaas_call_error; it stays so */
};

struct ccaas_record {
    const char *bytes; /* valid until the next take, or the call's close */
    size_t length;
    uint64_t offset; /* of its first byte, in the answer's body */
};

/* The next thing.  Never blocks, never calls back. */
enum ccaas_take ccaas_call_take(struct ccaas_call *call,
                                struct ccaas_record *record);

enum ccaas_admit {
    CCAAS_ADMIT_NEW,   /* hand it out */
    CCAAS_ADMIT_AGAIN, /* seen before: drop it */
    CCAAS_ADMIT_MEMORY
};

/* Whether the record taken last is to be handed out.  `identity` is what tells
 * it from others (NULL: nothing does). */
enum ccaas_admit ccaas_call_admit(struct ccaas_call *call, const char *identity,
                                  size_t length);

/* The record taken last is a totals row: it does not count as a record.
 * False: it was handed out before (the page had to be asked for again). */
bool ccaas_call_totals(struct ccaas_call *call);

/* The record taken last is malformed at `offset` within it: the call ends with
 * CCAAS_PROTOCOL, which the next take reports. */
void ccaas_call_malformed(struct ccaas_call *call, size_t offset,
                          const char *reason);

/* There is no memory to hand out the record taken last: the call ends with
 * CCAAS_MEMORY, which the next take reports. */
void ccaas_call_exhausted(struct ccaas_call *call);

/* After CCAAS_TAKE_ASK: why a token is wanted, "start" or "refused"; NULL: none
 * is, any more. */
const char *ccaas_call_token_reason(const struct ccaas_call *call);

/* After CCAAS_TAKE_ASK: the token; NULL: there is none, which is an error of
 * all who wait for it.  Whoever was asked and is closed instead leaves the
 * question to the next one. */
void ccaas_call_give_token(struct ccaas_call *call, const char *token);

/* The descriptor that becomes readable when a take is worth another try, or -1
 * when none could be made.  It stays the call's own, and is closed when a take
 * has told the end or an error. */
int ccaas_call_fd(struct ccaas_call *call);

/* Somebody begins or ends to wait for it: while anybody does it is not closed,
 * but made readable. */
void ccaas_call_waiting(struct ccaas_call *call, bool begins);

/* For loops with sockets of their own only: see nginx_socket.h. */
struct ccaas_waker *ccaas_call_waker(struct ccaas_call *call);

/* Seconds after which a take is worth another try in any case; INFINITY: only
 * the descriptor tells. */
double ccaas_call_timeout(const struct ccaas_call *call);

/* The error that a take reported. */
const struct ccaas_error *ccaas_call_error(const struct ccaas_call *call);

/* The answer's status and its headers (of the newest answer): names in lower
 * case and values, one after the other, each ended by a NUL; *length in
 * bytes. */
int ccaas_call_status(const struct ccaas_call *call);
const char *ccaas_call_headers(const struct ccaas_call *call, size_t *length);
/* Where a redirect led to, without query; NULL: there was none. */
const char *ccaas_call_moved(const struct ccaas_call *call);

struct ccaas_info {
    int64_t pages;       /* read to their end, in all passes */
    int64_t total_pages; /* as the server named them; < 0: it has not */
    int64_t total;       /* rows, likewise */
    int64_t rows;        /* handed out */
    int64_t duplicates;  /* the most that came twice within one pass */
    int64_t missing; /* announced by the last pass and not seen in it; < 0: not
                        known (yet) */
    int64_t passes;  /* of the list that took most; see page.h */
    int clean;       /* 1: the last passes were, 0: one was not; < 0: not known
                        (yet) */
    bool shrunk;
    double first_at; /* epoch seconds of the first row; < 0: none yet */
    double last_at;
    int64_t page; /* the number of the page read last */
    int64_t walk; /* the url (from 0) that it belongs to */
};
/* What is known of the walk so far. */
void ccaas_call_info(struct ccaas_call *call, struct ccaas_info *info);

/* Cancels; takes report CCAAS_CANCELLED from now on.  Safe to call twice. */
void ccaas_call_close(struct ccaas_call *call);
void ccaas_call_free(struct ccaas_call *call);

/* -- Live: a subscription, by websocket ---------------------------------------
 */

struct ccaas_subscription;

/* A value as it stands in a JSON text; begin is NULL where there is none. */
struct ccaas_part {
    const char *begin, *end;
};

/* The parts of an update, by their places in `paths`. */
enum ccaas_update_part {
    CCAAS_UPDATE_METRIC,   /* which metric, a string */
    CCAAS_UPDATE_CATEGORY, /* of whom */
    CCAAS_UPDATE_KIND,     /* what sort of value it is */
    CCAAS_UPDATE_VALUE,    /* the value, where its kind has a plain one */
    CCAAS_UPDATE_UPDATED,  /* since when it is so, ISO 8601 */
    CCAAS_UPDATE_WHOLE,    /* the object with the value and all about it */
    CCAAS_UPDATE_PARTS
};

#define CCAAS_SUBSCRIPTION_REFUSALS 8

/* What a subscription is to do. */
struct ccaas_subscription_plan {
    const char *url;          /* ws:// or wss:// */
    const char *token_name;   /* the token goes into the query under this name;
                                 NULL: as a header */
    const char *const *paths; /* of the parts: member names with dots */
    int refusals[CCAAS_SUBSCRIPTION_REFUSALS]; /* the API's own closing codes
                                          (4000 to 4999) that refuse a token; 0
                                          ends them */
    size_t queue;           /* messages that wait for the reader, at most */
    bool block;             /* more of them make the server wait; else the
                               newest for each metric and category stays */
    double silence;         /* seconds without a sign of life: it is lost */
    int64_t reconnects;     /* in a row without success; < 0: no limit */
    double pause_first;     /* before it is opened again: the first pause's */
    double pause_most;      /* upper bound, and the longest one's */
    double deadline;        /* seconds from the first take; INFINITY: none */
    double max_retry_after; /* seconds: a longer Retry-After is told as DOWN,
                               also where it is down already */
    size_t max_message;     /* bytes */
};

/* A subscription; nothing is opened before the first ccaas_subscription_take.
 * NULL: memory is out, or the paths are none. */
struct ccaas_subscription *
ccaas_subscription_new(struct ccaas_client *client,
                       const struct ccaas_subscription_plan *plan);

enum ccaas_news_kind {
    CCAAS_NEWS_OPEN,    /* it is open: `attempt`, `at`; after a loss also
                                `from`: what came since may be missed */
    CCAAS_NEWS_DOWN,    /* it was lost, or refused for now: `at`, `error` */
    CCAAS_NEWS_UPDATE,  /* `bytes` are one, with `parts` */
    CCAAS_NEWS_MESSAGE, /* `bytes` are none; `fault`: not even JSON */
    CCAAS_NEWS_WAIT,    /* nothing yet: wait for its waker */
    CCAAS_NEWS_ASK, /* as CCAAS_TAKE_ASK, with ccaas_subscription_give_token */
    CCAAS_NEWS_PAUSE, /* it is time to let others have a turn */
    CCAAS_NEWS_ERROR  /* see ccaas_subscription_error; it stays so */
};

/* What a take tells; it points into the subscription, until the next take or
 * its close. */
struct ccaas_news {
    const char *bytes;
    size_t length;
    bool binary;
    struct ccaas_part parts[CCAAS_UPDATE_PARTS];
    const char *fault; /* a static string */
    size_t fault_at;
    unsigned attempt; /* the first one after a loss is 1 */
    double at, from;  /* epoch seconds; from < 0: nothing was lost */
    const struct ccaas_error *error;
    bool last; /* of an update: the next take would be WAIT until it is woken */
};

/* The next thing.  Never blocks, never calls back. */
enum ccaas_news_kind ccaas_subscription_take(struct ccaas_subscription *sub,
                                             struct ccaas_news *news);

/* Takes note of a value that came by another way.  False: a newer one was
 * given already, and this one counts as stale. */
bool ccaas_subscription_note(struct ccaas_subscription *sub, const char *metric,
                             size_t metric_length, const char *category,
                             size_t category_length, const char *updated,
                             size_t updated_length);

/* As ccaas_call_token_reason, _answer, _waker, _timeout and _error. */
const char *
ccaas_subscription_token_reason(const struct ccaas_subscription *sub);
void ccaas_subscription_give_token(struct ccaas_subscription *sub,
                                   const char *token);
struct ccaas_waker *ccaas_subscription_waker(struct ccaas_subscription *sub);
double ccaas_subscription_timeout(const struct ccaas_subscription *sub);
const struct ccaas_error *
ccaas_subscription_error(struct ccaas_subscription *sub);

/* True when the socket was open and has ended: takes will tell so after what
 * came before. */
bool ccaas_subscription_lost(struct ccaas_subscription *sub);

struct ccaas_subscription_info {
    int64_t messages;  /* handed out */
    int64_t conflated; /* replaced by newer ones, for the reader was slow */
    int64_t stale;     /* older than what was given; not passed on */
    int64_t waiting;   /* messages that are here */
    int64_t opened;    /* how often it was */
    int64_t lost;      /* how often it was lost after it had been open */
};
/* What is known of it so far. */
void ccaas_subscription_info(struct ccaas_subscription *sub,
                             struct ccaas_subscription_info *info);

/* Ends it; takes report CCAAS_CANCELLED from now on.  Safe to call twice. */
void ccaas_subscription_close(struct ccaas_subscription *sub);
void ccaas_subscription_free(struct ccaas_subscription *sub);

/* The engine's listener, opened when it is first asked for; NULL: it could not
 * be, and errno says why.  See nginx_socket.h. */
struct ccaas_nginx_socket *
ccaas_engine_nginx_socket(struct ccaas_engine *engine);

/* For loops with such a listener, after a connection was lent: closes whatever
 * was read by those who are gone without a word, which wakes whoever waits for
 * what that had. */
void ccaas_engine_sweep(struct ccaas_engine *engine);

/* -- Waitsets: one descriptor for many calls ------------------------------ */

struct ccaas_waitset;

/* NULL: memory is out. */
struct ccaas_waitset *ccaas_waitset_new(void);

/* From now on what wakes that waker (a call's or a subscription's) wakes the
 * waitset, too, until it leaves or is freed.  `own`: nobody else reads what it
 * belongs to.  With each wake that mark is left with the waitset (-1: none).
 * False: memory is out. */
bool ccaas_waitset_add(struct ccaas_waitset *waitset, struct ccaas_waker *waker,
                       bool own, int mark);
void ccaas_waitset_remove(struct ccaas_waitset *waitset,
                          struct ccaas_waker *waker);

/* The oldest mark that was left, each once until it is taken; -1: none. */
int ccaas_waitset_mark(struct ccaas_waitset *waitset);

/* Arms the waitset: now take from all once more, and if there is nothing wait.
 */
void ccaas_waitset_arm(struct ccaas_waitset *waitset);

/* The descriptor to wait for; -1: none could be made, or it belongs to the
 * process that this one was forked from. */
int ccaas_waitset_fd(struct ccaas_waitset *waitset);
struct ccaas_waker *ccaas_waitset_waker(struct ccaas_waitset *waitset);

/* True in a process that was forked from the one that armed it. */
bool ccaas_waitset_forked(const struct ccaas_waitset *waitset);

/* After the wait. */
void ccaas_waitset_disarm(struct ccaas_waitset *waitset);

/* Closes the descriptor, for which nobody may wait; nothing wakes it after
 * that. */
void ccaas_waitset_close(struct ccaas_waitset *waitset);

/* Leaves all, and closes it. */
void ccaas_waitset_free(struct ccaas_waitset *waitset);

#endif
