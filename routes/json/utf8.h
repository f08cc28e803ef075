/*
 * UTF-8 (RFC 3629), one sequence at a time. Pure functions, any thread.
 */
#ifndef SESSIOND_ROUTES_JSON_UTF8_H
#define SESSIOND_ROUTES_JSON_UTF8_H

#include "db/base/slice.h"

#include <stdint.h>

/* The length in bytes, 2 to 4, of the well-formed multibyte sequence at `at`, which must be before
 * `end` and not at an ASCII character; 0 if the sequence is not well-formed (Unicode §3.9, table
 * 3-7). */
size_t json_utf8_length(const char *at, const char *end);

/* Returns the code point at *at, which must be before `end`, and moves *at past it. The result is
 * unspecified when the text is not well-formed. */
uint32_t json_utf8_decode(const char **at, const char *end);

/* Encodes the code point and returns its length, 1 to 4 bytes. A surrogate becomes the three bytes
 * of WTF-8. */
size_t json_utf8_encode(uint32_t point, char bytes[4]);

/* Whether the well-formed text has a control character: U+0000 to U+001F, U+007F to U+009F. */
bool json_utf8_has_control(struct slice text);

#endif
