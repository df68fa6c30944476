/* What a call and a subscription have in common: see operation.h. */
#include "operation.h"

#include <math.h>
#include <unistd.h>

#include "clock.h"
#include "nginx_socket.h"

bool cc_operation_start(struct cc_operation *operation,
                        struct ccaas_client *client,
                        void (*close)(struct cc_operation *operation))
{
    operation->client = ccaas_client_hold(client);
    operation->close = close;
    operation->deadline = INFINITY;
    operation->next = client->operations;
    operation->link = &client->operations;
    if (operation->next)
        operation->next->link = &operation->next;
    client->operations = operation;
    operation->waker = cc_waker_new();
    return operation->waker != NULL;
}

bool cc_operation_close(struct cc_operation *operation)
{
    if (operation->closed)
        return false;
    operation->closed = true;
    *operation->link = operation->next;
    if (operation->next)
        operation->next->link = operation->link;
    operation->link = NULL;
    return true;
}

void cc_operation_end(struct cc_operation *operation)
{
    struct ccaas_client *client = operation->client;

    cc_operation_close(operation);
    cc_waker_release(operation->waker);
    operation->waker = NULL;
    ccaas_client_free(client);
}

enum cc_operation_state cc_operation_resume(struct cc_operation *operation,
                                            double seconds, double now)
{
    if (!operation->started) {
        operation->started = true;
        operation->pid = getpid();
        if (isfinite(seconds))
            operation->deadline = now + seconds;
    }
    if (operation->pid != getpid())
        return CC_OPERATION_FORKED;
    cc_operation_disarm(operation);
    ccaas_engine_sweep(operation->client->engine);
    if (operation->closed)
        return CC_OPERATION_CLOSED;
    return now >= operation->deadline ? CC_OPERATION_LATE : CC_OPERATION_GO;
}

bool cc_operation_arm(struct cc_operation *operation)
{
    if (operation->armed)
        return false;
    cc_waker_arm(operation->waker);
    operation->armed = true;
    return true;
}

void cc_operation_disarm(struct cc_operation *operation)
{
    if (operation->armed)
        cc_waker_disarm(operation->waker);
    operation->armed = false;
}

double cc_operation_timeout(const struct cc_operation *operation, double due)
{
    double now;

    if (!operation->armed)
        return 0; /* the last take gave something, or there was none */
    now = cc_clock_now();
    due = fmin(due, operation->deadline);
    return due > now ? due - now : 0;
}

const char *cc_operation_closing(const struct cc_operation *operation)
{
    return operation->waker && cc_waker_is_cancelled(operation->waker)
               ? "closed: the nginx request that read it has ended"
               : "closed";
}

/* Closes the operations of all clients whose reader in nginx is gone. */
void ccaas_engine_sweep(struct ccaas_engine *engine)
{
    struct ccaas_client *client;
    struct cc_operation *operation, *next;

    if (!engine->nginx_socket ||
        engine->cancels == cc_nginx_socket_cancels(engine->nginx_socket))
        return;
    engine->cancels = cc_nginx_socket_cancels(engine->nginx_socket);
    for (client = engine->clients; client; client = client->next)
        for (operation = client->operations; operation; operation = next) {
            next = operation->next;
            if (cc_waker_is_cancelled(operation->waker))
                operation->close(operation);
        }
}
