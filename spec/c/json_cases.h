/* JSON texts with what we make of them, for the specs of the JSON room: valid,
 * malformed (with the offset of the first wrong byte) and cut short.
 */
#ifndef CC_SPEC_JSON_CASES_H
#define CC_SPEC_JSON_CASES_H

#include <stddef.h>

/* A text with its length, NUL bytes included. */
#define TEXT(literal) literal, sizeof(literal) - 1

struct json_text {
    const char *text;
    size_t length;
};

struct json_wrong {
    const char *text;
    size_t length;
    size_t offset;
};

static const struct json_text json_valid[] = {
    {TEXT("0")},
    {TEXT("-0")},
    {TEXT("10")},
    {TEXT("-1.5e+10")},
    {TEXT("1E5")},
    {TEXT("1e-0")},
    {TEXT("0.000")},
    {TEXT("0e0")},
    {TEXT("123456789012345678901234567890")},
    {TEXT("true")},
    {TEXT("false")},
    {TEXT("null")},
    {TEXT("\"\"")},
    {TEXT(" \t\r\n1 \t\r\n")},
    {TEXT("[]")},
    {TEXT("[ ]")},
    {TEXT("{}")},
    {TEXT("{ }")},
    {TEXT("[[]]")},
    {TEXT("[{},[],\"\",0,true,false,null]")},
    {TEXT("{\"a\":1}")},
    {TEXT("{\"\":\"\"}")},
    {TEXT("{\"a\":{\"b\":[{\"c\":null}]}}")},
    {TEXT(" { \"a\" : [ 1 , 2 ] , \"b\" : { } } ")},
    {TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")},
    {TEXT("\"\\u0000\\u00e9\\uFFFF\\uabCD\"")},
    {TEXT("\"\\uD83D\\uDE00\\ud800\\udc00\\uDBFF\\uDFFF\"")},
    {TEXT("\"\\uD7FF\\uE000\"")},
    {TEXT("\"\x7F\"")}, /* DEL is no control character to JSON */
    {TEXT("\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\"")},
    {TEXT("\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\xED\x9F\xBF\xEE\x80\x80\"")},
    {TEXT("\"\xEF\xBB\xBF\"")}, /* a byte order mark inside of a string */
    {TEXT("\"0123456789abcdef0123456789abcdef\\\\\"")},
    {TEXT("\"0123456789abcde\xC3\xA9"
          "0123456789abcde\\n\"")},
    {TEXT("[\"]\",\"[\",\"}\",\"{\",\"\\\"]\",\",\"]")},
    {TEXT("{\"a\":1,\"a\":2}")}, /* twice the same name: the last one wins */
    {TEXT("[1e999,-1e999,1e-999]")}, /* infinite, infinite, 0 */
    {TEXT("[123456789012345678,1234567890123456789,-9223372036854775808]")},
};

static const struct json_wrong json_wrong[] = {
    {TEXT("\xEF\xBB\xBF[]"), 0},
    {TEXT("\xFF\xFE[\0]\0"), 0},
    {TEXT("x"), 0},
    {TEXT(" ]"), 1},
    {TEXT("}"), 0},
    {TEXT(","), 0},
    {TEXT(":"), 0},
    {TEXT("\0"), 0},
    {TEXT("\v1"), 0},
    {TEXT("1\f"), 1},
    {TEXT("1\0"), 1},
    {TEXT("1 2"), 2},
    {TEXT("[]]"), 2},
    {TEXT("[] ,"), 3},
    {TEXT("{}}"), 2},
    {TEXT("{} {}"), 3},
    {TEXT("\"\"\"\""), 2},
    {TEXT("nullx"), 4},
    {TEXT("truE"), 3},
    {TEXT("True"), 0},
    {TEXT("nul1"), 3},
    {TEXT("NaN"), 0},
    {TEXT("Infinity"), 0},
    {TEXT("-Infinity"), 1},
    {TEXT("+1"), 0},
    {TEXT(".5"), 0},
    {TEXT("01"), 1},
    {TEXT("-01"), 2},
    {TEXT("00"), 1},
    {TEXT("-x"), 1},
    {TEXT("--1"), 1},
    {TEXT("1.x"), 2},
    {TEXT("1.e1"), 2},
    {TEXT("1.5."), 3},
    {TEXT("1ex"), 2},
    {TEXT("1e+-1"), 3},
    {TEXT("1e5.2"), 3},
    {TEXT("1e5e"), 3},
    {TEXT("0x10"), 1},
    {TEXT("1_000"), 1},
    {TEXT("[1,]"), 3},
    {TEXT("[,1]"), 1},
    {TEXT("[1,,2]"), 3},
    {TEXT("[1 2]"), 3},
    {TEXT("[1:2]"), 2},
    {TEXT("[1}"), 2},
    {TEXT("[\"a\"\"b\"]"), 4},
    {TEXT("[01]"), 2},
    {TEXT("[-]"), 2},
    {TEXT("[tru]"), 4},
    {TEXT("['a']"), 1},
    {TEXT("[1 // one\n]"), 3},
    {TEXT("/* one */ 1"), 0},
    {TEXT("{]"), 1},
    {TEXT("{,}"), 1},
    {TEXT("{\"a\"}"), 4},
    {TEXT("{\"a\" 1}"), 5},
    {TEXT("{\"a\"::1}"), 5},
    {TEXT("{\"a\":}"), 5},
    {TEXT("{\"a\":,}"), 5},
    {TEXT("{\"a\":1,}"), 7},
    {TEXT("{\"a\":1]"), 6},
    {TEXT("{\"a\":1 \"b\":2}"), 7},
    {TEXT("{\"a\":1:2}"), 6},
    {TEXT("{a:1}"), 1},
    {TEXT("{'a':1}"), 1},
    {TEXT("{1:1}"), 1},
    {TEXT("{null:1}"), 1},
    {TEXT("{[]:1}"), 1},
    {TEXT("{\"a\":1,,\"b\":2}"), 7},
    {TEXT("{\"a\":01}"), 6},
    {TEXT("{\"a\":[1}}"), 7},
    {TEXT("\"\n\""), 1},
    {TEXT("\"a\tb\""), 2},
    {TEXT("\"a\0b\""), 2},
    {TEXT("\"\x1F\""), 1},
    {TEXT("\"0123456789abcdef\x01\""), 17},
    {TEXT("\"\\x41\""), 2},
    {TEXT("\"\\'\""), 2},
    {TEXT("\"\\\0\""), 2},
    {TEXT("\"\\\n\""), 2},
    {TEXT("\"\\U0041\""), 2},
    {TEXT("\"\\u 041\""), 3},
    {TEXT("\"\\u004G\""), 6},
    {TEXT("\"\\u004\""), 6},
    {TEXT("\"\\uD800\""), 7}, /* a high half by itself */
    {TEXT("\"\\uD800x\""), 7},
    {TEXT("\"\\uD800\\n\""), 8},
    {TEXT("\"\\uD800\\u0041\""), 9},
    {TEXT("\"\\uD800\\uD800\""), 10},
    {TEXT("\"\\uD800\\uE000\""), 9},
    {TEXT("\"\\uDC00\""), 4}, /* a low half comes first */
    {TEXT("\"\\udfff\\ud800\""), 4},
    {TEXT("\"\x80\""), 1}, /* a byte that continues nothing */
    {TEXT("\"\xBF\""), 1},
    {TEXT("\"\xC0\x80\""), 1}, /* NUL, overlong */
    {TEXT("\"\xC1\xBF\""), 1},
    {TEXT("\"\xC3\""), 2}, /* cut by the quote */
    {TEXT("\"\xC3\xC3\""), 2},
    {TEXT("\"\xE0\x9F\xBF\""), 2}, /* overlong */
    {TEXT("\"\xE2\x82\""), 3},
    {TEXT("\"\xED\xA0\x80\""), 2}, /* a surrogate, encoded */
    {TEXT("\"\xED\xBF\xBF\""), 2},
    {TEXT("\"\xF0\x8F\xBF\xBF\""), 2}, /* overlong */
    {TEXT("\"\xF0\x9F\x98\""), 4},
    {TEXT("\"\xF4\x90\x80\x80\""), 2}, /* beyond U+10FFFF */
    {TEXT("\"\xF5\x80\x80\x80\""), 1},
    {TEXT("\"\xF8\x88\x80\x80\x80\""), 1},
    {TEXT("\"\xFE\""), 1},
    {TEXT("\"\xFF\""), 1},
    {TEXT("\"caf\xE9\""), 5}, /* Latin-1 */
    {TEXT("{\"\xFF\":1}"), 2},
    {TEXT("{\"\\uDC00\":1}"), 5},
    {TEXT("\xC3\xA9"), 0},
    {TEXT("\xC2\xA0"
          "1"),
     0}, /* a no-break space */
};

static const struct json_text json_cut[] = {
    {TEXT("")},
    {TEXT(" \n")},
    {TEXT("-")},
    {TEXT("1.")},
    {TEXT("1e")},
    {TEXT("1e+")},
    {TEXT("t")},
    {TEXT("fals")},
    {TEXT("nul")},
    {TEXT("\"")},
    {TEXT("\"a")},
    {TEXT("\"\\")},
    {TEXT("\"\\u")},
    {TEXT("\"\\u00")},
    {TEXT("\"\\uD800")},
    {TEXT("\"\\uD800\\")},
    {TEXT("\"\\uD800\\u")},
    {TEXT("\"\\uD800\\uDC")},
    {TEXT("\"\xC3")},
    {TEXT("\"\xF0\x9F\x98")},
    {TEXT("[")},
    {TEXT("[1")},
    {TEXT("[1,")},
    {TEXT("[1 ")},
    {TEXT("{")},
    {TEXT("{\"a")},
    {TEXT("{\"a\"")},
    {TEXT("{\"a\":")},
    {TEXT("{\"a\":1")},
    {TEXT("{\"a\":1,")},
    {TEXT("[[[{\"a\":[")},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

#endif
