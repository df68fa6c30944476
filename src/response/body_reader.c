/* The body of one attempt's response: see body_reader.h. */
#include "body_reader.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "check.h"
#include "clock.h"
#include "error.h"
#include "ogg.h"

struct cc_body_reader {
    atomic_int references;
    struct cc_mailbox box;

    /* All below belongs to the http thread. */
    enum ccaas_body body;
    enum ccaas_format format;
    struct cc_ogg ogg; /* followed where the body has an open end */
    bool open_end;
    bool filled; /* a byte of the body came */
    char *key;
    uint64_t max_body;
    bool patient; /* 202 has no body that counts */
    struct cc_split split;
    struct cc_block *open;   /* filled now; NULL: none */
    size_t fed;              /* bytes of it that the splitter has seen */
    struct cc_buffer error;  /* body of an answer that is no 2xx */
    struct cc_end_mail *end; /* made early: it must not fail */
    int status;
    bool no_memory;
};

static void free_mail(struct cc_mail *mail)
{
    free(mail);
}

static void free_end(struct cc_mail *mail)
{
    free(((struct cc_end_mail *)mail)->body);
    free(mail);
}

static bool splits(const struct cc_body_reader *reader)
{
    return reader->body != CCAAS_BODY_WHOLE &&
           reader->body != CCAAS_BODY_JSON && reader->body != CCAAS_BODY_CHUNKS;
}

struct cc_body_reader *cc_body_reader_new(const struct ccaas_call_plan *plan,
                                          struct ccaas_waker *waker,
                                          size_t limit)
{
    static const enum cc_split_kind kinds[] = {
        [CCAAS_BODY_WHOLE] = CC_SPLIT_WHOLE,
        [CCAAS_BODY_JSON] = CC_SPLIT_WHOLE,
        [CCAAS_BODY_ARRAY] = CC_SPLIT_ARRAY,
        [CCAAS_BODY_ARRAY_OR_KEY] = CC_SPLIT_ARRAY_OR_KEY,
        [CCAAS_BODY_ARRAY_OR_ONE] = CC_SPLIT_ARRAY_OR_ONE,
        [CCAAS_BODY_CHUNKS] = CC_SPLIT_WHOLE,
    };
    struct cc_body_reader *reader = calloc(1, sizeof *reader);
    bool failed = !reader;

    if (failed)
        return NULL;
    atomic_init(&reader->references, 2);
    reader->end = calloc(1, sizeof *reader->end);
    reader->key = cc_copy(plan->key, &failed);
    if (!reader->end || failed) {
        free(reader->end);
        free(reader->key);
        free(reader);
        return NULL;
    }
    reader->end->mail.kind = CC_MAIL_END;
    reader->end->mail.free = free_end;
    reader->body = plan->body;
    reader->format = plan->format;
    reader->max_body = plan->max_body;
    reader->patient = plan->patient;
    if (plan->format == CCAAS_FORMAT_JSON)
        cc_split_start(&reader->split, CC_SPLIT_CHECK, NULL, UINT64_MAX);
    else
        cc_split_start(&reader->split, kinds[plan->body], reader->key,
                       plan->max_record);
    cc_ogg_start(&reader->ogg);
    if (!plan->paged && limit > CC_BODY_AHEAD)
        limit = CC_BODY_AHEAD;
    cc_mailbox_open(&reader->box, waker, limit);
    return reader;
}

static void let_go(struct cc_body_reader *reader)
{
    if (atomic_fetch_sub(&reader->references, 1) != 1)
        return;
    cc_mailbox_destroy(&reader->box);
    free(reader->open);
    free(reader->end);
    free(reader->key);
    cc_buffer_free(&reader->error);
    free(reader);
}

void cc_body_reader_release(struct cc_body_reader *reader)
{
    if (!reader)
        return;
    cc_mailbox_shut(&reader->box);
    let_go(reader);
}

void cc_body_reader_unsent(struct cc_body_reader *reader)
{
    let_go(reader);
}

struct cc_mailbox *cc_body_reader_box(struct cc_body_reader *reader)
{
    return &reader->box;
}

