/* Which proxy a connection goes by: libcurl's rules, where libcurl is not
 * asked.
 *
 * PURE: the environment is an argument.
 */
#ifndef CC_PROXY_H
#define CC_PROXY_H

/* A variable of the environment, or NULL. */
typedef const char *cc_proxy_environment(const char *name);

#include <stddef.h>

/* The proxy for this ws://, wss://, http:// or https:// address; NULL: none.
 * `option` is what the user named ("": none at all; NULL: the environment's is
 * taken, and in clear none).  What `no_proxy` lists is reached without one. */
const char *cc_proxy_for(const char *url, const char *option,
                         cc_proxy_environment *environment);

/* Writes the proxy's host and port: not its user and password. */
void cc_proxy_name(char *to, size_t room, const char *proxy);

#endif
