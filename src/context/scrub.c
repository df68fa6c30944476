/* Takes secrets out of a text: see scrub.h.
 *
 * The text becomes a sequence of symbols, each with the bytes that it stands
 * for.  All forms of the secrets are searched in it.  Then the escapes are
 * decoded, and the search is repeated, until no escapes are left.
 */
#include "scrub.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "text.h"

struct symbol {
    unsigned char byte;
    uint32_t from, to; /* where it stands in the text */
};

struct view {
    struct symbol *symbols;
    size_t count, room;
    bool cut;
};

/* -- Decoding ---------------------------------------------------------------
 */

/* What an escape stands for. */
struct escape {
    size_t length;   /* symbols that it is written with; 0: it is none */
    bool unfinished; /* the text was cut within it */
    uint32_t code;   /* the character, ... */
    bool is_byte;    /* ... or the byte */
};

static char at(const struct view *view, size_t i)
{
    return i < view->count ? (char)view->symbols[i].byte : '\0';
}

/* The number of up to `most` digits; *used: how many there are. */
static uint32_t number(const struct view *view, size_t i, int base, size_t most,
                       size_t *used)
{
    uint32_t value = 0;
    int digit;

    for (*used = 0; *used < most && i + *used < view->count; ++*used) {
        digit = cc_hex_value(at(view, i + *used));
        if (digit < 0 || digit >= base)
            break;
        value = value * (uint32_t)base + (uint32_t)digit;
    }
    return value;
}

/* So many hexadecimal digits behind the escape's first `lead` symbols. */
static struct escape hexadecimal(const struct view *view, size_t i, size_t lead,
                                 size_t digits)
{
    struct escape escape = {.is_byte = digits == 2};
    size_t used;

    escape.code = number(view, i + lead, 16, digits, &used);
    if (used == digits)
        escape.length = lead + digits;
    escape.unfinished = used < digits && i + lead + used >= view->count;
    return escape;
}

/* JSON's, and those of many programming languages. */
static struct escape backslash(const struct view *view, size_t i)
{
    static const char letters[] = "nrtbf", means[] = "\n\r\t\b\f";
    struct escape escape = {.length = 2, .is_byte = true};
    char kind = cc_lower(at(view, i + 1));
    const char *letter;
    size_t used;

    if (i + 1 == view->count)
        return (struct escape){.unfinished = true};
    if (kind == 'u' || kind == 'x') {
        escape = hexadecimal(view, i, 2, kind == 'u' ? 4 : 2);
        if (escape.length || escape.unfinished)
            return escape;
        escape = (struct escape){.length = 2, .is_byte = true};
    }
    escape.code = number(view, i + 1, 8, 3, &used);
    if (used == 3 && escape.code < 256)
        return (struct escape){
            .length = 4, .code = escape.code, .is_byte = true};
    if (used && i + 1 + used >= view->count && view->cut)
        return (struct escape){.unfinished = true};
    letter = kind ? strchr(letters, at(view, i + 1)) : NULL;
    escape.code =
        (unsigned char)(letter ? means[letter - letters] : at(view, i + 1));
    return escape;
}

/* HTML's and XML's. */
static struct escape entity(const struct view *view, size_t i)
{
    static const struct {
        const char *name;
        char byte;
    } names[] = {{"amp;", '&'},  {"lt;", '<'},    {"gt;", '>'},
                 {"quot;", '"'}, {"apos;", '\''}, {"sol;", '/'},
                 {"plus;", '+'}, {"equals;", '='}};
    struct escape escape = {0};
    size_t start, used, k, n;

