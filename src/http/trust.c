/* Which certificates libcurl trusts: see http.h. */
#include <curl/curl.h>

#include "engine.h"

static struct cc_http_trust found;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What it answers are constants of its own. */
static void find(void)
{
    CURL *easy = curl_easy_init();
    char *file = NULL, *dir = NULL;

    if (!easy)
        return;
    curl_easy_getinfo(easy, CURLINFO_CAINFO, &file);
    curl_easy_getinfo(easy, CURLINFO_CAPATH, &dir);
    found = (struct cc_http_trust){file, dir};
    curl_easy_cleanup(easy);
}

struct cc_http_trust cc_http_trust(void)
{
    cc_http_process_prepare();
    pthread_once(&once, find);
    return found;
}
