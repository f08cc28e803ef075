/*
 * The words for a text that is no JSON: where it goes wrong, what stands
 * there, and what should. Printable ASCII whatever the text.
 */
#ifndef SESSIOND_ROUTES_JSON_SCAN_ERROR_H
#define SESSIOND_ROUTES_JSON_SCAN_ERROR_H

#include "db/base/error.h"
#include "db/base/slice.h"

/* Each sets *err to ERROR_MALFORMED_JSON. `at` points into `text` or to its end. */

/* "line 1, column 2: " and then the format's words. */
void json_scan_error(struct slice text, const char *at, struct error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "…: found 'x' where … is expected", or "the text ends where …". */
void json_scan_error_expected(struct slice text, const char *at, struct error *err,
                              const char *what);

/* `name` is raw and stands twice; `text` holds it the second time. */
void json_scan_error_repeated_name(struct slice text, struct slice name, struct error *err);

#endif