    if (at(view, i + 1) == '#') {
        start = cc_lower(at(view, i + 2)) == 'x' ? 3 : 2;
        escape.code = number(view, i + start, start == 3 ? 16 : 10, 7, &used);
        escape.unfinished = i + start + used >= view->count;
        /* Browsers do without the semicolon. */
        if (used && !escape.unfinished)
            escape.length = start + used + (at(view, i + start + used) == ';');
        return escape;
    }
    for (k = 0; k < sizeof names / sizeof *names; k++) {
        for (n = 0; names[k].name[n] && at(view, i + 1 + n) == names[k].name[n];
             n++)
            ;
        if (!names[k].name[n])
            return (struct escape){.length = n + 1,
                                   .code = (unsigned char)names[k].byte,
                                   .is_byte = true};
        escape.unfinished = escape.unfinished || i + 1 + n >= view->count;
    }
    return escape;
}

static struct escape read_escape(const struct view *view, size_t i)
{
    switch (at(view, i)) {
    case '%':
        return hexadecimal(view, i, 1, 2);
    case '\\':
        return backslash(view, i);
    case '&':
        return entity(view, i);
    }
    return (struct escape){0};
}

/* Puts a byte behind the `count` symbols, unless it is a control character. */
static size_t put(struct view *view, size_t count, unsigned char byte,
                  uint32_t from, uint32_t to)
{
    if (byte < ' ' || byte == 0x7f)
        return count;
    view->symbols[count] = (struct symbol){byte, from, to};
    return count + 1;
}

/* Puts a character, in UTF-8. */
static size_t put_code(struct view *view, size_t count, uint32_t code,
                       uint32_t from, uint32_t to)
{
    if (code < 0x80)
        return put(view, count, (unsigned char)code, from, to);
    if (code < 0x800) {
        count = put(view, count, (unsigned char)(0xc0 | code >> 6), from, to);
    } else {
        count = put(view, count, (unsigned char)(0xe0 | (code >> 12 & 15)),
                    from, to);
        count = put(view, count, (unsigned char)(0x80 | (code >> 6 & 0x3f)),
                    from, to);
    }
    return put(view, count, (unsigned char)(0x80 | (code & 0x3f)), from, to);
}

/* Decodes every escape once, in place (none has fewer symbols than what it
 * stands for); one that was cut off goes.  False: there was none. */
static bool decode(struct view *view)
{
    size_t i = 0, count = 0;
    bool found = false;

    while (i < view->count) {
        struct escape escape = read_escape(view, i);
        uint32_t from = view->symbols[i].from;

        if (escape.length) {
            uint32_t to = view->symbols[i + escape.length - 1].to;

            found = true;
            count = escape.is_byte
                        ? put(view, count, (unsigned char)escape.code, from, to)
                        : put_code(view, count, escape.code, from, to);
            i += escape.length;
        } else if (escape.unfinished && view->cut) {
            found = true;
            break;
        } else {
            view->symbols[count++] = view->symbols[i++];
        }
    }
    view->count = count;
    return found;
}

static bool make_view(struct view *view, const char *text, size_t length,
                      bool cut)
{
    size_t i;

    view->symbols = malloc((length + 1) * sizeof *view->symbols);
    view->count = 0;
    view->room = length;
    view->cut = cut;
    if (!view->symbols)
        return false;
    for (i = 0; i < length; i++)
        view->count = put(view, view->count, (unsigned char)text[i],
                          (uint32_t)i, (uint32_t)i + 1);
    return true;
}

static void free_view(struct view *view)
{
    if (view->symbols)
        cc_secret_wipe(view->symbols, view->room * sizeof *view->symbols);
    free(view->symbols);
}

/* -- The forms of a secret ---------------------------------------------------
 */

#define FORMS_OF_ONE 13
/* Bytes of all forms of a secret of so many: as it is and decoded (2), in
 * base64 (3 * 4/3) and base32 (5 * 8/5), and in hexadecimal (2 + 3 + 3). */
#define ROOM_OF_ONE(length) (22 * (length) + 64)

/* All forms, one after the other, folded. */
struct forms {
    unsigned char *bytes;
    uint32_t *borders; /* of each beginning of a form: how many bytes at its end
                          are the form's beginning again */
    size_t length, room;
    size_t *ends;
    size_t count;
};

/* What counts as the same: letters of either case, base64's two alphabets, and
 * a form's plus for a space. */
