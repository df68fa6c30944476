/* JSON's numbers: integers exact to 64 bits, everything else the nearest
 * double, whatever the process's locale.
 */
#ifndef CC_NUMBER_H
#define CC_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cc_number {
    bool is_integer;
    int64_t integer; /* when it is one (written without point and exponent,
                        and within 64 bits; -0 is 0) */
    double real;     /* when it is not; beyond a double's range: infinite */
};

/* Reads a number that was checked by the grammar.  False: it is so long that
 * `scratch` (may be NULL) with room for `room` bytes does not hold it and a NUL
 * byte; call again with one that does. */
bool cc_number_read(const char *begin, const char *end, char *scratch,
                    size_t room, struct cc_number *number);

/* Any text's number, as strtod reads it in the C locale; 0: it begins with
 * none. */
double cc_number_from(const char *text);

#endif
