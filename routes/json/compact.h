/*
 * Removes the white space between the tokens of a JSON text, which makes it one line.
 *
 * Pure function, any thread.
 */
#ifndef SESSIOND_ROUTES_JSON_COMPACT_H
#define SESSIOND_ROUTES_JSON_COMPACT_H

/* Writes the JSON text from `at` to `end`, compacted, to `to`, and returns the end of the written
 * text. `to` may be `at` or lie before it in the same buffer. Cannot fail: an unterminated string
 * is copied unchanged. */
char *json_compact(char *to, const char *at, const char *end);

#endif
