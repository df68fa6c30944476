/* Is the token fresh, and who asks for the next one.
 *
 * PURE: time is an argument (monotonic seconds).  One struct per set of
 * credentials; used from one thread.  The token itself is kept by the owner of
 * the struct, under the generation that it came with; nothing here allocates.
 */
#ifndef CC_TOKEN_LIFE_H
#define CC_TOKEN_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#define CC_TOKEN_LIFE_DEFAULT                                                  \
    1800.0                         /* of a token that does not say, seconds    \
                                    */
#define CC_TOKEN_LIFE_MOST 86400.0 /* a longer lifetime is not believed */
#define CC_TOKEN_LIFE_MARGIN 60.0  /* renewed so long before its end, ... */
#define CC_TOKEN_LIFE_MARGIN_PART                                              \
    0.1 /* ... or this part of its lifetime if less */
#define CC_TOKEN_LIFE_DENIAL                                                   \
    5.0 /* wrong credentials are remembered so long                            \
         */

enum cc_token_life_state {
    CC_TOKEN_LIFE_HAVE,  /* there is a fresh token: use it */
    CC_TOKEN_LIFE_ASK,   /* you are to ask for one, now; others will wait */
    CC_TOKEN_LIFE_WAIT,  /* somebody is asking */
    CC_TOKEN_LIFE_DENIED /* the credentials were refused a moment ago */
};

struct cc_token_life {
    bool held;           /* there is a token, fresh or not */
    bool asking;         /* somebody is asking for one */
    uint64_t generation; /* counts the tokens: 0 before the first */
    double asked_at;     /* when the one who asks began */
    double lifetime;     /* of the newest token, counted from then */
    double fresh_until;  /* the token that is held is used before this only */
    double denied_until; /* the credentials are not tried before */
};

/* No token yet, and nobody asks. */
void cc_token_life_start(struct cc_token_life *life);

/* What to do to have a token.  ASK makes the caller the one who asks: it must
 * then call exactly one of granted, denied, failed, even when it is cancelled;
 * until then everybody else is told WAIT.  A fresh token is HAVE for all. */
enum cc_token_life_state cc_token_life_need(struct cc_token_life *life,
                                            double now);

/* The token arrived: the generation goes up by one.  `lifetime`: seconds it
 * lives, counted from the moment of asking (the same `now` that
 * cc_token_life_need was given); <= 0 or not a number: it did not say.  The
 * token is fresh until its lifetime, less the margin, is over: of a very short
 * lifetime, that can be at once, and whoever asked should use the token all the
 * same. */
void cc_token_life_granted(struct cc_token_life *life, double lifetime);

/* A token that somebody else asked for: it lives `left` seconds more, of
 * `lifetime` in all.  Who was asking asks no more.  False: it is not fresh, and
 * nothing happened. */
bool cc_token_life_found(struct cc_token_life *life, double now, double left,
                         double lifetime);

/* The credentials are wrong: nobody asks again for `seconds`, at most
 * CC_TOKEN_LIFE_DENIAL. */
void cc_token_life_denied(struct cc_token_life *life, double now,
                          double seconds);

/* No answer could be had: the next one who needs a token asks again. */
void cc_token_life_failed(struct cc_token_life *life);

/* The API refused the token of that generation.  The token is thrown away if
 * it is still the newest one; if a newer one is there, nothing happens.  Who
 * asks for one already goes on asking. */
void cc_token_life_refused(struct cc_token_life *life, uint64_t generation);

#endif
