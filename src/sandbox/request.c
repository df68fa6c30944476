/*
 * request.c: where a request ends in a run of bytes.  Only what decides that
 * is read here; the rest is the vendor's business, in Lua.  Pure.
 */
#include "sandbox.h"

#include <string.h>

/* Is it that name (in lower case), whatever its case, in every locale? */
static int is_name(const char *text, const char *name, size_t size)
{
    for (; size; size--, text++, name++)
        if ((*text >= 'A' && *text <= 'Z' ? *text + ('a' - 'A') : *text) !=
            *name)
            return 0;
    return 1;
}

/* The value of a header line, or NULL when the line is another header. */
static const char *value_of(const char *line, const char *end, const char *name)
{
    size_t size = strlen(name);
    if ((size_t)(end - line) <= size || line[size] != ':' ||
        !is_name(line, name, size))
        return NULL;
    line += size + 1;
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    return line;
}

static const char *read_length(const char *from, const char *end,
                               size_t *length)
{
    size_t n = 0;
    const char *at = from;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        n = n * 10 + (size_t)(*at - '0');
        if (n > CC_SANDBOX_MAX_BODY)
            return "413";
    }
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    if (at == from || at != end)
        return "400";
    *length = n;
    return NULL;
}

static void read_head(struct cc_sandbox_request *request, const char *bytes)
{
    const char *end = bytes + request->head_size - 2;
    const char *line = bytes;
    while (line < end) {
        const char *stop = memchr(line, '\r', (size_t)(end - line));
        if (!stop)
            break;
        const char *value = value_of(line, stop, "content-length");
        if (value)
            request->problem = read_length(value, stop, &request->body_size);
        else if (value_of(line, stop, "transfer-encoding"))
            request->problem = "411";
        if (request->problem)
            return;
        line = stop + 2;
    }
}

bool cc_sandbox_request_whole(struct cc_sandbox_request *request,
                              const char *bytes, size_t size)
{
    if (!request->head_size) {
        size_t from = request->searched > 3 ? request->searched - 3 : 0;
        const char *end = memmem(bytes + from, size - from, "\r\n\r\n", 4);
        request->searched = size;
        if (!end && size <= CC_SANDBOX_MAX_HEAD)
            return false;
        request->head_size = end ? (size_t)(end - bytes) + 4 : size;
        if (request->head_size > CC_SANDBOX_MAX_HEAD)
            request->problem = "431";
        else
            read_head(request, bytes);
    }
    return request->problem || size - request->head_size >= request->body_size;
}