static unsigned char fold(unsigned char byte)
{
    char c = cc_lower((char)byte);

    return (unsigned char)(c == '-' || c == ' ' ? '+' : c == '_' ? '/' : c);
}

static void add_byte(struct forms *forms, unsigned char byte)
{
    forms->bytes[forms->length++] = fold(byte);
}

/* What was added since the form before is one, unless it is too short. */
static void end_form(struct forms *forms, size_t least)
{
    size_t begin = forms->count ? forms->ends[forms->count - 1] : 0;

    if (forms->length - begin < least)
        forms->length = begin;
    else
        forms->ends[forms->count++] = forms->length;
}

/* The secret in digits of `width` bits (5: base32, 6: base64), as it reads
 * `lead` bytes behind a group's start; only what does not depend on the bytes
 * around it. */
static void add_digits(struct forms *forms, const char *secret, size_t length,
                       size_t width, size_t lead)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    size_t end = (lead + length) * 8, bit, i;
    unsigned pair, mask = (1u << width) - 1;

    for (bit = (lead * 8 + width - 1) / width * width; bit + width <= end;
         bit += width) {
        i = bit / 8 - lead;
        pair = (unsigned)(unsigned char)secret[i] << 8 |
               (unsigned char)secret[i + 1];
        pair = pair >> (16 - width - bit % 8) & mask;
        add_byte(forms,
                 (unsigned char)(width == 6 ? base64[pair] : base32[pair]));
    }
}

static void add_hexadecimal(struct forms *forms, const char *secret,
                            size_t length, unsigned char separator)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < length; i++) {
        if (i && separator)
            add_byte(forms, separator);
        add_byte(forms, (unsigned char)digits[(unsigned char)secret[i] >> 4]);
        add_byte(forms, (unsigned char)digits[(unsigned char)secret[i] & 15]);
    }
}

/* As it is; and with what looks like an escape in it decoded, for so it is in
 * a text that is decoded to the end.  False: memory is out. */
static bool add_plain(struct forms *forms, const char *secret, size_t length)
{
    struct view view;
    unsigned layer = 0;
    size_t i;

    if (!make_view(&view, secret, length, false))
        return false;
    for (i = 0; i < view.count; i++)
        add_byte(forms, view.symbols[i].byte);
    end_form(forms, CC_SCRUB_LEAST);
    while (layer < CC_SCRUB_LAYERS && decode(&view))
        layer++;
    for (i = 0; layer && i < view.count; i++)
        add_byte(forms, view.symbols[i].byte);
    end_form(forms, CC_SCRUB_LEAST);
    free_view(&view);
    return true;
}

static bool add_secret(struct forms *forms, const char *secret, size_t length)
{
    size_t lead;

    if (!add_plain(forms, secret, length))
        return false;
    for (lead = 0; lead < 3; lead++) {
        add_digits(forms, secret, length, 6, lead);
        end_form(forms, CC_SCRUB_LEAST);
    }
    for (lead = 0; lead < 5; lead++) {
        add_digits(forms, secret, length, 5, lead);
        end_form(forms, CC_SCRUB_LEAST + 2);
    }
    add_hexadecimal(forms, secret, length, '\0');
    end_form(forms, CC_SCRUB_LEAST);
    add_hexadecimal(forms, secret, length, ':');
    end_form(forms, CC_SCRUB_LEAST);
    add_hexadecimal(forms, secret, length, ' ');
    end_form(forms, CC_SCRUB_LEAST);
    return true;
}

/* The bytes of a secret that matter in a text of `most` bytes: none if it is
 * too short to be one, or cannot be there. */
static size_t length_of(const char *secret, size_t most, bool cut)
{
    size_t length = strlen(secret);

    if (length < CC_SCRUB_LEAST || (length > most && !cut))
        return 0;
    return length < most ? length : most;
}

