/*
 * UTF-8 (RFC 3629), one sequence at a time. Pure, any thread.
 */
#ifndef SESSIOND_ROUTES_JSON_UTF8_H
#define SESSIOND_ROUTES_JSON_UTF8_H

#include "db/base/slice.h"

#include <stdint.h>

/* Bytes of the well-formed sequence that begins at `at`, which is before `end` and no ASCII
 * character: 2 to 4, or 0 if there is none (Unicode §3.9, table 3-7). */
size_t json_utf8_length(const char *at, const char *end);

/* The code point at *at, which is before `end` and moves behind it. Some number when the text is
 * not well-formed. */
uint32_t json_utf8_take(const char **at, const char *end);

/* Writes 1 to 4 bytes and returns how many. A surrogate gets the three bytes of WTF-8. */
size_t json_utf8_put(uint32_t point, char bytes[4]);

/* Whether a control character is in a well-formed text: U+0000 to U+001F, U+007F to U+009F. */
bool json_utf8_has_control(struct slice text);

#endif
