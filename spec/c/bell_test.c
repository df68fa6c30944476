/* The wake descriptor and the mailbox, from one thread and from two. */
#include <poll.h>
#include <pthread.h>

#include "bell.h"
#include "check.h"
#include "mailbox.h"

static int readable(struct ccaas_bell *bell)
{
    struct pollfd one = {.fd = cc_bell_fd(bell), .events = POLLIN};

    return poll(&one, 1, 0) == 1;
}

static void ring_before_fd(void)
{
    struct ccaas_bell *bell = cc_bell_new();

    cc_bell_arm(bell);
    cc_bell_ring(bell);
    CHECK(readable(bell));
    cc_bell_disarm(bell);
    CHECK(!readable(bell));
    cc_bell_release(bell);
}

static void ring_unarmed(void)
{
    struct ccaas_bell *bell = cc_bell_new();

    cc_bell_arm(bell);
    cc_bell_fd(bell);
    cc_bell_disarm(bell);
    cc_bell_ring(bell);
    CHECK(!readable(bell));
    cc_bell_release(bell);
}

static void readable_at_first(void)
{
    struct ccaas_bell *bell = cc_bell_new();

    CHECK(readable(bell));
    cc_bell_disarm(bell);
    CHECK(!readable(bell));
    cc_bell_release(bell);
}

static void followers(void)
{
    struct ccaas_bell *leader = cc_bell_new(), *one = cc_bell_new(),
                      *two = cc_bell_new();

    CHECK(cc_bell_follow(leader, one));
    CHECK(cc_bell_follow(leader, one));
    CHECK(cc_bell_follow(leader, two));
    cc_bell_arm(one);
    cc_bell_arm(two);
    cc_bell_unfollow(leader, two);
    cc_bell_ring(leader);
    CHECK(readable(one));
    CHECK(!readable(two));
    cc_bell_release(leader);
    cc_bell_release(one);
    cc_bell_release(two);
}

static void marks(void)
{
    struct ccaas_bell *one = cc_bell_new(), *two = cc_bell_new(),
                      *follower = cc_bell_new();

    CHECK(cc_bell_follow_as(one, follower, 7));
    CHECK(cc_bell_follow_as(two, follower, 0));
    CHECK(cc_bell_mark(follower) == -1);
    cc_bell_ring(two);
    cc_bell_ring(one);
    cc_bell_ring(two);
    CHECK(cc_bell_mark(follower) == 0);
    CHECK(cc_bell_mark(follower) == 7);
    CHECK(cc_bell_mark(follower) == -1);
    cc_bell_ring(two);
    cc_bell_ring(one);
    CHECK(cc_bell_mark(follower) == 0);
    cc_bell_ring(two);
    cc_bell_unfollow(one, follower);
    cc_bell_release(one);
    CHECK(cc_bell_mark(follower) == 0);
    cc_bell_ring(two);
    cc_bell_release(two);
    CHECK(cc_bell_mark(follower) == -1);
    cc_bell_release(follower);
}

static void followers_of_followers(void)
{
    struct ccaas_bell *leader = cc_bell_new(), *one = cc_bell_new(),
                      *two = cc_bell_new();

    CHECK(cc_bell_follow(leader, one));
    CHECK(cc_bell_follow(one, two));
    cc_bell_arm(two);
    cc_bell_ring(leader);
    CHECK(readable(two));
    cc_bell_release(leader);
    cc_bell_release(one);
    cc_bell_release(two);
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
    struct ccaas_bell *bell = cc_bell_new();
    struct cc_mailbox box;
    struct cc_mail *mail;
    int freed = 0;
    bool resume;

    cc_mailbox_open(&box, bell, 10);
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
    cc_bell_release(bell);
}

static void news(void)
{
    struct ccaas_bell *bell = cc_bell_new();
    struct cc_mailbox box;
    int freed = 0;

    cc_mailbox_open(&box, bell, 10);
    cc_mailbox_quiet(&box, true);
    cc_bell_arm(bell);
    cc_mailbox_put(&box, make_mail(1, &freed), false);
    CHECK(!readable(bell));
    cc_mailbox_put(&box, make_mail(1, &freed), true);
    CHECK(readable(bell));
    cc_bell_disarm(bell);
    cc_mailbox_quiet(&box, false);
    cc_bell_arm(bell);
    cc_mailbox_put(&box, make_mail(1, &freed), false);
    CHECK(readable(bell));
    cc_mailbox_destroy(&box);
    CHECK_INT(freed, 3);
    cc_bell_release(bell);
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
    struct ccaas_bell *bell = cc_bell_new();
    struct pollfd one = {.events = POLLIN};
    struct cc_mailbox box;
    struct cc_mail *mail;
    pthread_t sender;
    int got = 0;
    bool resume;

    cc_mailbox_open(&box, bell, 1000);
    pthread_create(&sender, NULL, send_mails, &box);
    while (got < MAILS + 1) {
        mail = cc_mailbox_take(&box, &resume);
        if (!mail) {
            cc_bell_arm(bell);
            mail = cc_mailbox_take(&box, &resume);
        }
        if (mail) {
            got++;
            mail->free(mail);
            continue;
        }
        one.fd = cc_bell_fd(bell);
        CHECK_INT(poll(&one, 1, 20000), 1);
        cc_bell_disarm(bell);
    }
    pthread_join(sender, NULL);
    CHECK(cc_mailbox_finished(&box));
    cc_mailbox_destroy(&box);
    cc_bell_release(bell);
}

int main(void)
{
    it("a bell that was armed keeps a ring, even before its descriptor is "
       "asked for",
       ring_before_fd);
    it("a bell that is not armed takes no notice of a ring", ring_unarmed);
    it("a bell that never was armed asks for a look", readable_at_first);
    it("a bell rings for those that follow, not for those that left",
       followers);
    it("a ring leaves its mark once until it is taken, in the order of the "
       "rings; it goes with whoever rang",
       marks);
    it("a bell rings for those that follow its followers",
       followers_of_followers);
    it("a mailbox is full at its limit, goes on at half of it, and frees what "
       "is put after it is shut",
       limits);
    it("a quiet mailbox rings for news only", news);
    it("no mail and no ring is lost between two threads", two_threads);
    return check_report();
}
