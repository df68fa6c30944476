/* Where a websocket or a proxy is: URLs taken apart.  No threads. */
#ifndef CC_ADDRESS_H
#define CC_ADDRESS_H

#include <stdbool.h>

struct cc_address {
    bool tls;
    char *host; /* without brackets */
    bool ipv6;  /* the host is a number of that kind */
    int port;
    bool usual; /* it is the scheme's own port */
    char *path; /* with the query; a proxy's: "user:password", or NULL */
};

/* What those below give when memory is out: this very text. */
extern const char cc_address_no_memory[];

/* Takes a ws:// or wss:// URL apart.  NULL, or why it cannot be used (words
 * that do not show it). */
const char *cc_address_parse(struct cc_address *address, const char *url);

/* The same for a proxy: "[http://][user[:password]@]host[:port]". */
const char *cc_address_proxy(struct cc_address *address, const char *proxy);

/* Wipes and frees what it holds. */
void cc_address_clear(struct cc_address *address);

/* Wipes and frees a string; NULL is fine. */
void cc_address_forget(char *text);

#endif
