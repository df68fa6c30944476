/* The wake descriptor and the mailbox, from one thread and from two. */
#include <poll.h>
#include <pthread.h>

#include "check.h"
#include "mailbox.h"
#include "waker.h"

static int readable(struct ccaas_waker *waker)
{
    struct pollfd one = {.fd = cc_waker_fd(waker), .events = POLLIN};

    return poll(&one, 1, 0) == 1;
}

static void ring_before_fd(void)
{
    struct ccaas_waker *waker = cc_waker_new();

    cc_waker_arm(waker);
    cc_waker_wake(waker);
    CHECK(readable(waker));
    cc_waker_disarm(waker);
    CHECK(!readable(waker));
    cc_waker_release(waker);
}

static void ring_unarmed(void)
{
    struct ccaas_waker *waker = cc_waker_new();

    cc_waker_arm(waker);
    cc_waker_fd(waker);
    cc_waker_disarm(waker);
    cc_waker_wake(waker);
    CHECK(!readable(waker));
    cc_waker_release(waker);
}

static void readable_at_first(void)
{
    struct ccaas_waker *waker = cc_waker_new();

    CHECK(readable(waker));
    cc_waker_disarm(waker);
    CHECK(!readable(waker));
    cc_waker_release(waker);
}

static void followers(void)
{
    struct ccaas_waker *leader = cc_waker_new(), *one = cc_waker_new(),
                       *two = cc_waker_new();

    CHECK(cc_waker_follow(leader, one));
    CHECK(cc_waker_follow(leader, one));
    CHECK(cc_waker_follow(leader, two));
    cc_waker_arm(one);
    cc_waker_arm(two);
    cc_waker_unfollow(leader, two);
    cc_waker_wake(leader);
    CHECK(readable(one));
    CHECK(!readable(two));
    cc_waker_release(leader);
    cc_waker_release(one);
    cc_waker_release(two);
}

static void marks(void)
{
    struct ccaas_waker *one = cc_waker_new(), *two = cc_waker_new(),
                       *follower = cc_waker_new();

    CHECK(cc_waker_follow_as(one, follower, 7));
    CHECK(cc_waker_follow_as(two, follower, 0));
    CHECK(cc_waker_mark(follower) == -1);
    cc_waker_wake(two);
    cc_waker_wake(one);
    cc_waker_wake(two);
    CHECK(cc_waker_mark(follower) == 0);
    CHECK(cc_waker_mark(follower) == 7);
    CHECK(cc_waker_mark(follower) == -1);
    cc_waker_wake(two);
    cc_waker_wake(one);
    CHECK(cc_waker_mark(follower) == 0);
    cc_waker_wake(two);
    cc_waker_unfollow(one, follower);
    cc_waker_release(one);
    CHECK(cc_waker_mark(follower) == 0);
    cc_waker_wake(two);
    cc_waker_release(two);
    CHECK(cc_waker_mark(follower) == -1);
    cc_waker_release(follower);
}

static void followers_of_followers(void)
{
    struct ccaas_waker *leader = cc_waker_new(), *one = cc_waker_new(),
                       *two = cc_waker_new();

    CHECK(cc_waker_follow(leader, one));
    CHECK(cc_waker_follow(one, two));
    cc_waker_arm(two);
    cc_waker_wake(leader);
    CHECK(readable(two));
    cc_waker_release(leader);
    cc_waker_release(one);
    cc_waker_release(two);
}

struct mail {
    struct cc_mail mail;
    int *freed;
};

static void free_mail(struct cc_mail *mail)
{
    ++*((struct mail *)mail)->freed;
    free(mail);
}

static struct cc_mail *make_mail(size_t size, int *freed)
{
    struct mail *mail = calloc(1, sizeof *mail);

    if (!mail)
        abort();
    mail->mail.free = free_mail;
    mail->mail.size = size;
    mail->freed = freed;
    return &mail->mail;
}

