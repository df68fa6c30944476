/* What a call and a subscription have in common: the client that it keeps
 * alive, the waker that its reader waits for, the deadline, the process that
 * started it, and how it is closed from outside.
 *
 * The first member of both, on the thread that the client belongs to.
 */
#ifndef CC_OPERATION_H
#define CC_OPERATION_H

#include <stdbool.h>
#include <sys/types.h>

#include "context.h"
#include "waker.h"

struct cc_operation {
    struct ccaas_client *client;
    struct cc_operation *next, **link; /* the client's list; link NULL: out */
    void (*close)(struct cc_operation *operation);
    struct ccaas_waker *waker;
    bool armed; /* the waker was armed by the take before */
    bool asked; /* the caller is asked for a token */
    bool started, closed;
    pid_t pid;       /* of the process that started it */
    double deadline; /* monotonic; INFINITY: none */
};

/* Holds the client, enters its list, and makes the waker.  `close` is called
 * when the client is closed, or the reader in nginx is gone.  False: memory is
 * out; cc_operation_end must be called all the same. */
bool cc_operation_start(struct cc_operation *operation,
                        struct ccaas_client *client,
                        void (*close)(struct cc_operation *operation));

/* Marks it closed and leaves the client's list.  False: it was closed already.
 */
bool cc_operation_close(struct cc_operation *operation);

/* Closes it, and releases the waker and the client. */
void cc_operation_end(struct cc_operation *operation);

enum cc_operation_state {
    CC_OPERATION_GO,     /* make progress */
    CC_OPERATION_CLOSED, /* report the error that the close has left */
    CC_OPERATION_FORKED, /* fail: CC_OPERATION_FORKED_TEXT */
    CC_OPERATION_LATE    /* fail: CC_OPERATION_LATE_TEXT */
};

#define CC_OPERATION_FORKED_TEXT "the process forked while this was running"
#define CC_OPERATION_LATE_TEXT "the deadline has passed"

/* A take begins: the first one starts the clock for `seconds`, the deadline.
 * Disarms the waker, and closes the operations whose reader is gone. */
enum cc_operation_state cc_operation_resume(struct cc_operation *operation,
                                            double seconds, double now);

/* Arms the waker.  False: it was armed already, so the caller may wait; true:
 * look once more, for what came before does not wake. */
bool cc_operation_arm(struct cc_operation *operation);

/* There may be more, for which the waker is not woken: the next take looks. */
void cc_operation_disarm(struct cc_operation *operation);

/* Seconds after which a take is worth another try in any case; `due` is when
 * the operation itself wants one. */
double cc_operation_timeout(const struct cc_operation *operation, double due);

/* The message of an operation that is closed: by whom. */
const char *cc_operation_closing(const struct cc_operation *operation);

#endif
