/* Who asks for a token, and until when it is fresh.  PURE: see auth.h. */
#include "auth.h"

#include <math.h>

void ccaas_auth_start(struct ccaas_auth *auth)
{
    *auth = (struct ccaas_auth){
        .fresh_until = -INFINITY,
        .denied_until = -INFINITY,
    };
}

enum ccaas_auth_state ccaas_auth_need(struct ccaas_auth *auth, double now)
{
    if (auth->held && now < auth->fresh_until) {
        return CCAAS_AUTH_HAVE;
    }
    if (auth->asking) {
        return CCAAS_AUTH_WAIT;
    }
    if (now < auth->denied_until) {
        return CCAAS_AUTH_DENIED;
    }
    auth->asking = true;
    auth->asked_at = now;
    return CCAAS_AUTH_ASK;
}

static double margin(double life)
{
    return fmin(CCAAS_AUTH_MARGIN, CCAAS_AUTH_MARGIN_PART * life);
}

void ccaas_auth_granted(struct ccaas_auth *auth, double life)
{
    if (!(life > 0)) { /* NaN as well */
        life = CCAAS_AUTH_LIFE;
    }
    life = fmin(life, CCAAS_AUTH_LIFE_MOST);
    auth->held = true;
    auth->asking = false;
    auth->generation++;
    auth->life = life;
    auth->fresh_until = auth->asked_at + life - margin(life);
    auth->denied_until = -INFINITY;
}

bool ccaas_auth_found(struct ccaas_auth *auth, double now, double left,
                      double life)
{
    if (!(life > 0) || !(left > 0))
        return false;
    life = fmin(life, CCAAS_AUTH_LIFE_MOST);
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

void ccaas_auth_denied(struct ccaas_auth *auth, double now, double seconds)
{
    auth->held = false;
    auth->asking = false;
    auth->denied_until = now + fmin(seconds, CCAAS_AUTH_DENIAL);
}

void ccaas_auth_failed(struct ccaas_auth *auth)
{
    auth->asking = false;
}

void ccaas_auth_refused(struct ccaas_auth *auth, uint64_t generation)
{
    if (generation == auth->generation) {
        auth->held = false;
    }
}
