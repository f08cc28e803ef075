/*
 * JSON strings as raw text: the bytes between the quotes, escapes included.
 *
 * Pure functions, any thread.
 */
#ifndef SESSIOND_ROUTES_JSON_STRING_H
#define SESSIOND_ROUTES_JSON_STRING_H

#include "db/base/slice.h"
#include "routes/core/buffer.h"

enum json_string_error {
    JSON_STRING_VALID,
    JSON_STRING_UNCLOSED,
    JSON_STRING_CONTROL, /* a raw U+0000 to U+001F */
    JSON_STRING_ESCAPE,  /* a backslash that begins no valid escape */
    JSON_STRING_UTF8     /* a byte that begins no well-formed UTF-8 sequence */
};

/* Validates a string; *at is the byte after its opening quote. On success *at moves to the closing
 * quote and *escaped is whether the string has a backslash. On failure *at moves to the invalid
 * byte; for JSON_STRING_UNCLOSED, to the opening quote. */
enum json_string_error json_string_check(const char **at, const char *end, bool *escaped);

/* The first byte from `at` on that is not plain: a quote, a backslash, a control character or a
 * byte of a longer UTF-8 sequence; `end` if there is none. */
const char *json_string_plain_end(const char *at, const char *end);

/* The functions below expect strings that json_string_check() has accepted. For any other string
 * they read nothing beyond its end, and the result is unspecified. */

/* Whether an escape denotes half a surrogate pair, which UTF-8 cannot represent (RFC 8259 §8.2). */
bool json_string_has_lone_surrogate(struct slice raw);

/* Appends the decoded string. A lone surrogate becomes the three bytes of WTF-8, which is
 * sufficient to compare names but not to display them. */
void json_string_decode(struct slice raw, struct buffer *out);

/* Compares the decoded strings by code points: <0, 0, >0. */
int json_string_compare(struct slice a, struct slice b);

#endif
