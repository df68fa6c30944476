/* Time slices: a fair client's takes return after a millisecond, so that the
 * host's event loop can serve others. */
#include <limits.h>

#include "clock.h"
#include "context.h"

bool ccaas_client_due(struct ccaas_client *client)
{
    struct ccaas_engine *engine = client->engine;
    double now;

    if (!client->fair)
        return false;
    now = cc_clock_now();
    if (engine->turned) {
        engine->turn = now;
        engine->looks = 0;
    }
    engine->turned =
        !engine->turned && (++engine->looks >= CCAAS_CLIENT_LOOKS ||
                            now - engine->turn >= CCAAS_CLIENT_TURN);
    return engine->turned;
}

void ccaas_client_rested(struct ccaas_client *client)
{
    client->engine->turned = true;
}
