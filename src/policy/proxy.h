/* Which proxy a connection uses: libcurl's rules, for connections that are not
 * libcurl's.
 *
 * PURE: the environment is an argument.
 */
#ifndef CC_PROXY_H
#define CC_PROXY_H

/* A variable of the environment, or NULL. */
typedef const char *cc_proxy_environment(const char *name);

#include <stddef.h>

/* The proxy for this ws://, wss://, http:// or https:// address; NULL: none.
 * `option` is the user's ("": none at all; NULL: the environment's, and none
 * for unencrypted connections).  Hosts in `no_proxy` are reached without a
 * proxy. */
const char *cc_proxy_for(const char *url, const char *option,
                         cc_proxy_environment *environment);

/* Writes the proxy's host and port, without its user and password. */
void cc_proxy_name(char *to, size_t room, const char *proxy);

#endif
