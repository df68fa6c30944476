/* Which certificates are trusted. */
#include "trust_choice.h"

#include "check.h"

#include <stdlib.h>
#include <unistd.h>

static const char *file, *dir;

static const char *environment(const char *name)
{
    if (strcmp(name, "SSL_CERT_FILE") == 0)
        return file;
    return strcmp(name, "SSL_CERT_DIR") == 0 ? dir : NULL;
}

static const struct cc_http_trust found = {"/found.pem", "/found"};

static void option_alone(void)
{
    struct cc_http_trust trust;

    file = "/env.pem";
    dir = "/env";
    trust = cc_trust_choose("/own.pem", environment, found);
    CHECK_STR(trust.file, "/own.pem");
    CHECK(!trust.dir);
    CHECK_STR(cc_trust_for("/own.pem").file, "/own.pem");
    CHECK(!cc_trust_for("/own.pem").dir);
}

static void environment_first(void)
{
    struct cc_http_trust trust;

    file = "/env.pem";
    dir = "/env";
    trust = cc_trust_choose(NULL, environment, found);
    CHECK_STR(trust.file, "/env.pem");
    CHECK_STR(trust.dir, "/env");
    dir = "";
    trust = cc_trust_choose(NULL, environment, found);
    CHECK_STR(trust.file, "/env.pem");
    CHECK_STR(trust.dir, "/found");
    file = NULL;
    dir = "/env";
    trust = cc_trust_choose(NULL, environment, found);
    CHECK_STR(trust.file, "/found.pem");
    CHECK_STR(trust.dir, "/env");
}

/* A websocket trusted what OpenSSL was built to trust, which is nothing where
 * the host process brings an OpenSSL of its own. */
static void what_libcurl_finds(void)
{
    struct cc_http_trust trust;

    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    trust = cc_trust_for(NULL);
    CHECK(trust.file || trust.dir);
    CHECK(!trust.file || access(trust.file, F_OK) == 0);
}

int main(void)
{
    it("is the option's file alone", option_alone);
    it("is what the environment says, each in its place", environment_first);
    it("is what libcurl finds otherwise", what_libcurl_finds);
    return check_report();
}
