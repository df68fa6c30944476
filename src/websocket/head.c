/* The answer to a websocket's handshake: see head.h. */
#include "head.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#define KEY 24 /* characters */

void cc_head_begin(struct cc_head *head, const char *key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char text[KEY + sizeof guid], hash[SHA_DIGEST_LENGTH];
    unsigned int length = 0;

    memset(head, 0, sizeof *head);
    memcpy(text, key, KEY);
    memcpy(text + KEY, guid, sizeof guid);
    if (EVP_Digest(text, KEY + sizeof guid - 1, hash, &length, EVP_sha1(),
                   NULL) == 1)
        EVP_EncodeBlock((unsigned char *)head->accept, hash, (int)length);
}

void cc_head_free(struct cc_head *head)
{
    cc_buffer_free(&head->bytes);
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Is that text the word (in lower case), whatever its case? */
static bool is_word(const char *text, size_t length, const char *word)
{
    size_t i;

    if (length != strlen(word))
        return false;
    for (i = 0; i < length; i++)
        if (lower(text[i]) != word[i])
            return false;
    return true;
}

/* Is the word one of a list with commas? */
static bool has_word(const char *text, size_t length, const char *word)
{
    const char *end = text + length, *comma, *last;

    for (; text < end; text = comma + 1) {
        comma = memchr(text, ',', (size_t)(end - text));
        last = comma = comma ? comma : end;
        while (text < last && (*text == ' ' || *text == '\t'))
            text++;
        while (text < last && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        if (is_word(text, (size_t)(last - text), word))
            return true;
    }
    return false;
}

/* What the headers of an answer say. */
struct found {
    bool upgrade, connection, accept, extension, protocol;
};

/* Keeps a header, the first one of that name that fits in. */
static void keep(struct cc_head *head, const char *name, const char *value,
                 size_t length)
{
    size_t name_room = strlen(name) + 1, at;

    for (at = 0; at < head->kept_length; at += strlen(head->kept + at) + 1) {
        if (strcmp(head->kept + at, name) == 0)
            return;
        at += strlen(head->kept + at) + 1;
    }
    if (!length || memchr(value, '\0', length) ||
        name_room + length + 1 > sizeof head->kept - at)
        return;
    memcpy(head->kept + at, name, name_room);
    memcpy(head->kept + at + name_room, value, length);
    head->kept[at + name_room + length] = '\0';
    head->kept_length = at + name_room + length + 1;
}

static void take_header(struct cc_head *head, const char *name,
                        size_t name_length, const char *value, size_t length,
                        struct found *found)
{
    if (is_word(name, name_length, "upgrade")) {
        found->upgrade = has_word(value, length, "websocket");
    } else if (is_word(name, name_length, "connection")) {
        found->connection =
            found->connection || has_word(value, length, "upgrade");
    } else if (is_word(name, name_length, "sec-websocket-accept")) {
        found->accept = head->accept[0] && length == strlen(head->accept) &&
                        memcmp(value, head->accept, length) == 0;
    } else if (is_word(name, name_length, "sec-websocket-extensions")) {
        found->extension = found->extension || length > 0;
    } else if (is_word(name, name_length, "sec-websocket-protocol")) {
        found->protocol = found->protocol || length > 0;
    } else if (is_word(name, name_length, "retry-after")) {
        keep(head, "retry-after", value, length);
    } else if (is_word(name, name_length, "date")) {
        keep(head, "date", value, length);
    }
}

static const char *judge(const struct found *found)
{
    if (!found->upgrade || !found->connection)
        return "it does not upgrade to a websocket";
    if (!found->accept)
        return "its Sec-WebSocket-Accept is missing or wrong";
    if (found->extension)
        return "it has an extension that was not requested";
    if (found->protocol)
        return "it has a subprotocol that was not requested";
    return NULL;
}

/* Reads the headers of a whole answer. */
static void read_headers(struct cc_head *head)
{
    const char *at = head->bytes.bytes, *end = at + head->bytes.length;
    struct found found = {false, false, false, false, false};
    const char *line_end, *colon, *value, *last;

    head->kept_length = 0;
    for (at = (const char *)memchr(at, '\n', head->bytes.length) + 1; at < end;
         at = line_end + 1) {
        line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end)
            break;
        last = line_end;
        colon = memchr(at, ':', (size_t)(line_end - at));
        if (!colon)
            continue;
        value = colon + 1;
        while (value < last && (*value == ' ' || *value == '\t'))
            value++;
        while (last > value &&
               (last[-1] == ' ' || last[-1] == '\t' || last[-1] == '\r'))
            last--;
        take_header(head, at, (size_t)(colon - at), value,
                    (size_t)(last - value), &found);
    }
    head->wrong = judge(&found);
}

/* Can it be the first line of an answer, as far as it is there?  "HTTP/1.1 101"
 * and a space or the line's end. */
static bool begins_well(const char *bytes, size_t length)
{
    static const char form[] = "HTTP/1.9 999";
    size_t i;

    for (i = 0; i < sizeof form - 1 && i < length; i++)
        if (form[i] == '9' ? bytes[i] < '0' || bytes[i] > '9'
                           : bytes[i] != form[i])
            return false;
    return i == length || strchr(" \r\n", bytes[i]);
}

/* The answer's bytes have ended: it is passed over, or counts. */
static bool counts(struct cc_head *head)
{
    const char *digits = head->bytes.bytes + 9;

    head->status =
        (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    if (head->status / 100 != 1 || head->status == 101) {
        read_headers(head);
        return true;
    }
    head->passed += head->bytes.length;
    head->bytes.length = head->line = 0;
    return false;
}

/* Is the line that ends there an empty one? */
static bool ends_headers(const struct cc_head *head)
{
    const char *line = head->bytes.bytes + head->line;
    size_t length = head->bytes.length - head->line;

    return head->line > 0 && (length == 1 || (length == 2 && line[0] == '\r'));
}

enum cc_head_state cc_head_take(struct cc_head *head, const char *bytes,
                                size_t length, size_t *used)
{
    struct cc_buffer *all = &head->bytes;
    const char *newline;
    size_t piece;

    for (*used = 0; *used < length; *used += piece) {
        newline = memchr(bytes + *used, '\n', length - *used);
        piece =
            newline ? (size_t)(newline + 1 - (bytes + *used)) : length - *used;
        if (piece > CC_HEAD_MOST - head->passed - all->length)
            return CC_HEAD_TOO_LARGE;
        if (!cc_buffer_add(all, bytes + *used, piece))
            return CC_HEAD_NO_MEMORY;
        if (!begins_well(all->bytes, all->length) ||
            (newline && all->length < sizeof "HTTP/1.1 101"))
            return CC_HEAD_NO_HTTP;
        if (!newline)
            continue;
        if (ends_headers(head) && counts(head)) {
            *used += piece;
            return CC_HEAD_WHOLE;
        }
        head->line = all->length;
    }
    return CC_HEAD_MORE;
}
