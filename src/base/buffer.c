/* Bytes that grow: see buffer.h. */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

bool cc_buffer_add(struct cc_buffer *buffer, const void *bytes, size_t length)
{
    size_t need = buffer->length + length, room = buffer->room;
    char *grown;

    if (!length)
        return true;
    if (need > room) {
        room = room ? room : 256;
        while (room < need)
            room *= 2;
        grown = realloc(buffer->bytes, room);
        if (!grown)
            return false;
        buffer->bytes = grown;
        buffer->room = room;
    }
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length = need;
    return true;
}

bool cc_buffer_text(struct cc_buffer *buffer, const char *text)
{
    return cc_buffer_add(buffer, text, strlen(text));
}

void cc_buffer_free(struct cc_buffer *buffer)
{
    free(buffer->bytes);
    memset(buffer, 0, sizeof *buffer);
}

char *cc_copy(const char *text, bool *failed)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        *failed = true;
    return copy;
}
