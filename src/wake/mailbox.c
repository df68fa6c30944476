/* A bounded queue between two threads: see mailbox.h. */
#include "mailbox.h"

void cc_mailbox_open(struct cc_mailbox *box, struct ccaas_waker *waker,
                     size_t limit)
{
    pthread_mutex_init(&box->lock, NULL);
    box->head = box->tail = NULL;
    box->waker = cc_waker_hold(waker);
    box->bytes = 0;
    box->limit = limit;
    box->quiet = box->last = box->held = box->shut = false;
}

static void free_all(struct cc_mail *mail)
{
    struct cc_mail *next;

    for (; mail; mail = next) {
        next = mail->next;
        mail->free(mail);
    }
}

void cc_mailbox_destroy(struct cc_mailbox *box)
{
    free_all(box->head);
    pthread_mutex_destroy(&box->lock);
    cc_waker_release(box->waker);
}

bool cc_mailbox_put(struct cc_mailbox *box, struct cc_mail *mail, bool news)
{
    bool room, wake;

    mail->next = NULL;
    pthread_mutex_lock(&box->lock);
    if (box->shut) {
        pthread_mutex_unlock(&box->lock);
        mail->free(mail);
        return true;
    }
    if (box->tail)
        box->tail->next = mail;
    else
        box->head = mail;
    box->tail = mail;
    box->bytes += mail->size;
    room = box->bytes < box->limit;
    if (!room)
        box->held = true;
    wake = news || !box->quiet;
    pthread_mutex_unlock(&box->lock);
    if (wake)
        cc_waker_wake(box->waker);
    return room;
}

void cc_mailbox_quiet(struct cc_mailbox *box, bool quiet)
{
    pthread_mutex_lock(&box->lock);
    box->quiet = quiet;
    pthread_mutex_unlock(&box->lock);
}

struct cc_mail *cc_mailbox_take(struct cc_mailbox *box, bool *resume)
{
    struct cc_mail *mail;

    *resume = false;
    pthread_mutex_lock(&box->lock);
    mail = box->head;
    if (mail) {
        box->head = mail->next;
        if (!box->head)
            box->tail = NULL;
        box->bytes -= mail->size;
    }
    if (box->held && box->bytes <= box->limit / 2) {
        box->held = false;
        *resume = true;
    }
    pthread_mutex_unlock(&box->lock);
    return mail;
}

int cc_mailbox_peek(struct cc_mailbox *box)
{
    int kind;

    pthread_mutex_lock(&box->lock);
    kind = box->head ? box->head->kind : -1;
    pthread_mutex_unlock(&box->lock);
    return kind;
}

void cc_mailbox_finish(struct cc_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->last = true;
    pthread_mutex_unlock(&box->lock);
}

bool cc_mailbox_finished(struct cc_mailbox *box)
{
    bool last;

    pthread_mutex_lock(&box->lock);
    last = box->last;
    pthread_mutex_unlock(&box->lock);
    return last;
}

void cc_mailbox_shut(struct cc_mailbox *box)
{
    struct cc_mail *mails;

    pthread_mutex_lock(&box->lock);
    mails = box->head;
    box->head = box->tail = NULL;
    box->bytes = 0;
    box->held = false;
    box->shut = true;
    pthread_mutex_unlock(&box->lock);
    free_all(mails);
}
