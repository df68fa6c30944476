/* Text as protocols have it: ASCII and UTF-8, whatever the process's locale
 * is.  Used in place of <ctype.h>, strcasecmp and printf's %f and %g, which
 * follow the locale that the host has set.  No threads. */
#ifndef CC_TEXT_H
#define CC_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A digit of ASCII. */
static inline bool cc_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Printable ASCII without the space. */
static inline bool cc_is_graph(char c)
{
    return c > ' ' && c < 0x7f;
}

/* The letter in lower case, if it is one of ASCII; any other byte stays. */
static inline char cc_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The value of a hexadecimal digit; -1: it is none. */
int cc_hex_value(char c);

/* Are the texts the same but for the case of ASCII letters? */
bool cc_same_text(const char *one, const char *other);
/* The same of their first `length` bytes; a text that ends before is not. */
bool cc_same_start(const char *one, const char *other, size_t length);

#define CC_SECONDS_ROOM 32
/* Writes seconds with a point, without trailing zeros: "0.5", "30". */
void cc_text_seconds(char to[CC_SECONDS_ROOM], double seconds);

/* Writes text that somebody else wrote so that it can be shown: on one line,
 * in valid UTF-8, without control characters.  Those (C0, DEL, C1, line and
 * paragraph separators, what changes the direction of text, what is invisible
 * by design) and bytes that are no UTF-8 are written as \n, \r, \t, \x1b or
 * \u{2028}.  Everything else stays, so that what was written by this function
 * is not changed by it.  Never ends within a character.  Gives the length
 * without the NUL. */
size_t cc_text_show(char *to, size_t room, const char *bytes, size_t length);

#endif
