/* Which certificates a client trusts, by HTTP and by websocket alike. */
#ifndef CC_TRUST_H
#define CC_TRUST_H

#include "http.h"

/* The value of an environment variable, or NULL. */
typedef const char *cc_trust_environment(const char *name);

/* The option's file alone.  Without it SSL_CERT_FILE and SSL_CERT_DIR, each
 * instead of what is `found`, as OpenSSL and curl do. */
struct cc_http_trust cc_trust_choose(const char *option,
                                     cc_trust_environment *environment,
                                     struct cc_http_trust found);

/* The same, with this process's environment as it is now; valid until that
 * is changed. */
struct cc_http_trust cc_trust_for(const char *option);

#endif
