/* Bytes that grow.  The struct's holder owns them; no threads. */
#ifndef CC_BUFFER_H
#define CC_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct cc_buffer {
    char *bytes; /* NULL while empty */
    size_t length, room;
};

/* Appends; false: memory is out, and the buffer is as it was. */
bool cc_buffer_add(struct cc_buffer *buffer, const void *bytes, size_t length);
/* Appends a string without its NUL. */
bool cc_buffer_text(struct cc_buffer *buffer, const char *text);

/* Frees the bytes; the buffer is empty then, and may be used again. */
void cc_buffer_free(struct cc_buffer *buffer);

/* A copy of a string; NULL gives NULL.  *failed becomes true when memory is
 * out and is left alone otherwise, so that many copies need one look. */
char *cc_copy(const char *text, bool *failed);

#endif
