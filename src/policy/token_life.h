/* Is the token fresh, and who asks for the next one.
 *
 * PURE: time is an argument (monotonic seconds).  One struct per set of
 * credentials; used from one thread.  The token itself is kept by the owner of
 * the struct, under the generation that it came with; nothing here allocates.
 */
#ifndef CC_AUTH_H
#define CC_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#define CC_AUTH_LIFE 1800.0       /* of a token that does not say, seconds */
#define CC_AUTH_LIFE_MOST 86400.0 /* a longer life is not believed */
#define CC_AUTH_MARGIN 60.0       /* renewed so long before its end, ... */
#define CC_AUTH_MARGIN_PART 0.1   /* ... or this part of its life if less */
#define CC_AUTH_DENIAL 5.0        /* wrong credentials are remembered so long */

enum cc_auth_state {
    CC_AUTH_HAVE,  /* there is a fresh token: use it */
    CC_AUTH_ASK,   /* you are to ask for one, now; others will wait */
    CC_AUTH_WAIT,  /* somebody is asking */
    CC_AUTH_DENIED /* the credentials were refused a moment ago */
};

struct cc_auth {
    bool held;           /* there is a token, fresh or not */
    bool asking;         /* somebody is asking for one */
    uint64_t generation; /* counts the tokens: 0 before the first */
    double asked_at;     /* when the one who asks began */
    double life;         /* of the newest token, counted from then */
    double fresh_until;  /* the token that is held is used before this only */
    double denied_until; /* the credentials are not tried before */
};

/* No token yet, and nobody asks. */
void cc_auth_start(struct cc_auth *auth);

/* What to do to have a token.  ASK makes the caller the one who asks: it must
 * then call exactly one of granted, denied, failed, even when it is cancelled;
 * until then everybody else is told WAIT.  A fresh token is HAVE for all. */
enum cc_auth_state cc_auth_need(struct cc_auth *auth, double now);

/* The token arrived: the generation goes up by one.  `life`: seconds it lives,
 * counted from the moment of asking (the same `now` that cc_auth_need was
 * given); <= 0 or not a number: it did not say.  The token is fresh until its
 * life, less the margin, is over: of a very short life, that can be at once,
 * and whoever asked should use the token all the same. */
void cc_auth_granted(struct cc_auth *auth, double life);

/* A token that somebody else asked for: it lives `left` seconds more, of `life`
 * in all.  Who was asking asks no more.  False: it is not fresh, and nothing
 * happened. */
bool cc_auth_found(struct cc_auth *auth, double now, double left, double life);

/* The credentials are wrong: nobody asks again for `seconds`, at most
 * CC_AUTH_DENIAL. */
void cc_auth_denied(struct cc_auth *auth, double now, double seconds);

/* No answer could be had: the next one who needs a token asks again. */
void cc_auth_failed(struct cc_auth *auth);

/* The API refused the token of that generation.  The token is thrown away if
 * it is still the newest one; if a newer one is there, nothing happens.  Who
 * asks for one already goes on asking. */
void cc_auth_refused(struct cc_auth *auth, uint64_t generation);

#endif
