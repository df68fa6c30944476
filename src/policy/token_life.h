/* Is the token fresh, and who requests the next one?
 *
 * PURE: time is an argument (monotonic seconds).  One struct for each set of
 * credentials; used from one thread.  The owner of the struct keeps the
 * token itself, by its generation; nothing here allocates.
 */
#ifndef CC_TOKEN_LIFE_H
#define CC_TOKEN_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#define CC_TOKEN_LIFE_DEFAULT                                                  \
    1800.0                         /* of a token that does not say, seconds    \
                                    */
#define CC_TOKEN_LIFE_MOST 86400.0 /* a longer lifetime is not believed */
#define CC_TOKEN_LIFE_MARGIN 60.0  /* renewed so long before it expires, ... */
#define CC_TOKEN_LIFE_MARGIN_PART                                              \
    0.1 /* ... or this part of its lifetime if less */
#define CC_TOKEN_LIFE_DENIAL                                                   \
    5.0 /* wrong credentials are remembered so long                            \
         */

enum cc_token_life_state {
    CC_TOKEN_LIFE_HAVE,  /* there is a fresh token: use it */
    CC_TOKEN_LIFE_ASK,   /* request one now; others will wait */
    CC_TOKEN_LIFE_WAIT,  /* it is being requested */
    CC_TOKEN_LIFE_DENIED /* the credentials were refused a moment ago */
};

struct cc_token_life {
    bool held;           /* there is a token, fresh or not */
    bool asking;         /* one is being requested */
    uint64_t generation; /* counts the tokens: 0 before the first */
    double asked_at;     /* when the request began */
    double lifetime;     /* of the newest token, counted from then */
    double fresh_until;  /* the token that is held is used before this only */
    double denied_until; /* the credentials are not tried earlier */
};

/* No token yet, and no request. */
void cc_token_life_start(struct cc_token_life *life);

/* What to do to get a token.  After ASK the caller requests one, and must
 * then call exactly one of granted, denied and failed, even if it is
 * cancelled.  Until then all others get WAIT.  With a fresh token all get
 * HAVE. */
enum cc_token_life_state cc_token_life_need(struct cc_token_life *life,
                                            double now);

/* The token arrived: the generation goes up by one.  `lifetime`: seconds it
 * lives, counted from the request (the `now` of cc_token_life_need); <= 0 or
 * not a number: the server did not say.  The token is fresh until its
 * lifetime, less the margin, is over.  With a very short lifetime that is at
 * once; the caller should use the token once all the same. */
void cc_token_life_granted(struct cc_token_life *life, double lifetime);

/* A token that another engine requested: it lives `left` seconds more, of
 * `lifetime` in all.  Ends the request under way.  False: it is not fresh,
 * and nothing happens. */
bool cc_token_life_found(struct cc_token_life *life, double now, double left,
                         double lifetime);

/* The credentials are wrong: no request for `seconds`, at most
 * CC_TOKEN_LIFE_DENIAL. */
void cc_token_life_denied(struct cc_token_life *life, double now,
                          double seconds);

/* There was no answer: the next caller that needs a token requests one. */
void cc_token_life_failed(struct cc_token_life *life);

/* The API refused the token of that generation.  It is dropped if it is the
 * newest one; if there is a newer one, nothing happens.  A request under way
 * goes on. */
void cc_token_life_refused(struct cc_token_life *life, uint64_t generation);

#endif
