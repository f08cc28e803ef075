/*
 * JSON strings as raw text: the bytes between the quotes, escapes and all.
 *
 * Pure, any thread.
 */
#ifndef SESSIOND_ROUTES_JSON_STRING_H
#define SESSIOND_ROUTES_JSON_STRING_H

#include "db/base/slice.h"
#include "routes/core/buffer.h"

enum json_string_error {
    JSON_STRING_VALID,
    JSON_STRING_UNCLOSED,
    JSON_STRING_CONTROL, /* a raw U+0000 to U+001F */
    JSON_STRING_ESCAPE,  /* a backslash that begins no escape */
    JSON_STRING_UTF8     /* a byte that begins no well-formed sequence */
};

/*
 * Checks a string from behind its opening quote at *at. If it is good, *at
 * comes to stand on the closing quote and *escaped says whether the string
 * has a backslash; else *at stands on the byte at fault.
 */
enum json_string_error json_string_check(const char **at, const char *end, bool *escaped);

/* The first byte from `at` on that needs a closer look: a quote, a backslash,
 * a control character or a byte of a longer UTF-8 sequence; `end` if none. */
const char *json_string_plain_end(const char *at, const char *end);

/* The functions below expect strings that json_string_check() found good. Of any other they read
 * nothing beyond the end; what they return then means nothing. */

/* Whether an escape stands for half a surrogate pair, which UTF-8 cannot say
 * (RFC 8259 §8.2). */
bool json_string_has_lone_surrogate(struct slice raw);

/* Appends the text that `raw` stands for. A lone surrogate becomes the three
 * bytes of WTF-8: good for comparing names, not for showing them. */
void json_string_decode(struct slice raw, struct buffer *out);

/* Order by code points of what `a` and `b` stand for: <0, 0, >0. */
int json_string_compare(struct slice a, struct slice b);

#endif
