/* Which certificates a client trusts, by HTTP and by websocket alike. */
#ifndef CCAAS_TRUST_H
#define CCAAS_TRUST_H

#include "http.h"

/* Gives what an environment variable is set to, or NULL. */
typedef const char *ccaas_trust_environment(const char *name);

/* The option's file alone; without it SSL_CERT_FILE and SSL_CERT_DIR, each in
 * the place of what is `found`, as OpenSSL and curl have it. */
struct ccaas_http_trust ccaas_trust_choose(const char *option,
                                           ccaas_trust_environment *environment,
                                           struct ccaas_http_trust found);

/* The same, of this process as it is now; valid until its environment is
 * changed. */
struct ccaas_http_trust ccaas_trust_for(const char *option);

#endif