bool cc_head_mail_keep(const struct cc_head_mail *mail, char **to,
                       size_t *length)
{
    char *copy = malloc(mail->length + 1);

    if (!copy)
        return false;
    memcpy(copy, mail->headers, mail->length);
    free(*to);
    *to = copy;
    *length = mail->length;
    return true;
}

/* -- On the http thread ---------------------------------------------------- */

/* Is this the answer that was requested? */
static bool is_good(const struct cc_body_reader *reader)
{
    return reader->status >= 200 && reader->status <= 299 &&
           !(reader->patient && reader->status == 202);
}

/* Makes room for `length` more bytes in the open block. */
static bool make_room(struct cc_body_reader *reader, size_t length)
{
    struct cc_block *block = reader->open;
    size_t need = (block ? block->length : 0) + length;
    size_t room = block ? block->room : CC_BODY_BLOCK;
    struct cc_block *grown;

    if (block && need <= room)
        return true;
    while (room < need)
        room *= 2;
    grown = realloc(block, sizeof *grown + room);
    if (!grown)
        return false;
    if (!block) {
        memset(grown, 0, sizeof *grown);
        grown->mail.kind = CC_MAIL_BLOCK;
        grown->mail.free = free_mail;
        grown->base = reader->split.offset;
        reader->fed = 0;
    }
    grown->room = room;
    reader->open = grown;
    return true;
}

static bool append(struct cc_body_reader *reader, const char *bytes,
                   size_t length)
{
    if (!make_room(reader, length)) {
        reader->no_memory = true;
        return false;
    }
    memcpy(reader->open->bytes + reader->open->length, bytes, length);
    reader->open->length += length;
    return true;
}

/* Puts a block into the mailbox, shrunk to its size, for many may wait
 * there. */
static bool put(struct cc_body_reader *reader, struct cc_block *block)
{
    struct cc_block *cut = realloc(block, sizeof *block + block->length);

    block = cut ? cut : block;
    block->mail.size = sizeof *block + block->length;
    return cc_mailbox_put(&reader->box, &block->mail, false);
}

/* Sends the open block; an incomplete record moves to a new one.  *full: the
 * mailbox is full.  False: memory is out. */
static bool post(struct cc_body_reader *reader, bool *full)
{
    struct cc_block *block = reader->open;
    uint64_t keep = reader->split.begin < reader->split.offset
                        ? reader->split.begin
                        : reader->split.offset;
    size_t at = (size_t)(keep - block->base);
    size_t fed = reader->fed - at;

    reader->open = NULL;
    if (at < block->length) {
        if (!append(reader, block->bytes + at, block->length - at)) {
            free(block);
            return false;
        }
        reader->open->base = keep;
        reader->fed = fed;
    }
    block->length = at;
    if (!put(reader, block))
        *full = true;
    return true;
}

static enum cc_http_answer take_records(struct cc_body_reader *reader,
                                        const char *bytes, size_t length)
{
    struct cc_split *split = &reader->split;
    struct cc_block *block;
    bool full = false;
    size_t got;

    if (!append(reader, bytes, length))
        return CC_HTTP_STOP;
    while ((block = reader->open) != NULL && reader->fed < block->length &&
           split->state != CC_SPLIT_BAD && split->state != CC_SPLIT_LARGE) {
        reader->fed += cc_split_feed(
            split, block->bytes + reader->fed, block->length - reader->fed,
            block->spans + block->count, CC_BODY_SPANS - block->count, &got);
        block->count += got;
        if (block->count && !post(reader, &full))
            return CC_HTTP_STOP;
    }
    /* The bytes between records are not needed any more. */
    if (reader->open && split->begin > split->offset) {
        free(reader->open);
        reader->open = NULL;
    }
    if (split->state == CC_SPLIT_BAD || split->state == CC_SPLIT_LARGE)
        return CC_HTTP_STOP;
    return full ? CC_HTTP_FULL : CC_HTTP_MORE;
}

