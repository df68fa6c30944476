/* Who requests a token, and until when it is fresh.  PURE: see token_life.h. */
#include "token_life.h"

#include <math.h>

void cc_token_life_start(struct cc_token_life *life)
{
    *life = (struct cc_token_life){
        .fresh_until = -INFINITY,
        .denied_until = -INFINITY,
    };
}

enum cc_token_life_state cc_token_life_need(struct cc_token_life *life,
                                            double now)
{
    if (life->held && now < life->fresh_until) {
        return CC_TOKEN_LIFE_HAVE;
    }
    if (life->asking) {
        return CC_TOKEN_LIFE_WAIT;
    }
    if (now < life->denied_until) {
        return CC_TOKEN_LIFE_DENIED;
    }
    life->asking = true;
    life->asked_at = now;
    return CC_TOKEN_LIFE_ASK;
}

static double margin(double lifetime)
{
    return fmin(CC_TOKEN_LIFE_MARGIN, CC_TOKEN_LIFE_MARGIN_PART * lifetime);
}

void cc_token_life_granted(struct cc_token_life *life, double lifetime)
{
    if (!(lifetime > 0)) { /* NaN as well */
        lifetime = CC_TOKEN_LIFE_DEFAULT;
    }
    lifetime = fmin(lifetime, CC_TOKEN_LIFE_MOST);
    life->held = true;
    life->asking = false;
    life->generation++;
    life->lifetime = lifetime;
    life->fresh_until = life->asked_at + lifetime - margin(lifetime);
    life->denied_until = -INFINITY;
}

bool cc_token_life_found(struct cc_token_life *life, double now, double left,
                         double lifetime)
{
    if (!(lifetime > 0) || !(left > 0))
        return false;
    lifetime = fmin(lifetime, CC_TOKEN_LIFE_MOST);
    left = fmin(left, lifetime);
    if (left <= margin(lifetime))
        return false;
    life->held = true;
    life->asking = false;
    life->generation++;
    life->asked_at = now + left - lifetime;
    life->lifetime = lifetime;
    life->fresh_until = now + left - margin(lifetime);
    life->denied_until = -INFINITY;
    return true;
}

void cc_token_life_denied(struct cc_token_life *life, double now,
                          double seconds)
{
    life->held = false;
    life->asking = false;
    life->denied_until = now + fmin(seconds, CC_TOKEN_LIFE_DENIAL);
}

void cc_token_life_failed(struct cc_token_life *life)
{
    life->asking = false;
}

void cc_token_life_refused(struct cc_token_life *life, uint64_t generation)
{
    if (generation == life->generation) {
        life->held = false;
    }
}
