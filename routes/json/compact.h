/*
 * JSON text without the white space between its tokens, so that it is one line.
 *
 * Pure, any thread.
 */
#ifndef SESSIOND_ROUTES_JSON_COMPACT_H
#define SESSIOND_ROUTES_JSON_COMPACT_H

/* Moves the JSON text from `at` to `end` to `to`, and returns the end of what stands there. `to`
 * may be `at` or lie before it in the same text. A string that is not closed is moved as it is. */
char *json_compact(char *to, const char *at, const char *end);

#endif