static enum cc_http_answer take_whole(struct cc_body_reader *reader,
                                      const char *bytes, size_t length)
{
    size_t have = reader->open ? reader->open->length : 0;

    if (have + length > reader->max_body) {
        reader->split.state = CC_SPLIT_LARGE;
        reader->split.offset = reader->max_body;
        return CC_HTTP_STOP;
    }
    return append(reader, bytes, length) ? CC_HTTP_MORE : CC_HTTP_STOP;
}

/* Checks a piece before it is handed out.  False: it is malformed. */
static bool check_chunk(struct cc_body_reader *reader, const char *bytes,
                        size_t length)
{
    struct cc_span span;
    size_t none;

    if (reader->format == CCAAS_FORMAT_JSON) {
        cc_split_feed(&reader->split, bytes, length, &span, 1, &none);
        return reader->split.state != CC_SPLIT_BAD;
    }
    if (reader->format == CCAAS_FORMAT_OGG && reader->open_end)
        cc_ogg_feed(&reader->ogg, bytes, length);
    reader->split.offset += length;
    return true;
}

static enum cc_http_answer take_chunk(struct cc_body_reader *reader,
                                      const char *bytes, size_t length)
{
    struct cc_block *block;

    if (!length)
        return CC_HTTP_MORE;
    if (!append(reader, bytes, length) || !check_chunk(reader, bytes, length))
        return CC_HTTP_STOP;
    block = reader->open;
    reader->open = NULL;
    block->spans[0].begin = block->base;
    block->spans[0].end = block->base + length;
    block->count = 1;
    return put(reader, block) ? CC_HTTP_MORE : CC_HTTP_FULL;
}

static void on_head(void *self, const struct cc_http_head *head)
{
    struct cc_body_reader *reader = self;
    struct cc_head_mail *mail = malloc(sizeof *mail + head->length);

    reader->status = head->status;
    if (!mail) {
        reader->no_memory = true;
        return;
    }
    memset(mail, 0, sizeof *mail);
    mail->mail.kind = CC_MAIL_HEAD;
    mail->mail.free = free_mail;
    mail->came_at = cc_clock_now();
    mail->status = head->status;
    if (head->moved)
        cc_error_url(mail->moved, sizeof mail->moved, head->moved);
    reader->open_end = head->open_end;
    mail->length = head->length;
    if (head->length)
        memcpy(mail->headers, head->headers, head->length);
    cc_mailbox_put(&reader->box, &mail->mail, true);
}

static enum cc_http_answer on_bytes(void *self, const char *bytes,
                                    size_t length)
{
    struct cc_body_reader *reader = self;

    if (reader->no_memory)
        return CC_HTTP_STOP;
    reader->filled = reader->filled || length;
    if (!is_good(reader)) {
        if (length > CC_BODY_ERROR - reader->error.length)
            length = CC_BODY_ERROR - reader->error.length;
        if (cc_buffer_add(&reader->error, bytes, length))
            return reader->error.length < CC_BODY_ERROR ? CC_HTTP_MORE
                                                        : CC_HTTP_STOP;
        reader->no_memory = true;
        return CC_HTTP_STOP;
    }
    if (reader->body == CCAAS_BODY_CHUNKS)
        return take_chunk(reader, bytes, length);
    return splits(reader) ? take_records(reader, bytes, length)
                          : take_whole(reader, bytes, length);
}

/* The body of a list has ended: was the list complete? */
static void finish_records(struct cc_body_reader *reader)
{
    struct cc_split *split = &reader->split;
    struct cc_block *block = reader->open;
    struct cc_span span;
    const char *reason;
    size_t offset, at, none;

    if (cc_split_finish(split, &span, &none) != CC_SPLIT_MORE || !block ||
        split->begin > split->offset)
        return;
    at = (size_t)(split->begin - block->base);
    if (cc_json_check(block->bytes + at, block->length - at, &offset,
                      &reason) == CC_CHECK_BAD) {
        offset += at;
        split->offset = block->base + offset;
        split->reason = reason;
        split->state = CC_SPLIT_BAD;
    }
}

