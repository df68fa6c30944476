/* Who asks for a token, and until when it is fresh.  PURE: see token_life.h. */
#include "token_life.h"

#include <math.h>

void cc_auth_start(struct cc_auth *auth)
{
    *auth = (struct cc_auth){
        .fresh_until = -INFINITY,
        .denied_until = -INFINITY,
    };
}

enum cc_auth_state cc_auth_need(struct cc_auth *auth, double now)
{
    if (auth->held && now < auth->fresh_until) {
        return CC_AUTH_HAVE;
    }
    if (auth->asking) {
        return CC_AUTH_WAIT;
    }
    if (now < auth->denied_until) {
        return CC_AUTH_DENIED;
    }
    auth->asking = true;
    auth->asked_at = now;
    return CC_AUTH_ASK;
}

static double margin(double life)
{
    return fmin(CC_AUTH_MARGIN, CC_AUTH_MARGIN_PART * life);
}

void cc_auth_granted(struct cc_auth *auth, double life)
{
    if (!(life > 0)) { /* NaN as well */
        life = CC_AUTH_LIFE;
    }
    life = fmin(life, CC_AUTH_LIFE_MOST);
    auth->held = true;
    auth->asking = false;
    auth->generation++;
    auth->life = life;
    auth->fresh_until = auth->asked_at + life - margin(life);
    auth->denied_until = -INFINITY;
}

bool cc_auth_found(struct cc_auth *auth, double now, double left, double life)
{
    if (!(life > 0) || !(left > 0))
        return false;
    life = fmin(life, CC_AUTH_LIFE_MOST);
    left = fmin(left, life);
    if (left <= margin(life))
        return false;
    auth->held = true;
    auth->asking = false;
    auth->generation++;
    auth->asked_at = now + left - life;
    auth->life = life;
    auth->fresh_until = now + left - margin(life);
    auth->denied_until = -INFINITY;
    return true;
}

void cc_auth_denied(struct cc_auth *auth, double now, double seconds)
{
    auth->held = false;
    auth->asking = false;
    auth->denied_until = now + fmin(seconds, CC_AUTH_DENIAL);
}

void cc_auth_failed(struct cc_auth *auth)
{
    auth->asking = false;
}

void cc_auth_refused(struct cc_auth *auth, uint64_t generation)
{
    if (generation == auth->generation) {
        auth->held = false;
    }
}
