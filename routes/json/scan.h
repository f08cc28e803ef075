/*
 * The strict JSON scanner that stands in front of json-c: it decides whether
 * a text is JSON at all, and says where it is not.
 *
 * Accepted is exactly what RFC 8259 allows, and on top of it:
 *   - the bytes are valid UTF-8 (RFC 3629), without a byte order mark;
 *   - no object has two members of the same name, compared after escapes are
 *     decoded, so "a" and "\u0061" are one name;
 *   - at most max_depth arrays and objects are open at the same time.
 * Numbers may be of any size and precision; "\ud800" is a valid string.
 *
 * Pure: no state, any thread. Time is linear in the text, n log n in the
 * members of one object, however hostile the text; the stack does not grow
 * with nesting, the heap only with the nesting and the names in open objects.
 */
#ifndef SESSIOND_ROUTES_JSON_SCAN_H
#define SESSIOND_ROUTES_JSON_SCAN_H

#include "db/base/error.h"
#include "db/base/slice.h"
#include "routes/json/string.h"

/* Not json_type: json-c has that name. */
enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_member {
    struct slice name;  /* raw: what stands between its quotes */
    struct slice value; /* raw, without the white space around it */
    enum json_kind type;
};

#define JSON_OUTLINE_MEMBERS 8

/* The top-level value. The slices point into the scanned text. */
struct json_outline {
    enum json_kind type;
    size_t member_count;                              /* all members if it is an object, else 0 */
    struct json_member members[JSON_OUTLINE_MEMBERS]; /* the first ones, in order */
};

/*
 * Scans the whole of `text`. *out may be NULL.
 *
 * ERROR_MALFORMED_JSON: the detail begins with "line L, column C: ", both from
 * 1, columns in bytes, lines ended by U+000A, and says what stands there or
 * what should. It is printable ASCII whatever the text.
 */
MUST_USE bool json_scan(struct slice text, size_t max_depth, struct json_outline *out,
                        struct error *err);

#endif