/* The body has ended: it is the one record. */
static void finish_whole(struct cc_body_reader *reader)
{
    struct cc_block *block;

    if (reader->split.state == CC_SPLIT_LARGE || !append(reader, "", 0))
        return;
    block = reader->open;
    reader->split.state = CC_SPLIT_DONE;
    if (reader->body == CCAAS_BODY_JSON &&
        cc_json_check(block->bytes, block->length, NULL, NULL) ==
            CC_CHECK_MORE) {
        reader->split.state = CC_SPLIT_MORE;
        return;
    }
    block->spans[0].begin = 0;
    block->spans[0].end = block->length;
    block->count = 1;
    reader->open = NULL;
    put(reader, block);
}

/* A body in pieces has ended: was it complete? */
static void finish_chunks(struct cc_body_reader *reader)
{
    struct cc_span span;
    size_t none;

    /* An empty body is for the caller to judge. */
    if (reader->format == CCAAS_FORMAT_JSON && reader->filled)
        cc_split_finish(&reader->split, &span, &none);
    else
        reader->split.state = CC_SPLIT_DONE;
}

/* Are these bytes a complete JSON array, object or string?  A number proves
 * nothing: its last digits may be missing. */
static bool is_closed_json(const char *bytes, size_t length)
{
    size_t i = 0;

    while (i < length && cc_scan_is_space(bytes[i]))
        i++;
    return i < length && strchr("[{\"", bytes[i]) &&
           cc_json_check(bytes, length, NULL, NULL) == CC_CHECK_OK;
}

/* The connection ended without a sign that the body was complete: does the
 * body's own format prove it? */
static bool proves_end(const struct cc_body_reader *reader)
{
    const struct cc_block *block = reader->open;

    if (splits(reader) || reader->format == CCAAS_FORMAT_JSON)
        return reader->split.state == CC_SPLIT_DONE;
    if (reader->body == CCAAS_BODY_CHUNKS)
        return reader->format == CCAAS_FORMAT_OGG && cc_ogg_ended(&reader->ogg);
    return block && is_closed_json(block->bytes, block->length);
}

static void on_end(void *self, const struct cc_http_end *http)
{
    struct cc_body_reader *reader = self;
    struct cc_end_mail *end = reader->end;

    end->http = *http;
    end->came_at = cc_clock_now();
    end->came_wall = cc_clock_wall();
    /* Of an answer other than the requested one the status counts, even if
     * its body failed. */
    if (http->in_body && !is_good(reader) &&
        (http->code == CCAAS_NETWORK || http->code == CCAAS_PROTOCOL ||
         http->code == CCAAS_TOO_LARGE))
        end->http.code = CCAAS_OK;
    if (http->moved)
        cc_error_url(end->moved, sizeof end->moved, http->moved);
    end->http.moved = NULL;
    if (http->unproven && is_good(reader) && !proves_end(reader)) {
        end->http.code = CCAAS_NETWORK;
        end->http.transient = true;
        snprintf(end->http.message, sizeof end->http.message,
                 "the TLS connection ended without a close_notify: the answer, "
                 "which has no length, may have been cut short");
    }
    end->empty = !reader->filled;
    if (end->http.code == CCAAS_OK && is_good(reader) && !reader->no_memory) {
        if (reader->body == CCAAS_BODY_CHUNKS)
            finish_chunks(reader);
        else if (splits(reader))
            finish_records(reader);
        else
            finish_whole(reader);
    }
    if (reader->no_memory)
        end->http.code = CCAAS_MEMORY;
    end->state = reader->split.state;
    end->reason = reader->split.reason;
    end->offset = reader->split.offset;
    end->body = reader->error.bytes;
    end->length = reader->error.length;
    memset(&reader->error, 0, sizeof reader->error);
    reader->end = NULL;
    cc_mailbox_finish(&reader->box);
    cc_mailbox_put(&reader->box, &end->mail, true);
    let_go(reader);
}

static bool wanted(void *self)
{
    return !cc_waker_is_cancelled(((struct cc_body_reader *)self)->box.waker);
}

struct cc_http_sink cc_body_reader_sink(struct cc_body_reader *reader)
{
    struct cc_http_sink sink = {.self = reader,
                                .head = on_head,
                                .bytes = on_bytes,
                                .end = on_end,
                                .wanted = wanted};

    return sink;
}
