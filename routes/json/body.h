/*
 * The payload of a request: a JSON object of a few known members. The scanner has the first word
 * (RFC 8259, and where each member's text stands); json-c gets the members to read, except that
 * nested arrays and objects are shown to it empty: their text is kept as it is, never parsed twice.
 */
#ifndef SESSIOND_ROUTES_JSON_BODY_H
#define SESSIOND_ROUTES_JSON_BODY_H

#include "db/store/session.h"

struct json_body;

/* ERROR_MALFORMED_JSON, or ERROR_INVALID_PAYLOAD when `body` is no object or has a member other
 * than `names` (NULL-terminated, at most 8). `body` is borrowed for the payload's life. */
MUST_USE bool json_body_new(struct slice body, size_t max_depth, const char *const *names,
                            struct json_body **out, struct error *err);

/* NULL is fine. */
void json_body_free(struct json_body *payload);

/* Refuses a payload that lacks one of `names` (NULL-terminated, at most ERROR_MISSING_MAX, with
 * static storage). The error names all that are missing. */
MUST_USE bool json_body_require(const struct json_body *payload, const char *const *names,
                                struct error *err);

bool json_body_has(const struct json_body *payload, const char *name);
bool json_body_is_null(const struct json_body *payload, const char *name);

/* A member that must be there and be a string of 1 to max_bytes bytes of UTF-8 without control
 * characters. The slice lives as long as the payload. */
MUST_USE bool json_body_text(const struct json_body *payload, const char *name, size_t max_bytes,
                             struct slice *out, struct error *err);

/* The member's own text, if it is an object. Its data is NULL when there is no such member. */
MUST_USE bool json_body_object(const struct json_body *payload, const char *name, struct slice *out,
                               struct error *err);

/* A member that is a whole number from `least` to `most`; it must be there. */
MUST_USE bool json_body_integer(const struct json_body *payload, const char *name, int64_t least,
                                int64_t most, int64_t *out, struct error *err);

/* A member that is true or false; false when it is not there. */
MUST_USE bool json_body_flag(const struct json_body *payload, const char *name, bool *out,
                             struct error *err);

/* The member's status, if it names one. `present` tells whether there is such a member. */
MUST_USE bool json_body_status(const struct json_body *payload, const char *name, bool *present,
                               enum session_status *out, struct error *err);

#endif