static void limits(void)
{
    struct ccaas_waker *waker = cc_waker_new();
    struct cc_mailbox box;
    struct cc_mail *mail;
    int freed = 0;
    bool resume;

    cc_mailbox_open(&box, waker, 10);
    CHECK(cc_mailbox_put(&box, make_mail(9, &freed), false));
    CHECK(!cc_mailbox_put(&box, make_mail(1, &freed), false));
    mail = cc_mailbox_take(&box, &resume);
    CHECK(resume);
    mail->free(mail);
    CHECK(!cc_mailbox_put(&box, make_mail(20, &freed), false));
    mail = cc_mailbox_take(&box, &resume);
    CHECK(!resume); /* 20 of 10 are left */
    mail->free(mail);
    cc_mailbox_shut(&box);
    CHECK_INT(freed, 3);
    CHECK(cc_mailbox_put(&box, make_mail(1, &freed), true));
    CHECK_INT(freed, 4);
    cc_mailbox_destroy(&box);
    cc_waker_release(waker);
}

static void news(void)
{
    struct ccaas_waker *waker = cc_waker_new();
    struct cc_mailbox box;
    int freed = 0;

    cc_mailbox_open(&box, waker, 10);
    cc_mailbox_quiet(&box, true);
    cc_waker_arm(waker);
    cc_mailbox_put(&box, make_mail(1, &freed), false);
    CHECK(!readable(waker));
    cc_mailbox_put(&box, make_mail(1, &freed), true);
    CHECK(readable(waker));
    cc_waker_disarm(waker);
    cc_mailbox_quiet(&box, false);
    cc_waker_arm(waker);
    cc_mailbox_put(&box, make_mail(1, &freed), false);
    CHECK(readable(waker));
    cc_mailbox_destroy(&box);
    CHECK_INT(freed, 3);
    cc_waker_release(waker);
}

#define MAILS 20000

static void *send_mails(void *self)
{
    static int freed;
    int i;

    for (i = 0; i < MAILS; i++)
        cc_mailbox_put(self, make_mail(1, &freed), i % 7 == 0);
    cc_mailbox_finish(self);
    cc_mailbox_put(self, make_mail(0, &freed), true);
    return NULL;
}

static void two_threads(void)
{
    struct ccaas_waker *waker = cc_waker_new();
    struct pollfd one = {.events = POLLIN};
    struct cc_mailbox box;
    struct cc_mail *mail;
    pthread_t sender;
    int got = 0;
    bool resume;

    cc_mailbox_open(&box, waker, 1000);
    pthread_create(&sender, NULL, send_mails, &box);
    while (got < MAILS + 1) {
        mail = cc_mailbox_take(&box, &resume);
        if (!mail) {
            cc_waker_arm(waker);
            mail = cc_mailbox_take(&box, &resume);
        }
        if (mail) {
            got++;
            mail->free(mail);
            continue;
        }
        one.fd = cc_waker_fd(waker);
        CHECK_INT(poll(&one, 1, 20000), 1);
        cc_waker_disarm(waker);
    }
    pthread_join(sender, NULL);
    CHECK(cc_mailbox_finished(&box));
    cc_mailbox_destroy(&box);
    cc_waker_release(waker);
}

int main(void)
{
    it("a waker that was armed keeps a wake, even before its descriptor is "
       "asked for",
       ring_before_fd);
    it("a waker that is not armed takes no notice of a wake", ring_unarmed);
    it("a waker that never was armed asks for a look", readable_at_first);
    it("a waker wakes those that follow, not for those that left", followers);
    it("a wake leaves its mark once until it is taken, in the order of the "
       "wakes; it goes with the one that left it",
       marks);
    it("a waker wakes those that follow its followers", followers_of_followers);
    it("a mailbox is full at its limit, goes on at half of it, and frees what "
       "is put after it is shut",
       limits);
    it("a quiet mailbox wakes for news only", news);
    it("no mail and no wake is lost between two threads", two_threads);
    return check_report();
}
