/* Which certificates a client trusts, by HTTP and by websocket alike. */
#ifndef CC_TRUST_H
#define CC_TRUST_H

#include "http.h"

/* Gives what an environment variable is set to, or NULL. */
typedef const char *cc_trust_environment(const char *name);

/* The option's file alone; without it SSL_CERT_FILE and SSL_CERT_DIR, each in
 * the place of what is `found`, as OpenSSL and curl have it. */
struct cc_http_trust cc_trust_choose(const char *option,
                                     cc_trust_environment *environment,
                                     struct cc_http_trust found);

/* The same, of this process as it is now; valid until its environment is
 * changed. */
struct cc_http_trust cc_trust_for(const char *option);

#endif
