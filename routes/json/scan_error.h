/*
 * Error messages of the JSON scanner: the position, what was found there, and what was expected.
 * Printable ASCII whatever the text. Pure functions, any thread.
 */
#ifndef SESSIOND_ROUTES_JSON_SCAN_ERROR_H
#define SESSIOND_ROUTES_JSON_SCAN_ERROR_H

#include "db/base/error.h"
#include "db/base/slice.h"

/* Each function sets *err to ERROR_MALFORMED_JSON. `at` points into `text` or to its end. */

/* The detail is "line 1, column 2: " and the formatted message. */
void json_scan_error(struct slice text, const char *at, struct error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The detail is "…: found 'x' where `what` is expected", or "…: the text ends where …". */
void json_scan_error_expected(struct slice text, const char *at, struct error *err,
                              const char *what);

/* `name` is the raw text of the duplicate: its second occurrence in `text`. */
void json_scan_error_repeated_name(struct slice text, struct slice name, struct error *err);

#endif