/* The borders of the form (Knuth, Morris and Pratt). */
static void find_borders(const unsigned char *form, uint32_t *borders,
                         size_t length)
{
    size_t i;
    uint32_t same = 0;

    borders[0] = 0;
    for (i = 1; i < length; i++) {
        while (same && form[i] != form[same])
            same = borders[same - 1];
        same += form[i] == form[same];
        borders[i] = same;
    }
}

static void free_forms(struct forms *forms)
{
    if (forms->bytes)
        cc_secret_wipe(forms->bytes, forms->room);
    free(forms->bytes);
    free(forms->borders);
    free(forms->ends);
}

static bool make_forms(struct forms *forms, const char *const *secrets,
                       size_t count, size_t most, bool cut)
{
    size_t i, begin = 0, length;

    memset(forms, 0, sizeof *forms);
    for (i = 0; i < count; i++)
        forms->room += ROOM_OF_ONE(length_of(secrets[i], most, cut));
    forms->bytes = malloc(forms->room + 1);
    forms->borders = malloc((forms->room + 1) * sizeof *forms->borders);
    forms->ends = malloc((count * FORMS_OF_ONE + 1) * sizeof *forms->ends);
    if (!forms->bytes || !forms->borders || !forms->ends)
        return false;
    for (i = 0; i < count; i++) {
        length = length_of(secrets[i], most, cut);
        if (length && !add_secret(forms, secrets[i], length))
            return false;
    }
    for (i = 0; i < forms->count; i++) {
        find_borders(forms->bytes + begin, forms->borders + begin,
                     forms->ends[i] - begin);
        begin = forms->ends[i];
    }
    return true;
}

/* -- Searching ----------------------------------------------------------------
 */

/* What was found in the text. */
struct marks {
    int32_t *changes; /* at each byte: secrets that begin less those that end */
    size_t end;       /* from here on may be the beginning of one */
};

/* Looks for one form. */
static void search(const struct view *view, const unsigned char *form,
                   const uint32_t *borders, size_t length, struct marks *marks)
{
    uint32_t same = 0;
    size_t i;

    for (i = 0; i < view->count; i++) {
        unsigned char byte = fold(view->symbols[i].byte);

        while (same && (same == length || byte != form[same]))
            same = borders[same - 1];
        same += byte == form[same];
        if (same == length) {
            marks->changes[view->symbols[i + 1 - length].from]++;
            marks->changes[view->symbols[i].to]--;
        }
    }
    if (view->cut && same && same < length &&
        view->symbols[view->count - same].from < marks->end)
        marks->end = view->symbols[view->count - same].from;
}

static size_t apply(char *text, size_t length, const struct marks *marks)
{
    size_t i, to = 0;
    int32_t deep = 0, before = 0;

    for (i = 0; i < length && i < marks->end; i++, before = deep) {
        deep += marks->changes[i];
        if (!deep) {
            text[to++] = text[i];
        } else if (!before) {
            memcpy(text + to, "***", 3);
            to += 3;
        }
    }
    return to;
}

size_t cc_scrub(char *text, size_t length, bool cut, const char *const *secrets,
                size_t count)
{
    struct forms forms;
    struct view view = {0};
    struct marks marks = {.end = length};
    size_t i, begin, layer;

    if (!text || !length || length >= UINT32_MAX / 2)
        return text && length ? 0 : length;
    marks.changes = calloc(length + 1, sizeof *marks.changes);
    if (!make_forms(&forms, secrets, count, length, cut) || !marks.changes ||
        (forms.count && !make_view(&view, text, length, cut)))
        length = 0; /* out of memory: no text rather than a secret */
    for (layer = 0; length && forms.count && layer <= CC_SCRUB_LAYERS;
         layer++) {
        if (layer && !decode(&view))
            break;
        for (i = begin = 0; i < forms.count; begin = forms.ends[i++])
            search(&view, forms.bytes + begin, forms.borders + begin,
                   forms.ends[i] - begin, &marks);
    }
    if (length && forms.count)
        length = apply(text, length, &marks);
    free_view(&view);
    free_forms(&forms);
    free(marks.changes);
    return length;
}
