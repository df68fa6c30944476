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

void ccaas_auth_granted(struct ccaas_auth *auth, double life)
{
    if (!(life > 0)) { /* NaN as well */
        life = CCAAS_AUTH_LIFE;
    }
    life = fmin(life, CCAAS_AUTH_LIFE_MOST);
    auth->held = true;
    auth->asking = false;
    auth->generation++;
    auth->fresh_until = auth->asked_at + life -
                        fmin(CCAAS_AUTH_MARGIN, CCAAS_AUTH_MARGIN_PART * life);
    auth->denied_until = -INFINITY;
}

void ccaas_auth_denied(struct ccaas_auth *auth, double now)
{
    auth->held = false;
    auth->asking = false;
    auth->denied_until = now + CCAAS_AUTH_DENIAL;
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
