/* See fetch.h.  One thread; the slots own the handles and the buffers. */
#include "fetch.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BENCH_AHEAD = 8 };

struct slot {
    CURL *easy;
    char *bytes;
    size_t size, room;
    bool keep; /* else count only */
    bool done;
};

struct fetch {
    CURLM *multi;
    struct slot slots[BENCH_AHEAD];
    struct curl_slist *headers;
    const char *base, *metrics;
    int pages, started;
};

static size_t on_bytes(char *bytes, size_t one, size_t count, void *context)
{
    struct slot *slot = context;
    size_t size = one * count;
    if (slot->keep) {
        if (slot->size + size + 1 > slot->room) {
            curl_off_t whole = 0;
            curl_easy_getinfo(slot->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                              &whole);
            slot->room = slot->size + size + 1;
            if (whole >= (curl_off_t)slot->room) {
                slot->room = (size_t)whole + 1;
            }
            slot->bytes = realloc(slot->bytes, slot->room);
            if (!slot->bytes) {
                bench_fail("page", "out of memory");
            }
        }
        memcpy(slot->bytes + slot->size, bytes, size);
    }
    slot->size += size;
    return size;
}

static void start_next(struct fetch *fetch)
{
    if (fetch->started == fetch->pages) {
        return;
    }
    struct slot *slot = &fetch->slots[fetch->started % BENCH_AHEAD];
    char url[4096];
    snprintf(url, sizeof url, "%s/agents?metrics=%s&page=%d&size=1000",
             fetch->base, fetch->metrics, fetch->started++);
    slot->size = 0;
    slot->done = false;
    curl_easy_setopt(slot->easy, CURLOPT_URL, url);
    curl_multi_add_handle(fetch->multi, slot->easy);
}

static void open_slots(struct fetch *fetch, bool keep)
{
    for (int i = 0; i < BENCH_AHEAD; i++) {
        struct slot *slot = &fetch->slots[i];
        slot->keep = keep;
        slot->easy = curl_easy_init();
        if (!slot->easy) {
            bench_fail("curl", "no handle");
        }
        curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, on_bytes);
        curl_easy_setopt(slot->easy, CURLOPT_WRITEDATA, slot);
        curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
        curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, fetch->headers);
        curl_easy_setopt(slot->easy, CURLOPT_HTTP_VERSION,
                         CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(slot->easy, CURLOPT_CAINFO, bench_env("BENCH_CA"));
        curl_easy_setopt(slot->easy, CURLOPT_BUFFERSIZE, 128L * 1024);
        curl_easy_setopt(slot->easy, CURLOPT_FAILONERROR, 1L);
    }
}

static void collect(struct fetch *fetch)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(fetch->multi, &left))) {
        struct slot *slot = NULL;
        CURL *easy = message->easy_handle;
        if (message->data.result != CURLE_OK) {
            bench_fail("page", curl_easy_strerror(message->data.result));
        }
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&slot);
        curl_multi_remove_handle(fetch->multi, easy);
        slot->done = true;
    }
}

void bench_fetch(bench_page *take, void *context)
{
    struct fetch fetch = {
        .base = bench_env("BENCH_BASE"),
        .metrics = bench_env("BENCH_METRICS"),
        .pages = atoi(bench_env("BENCH_PAGES")),
    };
    char *spare = NULL;
    size_t spare_room = 0;
    int running;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    fetch.multi = curl_multi_init();
    fetch.headers =
        curl_slist_append(NULL, "Authorization: Bearer bench-token");
    open_slots(&fetch, take != NULL);
    for (int i = 0; i < BENCH_AHEAD; i++) {
        start_next(&fetch);
    }
    for (int page = 0; page < fetch.pages;) {
        struct slot *slot = &fetch.slots[page % BENCH_AHEAD];
        curl_multi_perform(fetch.multi, &running);
        collect(&fetch);
        if (!slot->done) {
            curl_multi_poll(fetch.multi, NULL, 0, 1000, NULL);
            continue;
        }
        /* The slot's next request leaves before its page is read. */
        char *bytes = slot->bytes;
        size_t size = slot->size, room = slot->room;
        slot->bytes = spare;
        slot->room = spare_room;
        slot->done = false;
        start_next(&fetch);
        curl_multi_perform(fetch.multi, &running);
        if (take) {
            bytes[size] = 0;
            take(context, bytes, size);
        }
        spare = bytes;
        spare_room = room;
        page++;
    }
    for (int i = 0; i < BENCH_AHEAD; i++) {
        curl_easy_cleanup(fetch.slots[i].easy);
        free(fetch.slots[i].bytes);
    }
    free(spare);
    curl_slist_free_all(fetch.headers);
    curl_multi_cleanup(fetch.multi);
}
