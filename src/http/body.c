/* The body of an answer: from libcurl's callback, through its content coding,
 * to the sink.  On the engine's thread. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "text.h"
#include "transfer.h"

#define LENGTH_DIGITS 18 /* of a length that 63 bits surely hold */

/* Lets libcurl receive nothing for now.  Not by CURL_WRITEFUNC_PAUSE, which
 * gives back the bytes at hand: libcurl would have to keep them. */
static void hold(struct cc_transfer *transfer)
{
    transfer->held = true;
    if (!transfer->ended)
        curl_easy_pause(transfer->easy, CURLPAUSE_RECV);
}

CURLcode cc_transfer_unhold(struct cc_transfer *transfer)
{
    if (!transfer->held || transfer->paused || transfer->behind)
        return CURLE_OK;
    transfer->held = false;
    transfer->heard = cc_clock_now();
    return transfer->ended ? CURLE_OK
                           : curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

bool cc_transfer_broken(const struct cc_transfer *transfer)
{
    return transfer->stopped || transfer->no_memory || transfer->fault[0];
}

/* Gives the sink bytes of the body.  False: it wants no more. */
static bool give(struct cc_transfer *transfer, const char *bytes, size_t length)
{
    switch (transfer->sink.bytes(transfer->sink.self, bytes, length)) {
    case CC_HTTP_FULL:
        transfer->paused = true;
        hold(transfer);
        return true;
    case CC_HTTP_MORE:
        return true;
    case CC_HTTP_STOP:
        break;
    }
    transfer->stopped = true;
    return false;
}

/* The body cannot be used; always false. */
static bool refuse_body(struct cc_transfer *transfer, const char *what,
                        const char *why)
{
    snprintf(transfer->fault, sizeof transfer->fault, "%s%s", what, why);
    return false;
}

/* Decodes until there is no more input, or until it is enough for now: then the
 * transfer is behind.  False: it is over. */
static bool decode(struct cc_transfer *transfer, const char **bytes,
                   size_t *length)
{
    char piece[CC_HTTP_PIECE];
    size_t made;

    transfer->behind = true;
    while (!transfer->paused && transfer->spent < CC_HTTP_TURN) {
        switch (cc_decode_step(&transfer->decode, bytes, length, piece,
                               sizeof piece, &made)) {
        case CC_DECODE_MORE:
            break;
        case CC_DECODE_BAD:
            return refuse_body(transfer, "the compressed answer is not valid: ",
                               transfer->decode.reason);
        case CC_DECODE_MEMORY:
            transfer->no_memory = true;
            return false;
        }
        transfer->spent += made;
        transfer->behind = *length || made == sizeof piece;
        if (made && !give(transfer, piece, made))
            return false;
        if (!transfer->behind)
            return true;
    }
    hold(transfer);
    return true;
}

/* Bytes that wait until the ones before them are decoded. */
static bool keep(struct cc_transfer *transfer, const char *bytes, size_t length)
{
    if (cc_buffer_add(&transfer->rest, bytes, length))
        return true;
    transfer->no_memory = true;
    return false;
}

void cc_transfer_decode(struct cc_transfer *transfer)
{
    const char *bytes = transfer->rest.bytes + transfer->taken;
    size_t length = transfer->rest.length - transfer->taken;

    transfer->spent = 0;
    if (!transfer->rest.bytes)
        bytes = "";
    if (!decode(transfer, &bytes, &length))
        transfer->behind = false;
    transfer->taken = transfer->rest.length - length;
    if (!transfer->behind)
        transfer->rest.length = transfer->taken = 0;
}

/* Do a header's value, and those before it, name one length?  `known` is
 * `*length` digits of the one that they named; NULL: none so far. */
static bool is_length(const char *value, const char **known, size_t *length)
{
    size_t digits;

    for (;; value++) {
        value += strspn(value, " \t");
        value += strspn(value, "0");
        digits = strspn(value, "0123456789");
        if (digits > LENGTH_DIGITS ||
            (*known && (digits != *length || memcmp(value, *known, digits))))
            return false;
        *known = value;
        *length = digits;
        value += digits;
        value += strspn(value, " \t");
        if (*value != ',')
            return !*value;
    }
}

bool cc_transfer_has_length(const struct cc_transfer *transfer)
{
    const char *at = transfer->answer.bytes, *known = NULL, *value;
    const char *end = at + transfer->answer.length;
    size_t length = 0;

    /* In chunks it needs none. */
    if (cc_transfer_header(transfer, "transfer-encoding"))
        return true;
    for (; at && at < end; at = value + strlen(value) + 1) {
        value = at + strlen(at) + 1;
        if (strcmp(at, "content-length") == 0 &&
            !is_length(value, &known, &length))
            return false;
    }
    return true;
}

/* The first byte of the body is here: how is it coded?  Not asked before, for
 * an answer without a body may name any coding. */
static bool begin_body(struct cc_transfer *transfer)
{
    const char *at = transfer->answer.bytes;
    const char *end = at + transfer->answer.length, *value;
    enum cc_coding coding = CC_CODING_NONE;

    transfer->bodied = true;
    if (!cc_transfer_has_length(transfer))
        return refuse_body(transfer, CC_HTTP_BAD_LENGTH, "");
    for (; at && at < end; at = value + strlen(value) + 1) {
        value = at + strlen(at) + 1;
        if (strcmp(at, "content-encoding") == 0)
            coding = cc_coding_add(coding, value);
        /* libcurl would decode it, and take a part for the whole. */
        else if (strcmp(at, "transfer-encoding") == 0 &&
                 !cc_same_text(value, "chunked"))
            return refuse_body(transfer, "the answer has a transfer coding ",
                               "that was not requested");
    }
    if (coding == CC_CODING_SEVERAL)
        return refuse_body(transfer, "the answer is compressed ",
                           "more than once");
    if (coding == CC_CODING_OTHER ||
        (coding != CC_CODING_NONE && transfer->plain))
        return refuse_body(transfer, "the answer has a content coding ",
                           "that was not requested");
    transfer->coding = coding;
    if (coding != CC_CODING_NONE)
        cc_decode_start(&transfer->decode, coding);
    return true;
}

size_t cc_transfer_bytes(char *bytes, size_t size, size_t count, void *self)
{
    struct cc_transfer *transfer = self;
    const char *at = bytes;
    size_t length = size * count, left = length;

    transfer->heard = cc_clock_now();
    if (transfer->unproxied) {
        transfer->stopped = true;
        return 0;
    }
    if (transfer->redirecting) {
        transfer->waste += length;
        transfer->stopped = transfer->waste > CC_HTTP_WASTE;
        return transfer->stopped ? 0 : length;
    }
    if (!length || (!transfer->bodied && !begin_body(transfer)))
        return 0;
    if (transfer->coding == CC_CODING_NONE)
        return give(transfer, bytes, length) ? length : 0;
    if (!transfer->behind && !decode(transfer, &at, &left)) {
        transfer->behind = false;
        return 0;
    }
    return !left || keep(transfer, at, left) ? length : 0;
}
