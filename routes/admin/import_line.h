/*
 * A line of /admin/import: a session or an entry as /admin/export writes it, with all its members
 * and no others. Plain reading; what a batch makes of its lines is routes/admin/import_body.h's.
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
    bool is_session; /* else an entry */
    unsigned seen;   /* members, as bits */
    struct slice texts[LINE_MEMBERS];
    int64_t numbers[LINE_MEMBERS]; /* times in µs; a status as its enum */
};

struct line_reader {
    struct buffer *texts; /* gets decoded strings; must have room for all: it must not move */
    size_t max_depth;     /* of a context or an entry */
    size_t count;         /* of the sessions and entries before */
    size_t number;        /* of the line, from 1; those that are blank count */
    int64_t latest_us;    /* of the times that are taken */
    struct error *err;
};

/* Reads the line, which holds more than white space, and moves bytes within it.
 * ERROR_MALFORMED_JSON, or ERROR_INVALID_PAYLOAD pointing at the line, from 0, and its member. */
MUST_USE bool line_read(struct line_reader *r, char *at, const char *end, struct line *out);

/* Decodes a string that is neither empty nor has a NUL. False for anything else. */
MUST_USE bool line_read_text(struct line_reader *r, struct slice raw, struct slice *out);

/* Refuses the line for what it is beside others. Returns false. */
bool line_refuse(struct line_reader *r, const char *why);

#endif
