/*
 * The strict JSON scanner that runs before json-c. It decides whether a text is JSON, and reports
 * the position of the first error.
 *
 * It accepts exactly what RFC 8259 allows, with these additional requirements:
 *   - the bytes are valid UTF-8 (RFC 3629), without a byte order mark;
 *   - no object has two members of the same name, compared after decoding escapes: "a" and "\u0061"
 *     are the same name;
 *   - at most max_depth arrays and objects are open at the same time.
 * Numbers may have any size and precision; "\ud800" is a valid string.
 *
 * Pure function, any thread. Time is linear in the text and n log n in the members of one object,
 * for hostile texts too. The stack does not grow with the nesting; the heap grows only with the
 * nesting and the names in open objects.
 */
#ifndef SESSIOND_ROUTES_JSON_SCAN_H
#define SESSIOND_ROUTES_JSON_SCAN_H

#include "db/base/error.h"
#include "db/base/slice.h"
#include "routes/json/string.h"

/* json-c already uses the name json_type. */
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
    struct slice name;  /* raw: the text between the quotes */
    struct slice value; /* raw, without the white space around it */
    enum json_kind type;
};

#define JSON_OUTLINE_MEMBERS 8

/* The top-level value and its members. The slices are borrowed from the scanned text. */
struct json_outline {
    enum json_kind type;
    size_t member_count;                              /* all members if it is an object, else 0 */
    struct json_member members[JSON_OUTLINE_MEMBERS]; /* the first ones, in order */
};

/*
 * Scans the whole text. `out` may be NULL.
 *
 * ERROR_MALFORMED_JSON: the detail begins with "line L, column C: ", both counted from 1, columns
 * in bytes, lines ended by U+000A. It names what was found or expected there, always in printable
 * ASCII. When memory runs out, the process aborts.
 */
MUST_USE bool json_scan(struct slice text, size_t max_depth, struct json_outline *out,
                        struct error *err);

#endif
