/* A call's own copy of its plan.  Everything that the plan points to is in
 * one piece of memory: first the pointers of the lists, then the bytes. */
#include <stdlib.h>
#include <string.h>

#include "call.h"

/* Copies a string into the plan's memory. */
static const char *keep(char **at, const char *text)
{
    char *copy = *at;

    if (!text)
        return NULL;
    *at = stpcpy(copy, text) + 1;
    return copy;
}

static size_t list_size(const char *const *list, size_t *count)
{
    size_t bytes = 0;

    for (*count = 0; list && list[*count]; ++*count)
        bytes += strlen(list[*count]) + 1;
    return bytes;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

bool cc_call_plan_copy(struct ccaas_call *call,
                       const struct ccaas_call_plan *plan)
{
    struct ccaas_call_plan *own = &call->plan;
    size_t headers, names, i;
    size_t bytes = list_size(plan->headers, &headers) +
                   list_size(plan->page_headers, &names) +
                   text_size(plan->method) + text_size(plan->key) +
                   text_size(plan->pace) + text_size(plan->page_name) +
                   text_size(plan->size_name) + plan->content_length + 1;
    const char **lists;
    char *at;

    for (i = 0; i < plan->url_count; i++)
        bytes += strlen(plan->urls[i]) + 1;
    call->memory = malloc(
        (plan->url_count + headers + names + 2) * sizeof(const char *) + bytes);
    if (!call->memory)
        return false;
    *own = *plan;
    lists = (const char **)(void *)call->memory;
    at = call->memory +
         (plan->url_count + headers + names + 2) * sizeof(const char *);
    own->urls = lists;
    for (i = 0; i < plan->url_count; i++)
        *lists++ = keep(&at, plan->urls[i]);
    own->headers = lists;
    for (i = 0; i < headers; i++)
        *lists++ = keep(&at, plan->headers[i]);
    *lists++ = NULL;
    own->page_headers = lists;
    for (i = 0; i < names; i++)
        *lists++ = keep(&at, plan->page_headers[i]);
    *lists = NULL;
    own->method = keep(&at, plan->method);
    own->key = keep(&at, plan->key);
    own->page_name = keep(&at, plan->page_name);
    own->size_name = keep(&at, plan->size_name);
    own->pace = keep(&at, plan->pace);
    if (plan->content)
        own->content = memcpy(at, plan->content, plan->content_length);
    return true;
}
