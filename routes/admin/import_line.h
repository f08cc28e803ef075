/*
 * Parses a line of /admin/import: a session or an entry as /admin/export writes it, with all its
 * members and no others. routes/admin/import_body.h combines the lines of a batch.
 *
 * Threads: any; a reader has one user at a time.
 */
#ifndef SESSIOND_ROUTES_ADMIN_IMPORT_LINE_H
#define SESSIOND_ROUTES_ADMIN_IMPORT_LINE_H

#include "db/base/error.h"
#include "routes/core/buffer.h"

enum line_member {
    LINE_TYPE,
    LINE_ID,
    LINE_PROJECT_PATH,
    LINE_THREAD_ID,
    LINE_STATUS,
    LINE_VERSION,
    LINE_CREATED_AT,
    LINE_UPDATED_AT,
    LINE_RECOVERED_AT,
    LINE_PARENT_ID,
    LINE_LEASE_TOKEN,
    LINE_CONTEXT,
    LINE_SESSION_ID,
    LINE_STREAM,
    LINE_SEQ,
    LINE_ENTRY,
    LINE_MEMBERS
};

struct line {
    bool is_session;                  /* false: an entry */
    unsigned seen;                    /* members, as bits */
    struct slice texts[LINE_MEMBERS]; /* point into the line or into line_reader.texts */
    int64_t numbers[LINE_MEMBERS];    /* times in µs since 1970; a status as its enum */
};

struct line_reader {
    struct buffer *texts; /* borrowed; receives decoded strings; has capacity for all of them,
                             because it must not move */
    size_t max_depth;     /* nesting limit of a context or an entry */
    size_t count;         /* number of sessions and entries read before */
    size_t number;        /* of the line, from 1, blank lines included */
    int64_t latest_us;    /* later times are rejected; µs since 1970 */
    struct error *err;    /* borrowed */
};

/* Parses the line, which must not be blank, and compacts its context or entry in place. On failure
 * sets the error: ERROR_MALFORMED_JSON, or ERROR_INVALID_PAYLOAD, whose field points to the line,
 * counted from 0, and its member. */
MUST_USE bool line_read(struct line_reader *r, char *at, const char *end, struct line *out);

/* Decodes a JSON string. Returns false for another value and for a string with U+0000 or a lone
 * surrogate. *out points into r->texts. */
MUST_USE bool line_read_text(struct line_reader *r, struct slice raw, struct slice *out);

/* Sets the error ERROR_INVALID_PAYLOAD for the whole line. Returns false. */
bool line_reject(struct line_reader *r, const char *why);

#endif
