/* See stream.h.  One thread, which owns everything. */
#include "stream.h"

#include <curl/curl.h>
#include <stdio.h>

struct stream {
    bench_take *take;
    void *context;
};

static size_t on_bytes(char *bytes, size_t one, size_t count, void *self)
{
    struct stream *stream = self;

    stream->take(stream->context, bytes, one * count);
    return one * count;
}

void bench_stream(bench_take *take, void *context)
{
    struct stream stream = {take, context};
    struct curl_slist *headers;
    char url[4096];
    CURLcode code;
    CURL *easy;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    easy = curl_easy_init();
    headers = curl_slist_append(NULL, "Authorization: Bearer bench-token");
    if (!easy || !headers)
        bench_fail("curl", "no handle");
    snprintf(url, sizeof url, "%s/rest/api/v2/recordings?%s",
             bench_env("BENCH_BASE"), bench_env("BENCH_QUERY"));
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &stream);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L * 1024);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    code = curl_easy_perform(easy);
    if (code != CURLE_OK)
        bench_fail("recordings", curl_easy_strerror(code));
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
}
