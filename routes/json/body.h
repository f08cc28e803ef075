/*
 * The payload of a request: a JSON object with a few known members. The scanner validates the text
 * first (RFC 8259) and records the position of each member's text. json-c then parses the members,
 * except that it gets nested arrays and objects as empty ones: their text is kept as sent and is
 * not parsed a second time.
 *
 * Threads: a payload is constant after json_body_new(); any thread may read it.
 * Errors: when memory runs out, the process aborts. Otherwise the functions below fail with
 * ERROR_INVALID_PAYLOAD, whose field is a JSON pointer to the member.
 */
#ifndef SESSIOND_ROUTES_JSON_BODY_H
#define SESSIOND_ROUTES_JSON_BODY_H

#include "db/store/session.h"

struct json_body;

/* Parses `body`, which is borrowed until json_body_free(). `names` are all members that it may have
 * (NULL-terminated, at most 8). ERROR_MALFORMED_JSON; ERROR_INVALID_PAYLOAD when `body` is no
 * object or has another member. The caller frees *out. */
MUST_USE bool json_body_new(struct slice body, size_t max_depth, const char *const *names,
                            struct json_body **out, struct error *err);

/* Does nothing when `payload` is NULL. */
void json_body_free(struct json_body *payload);

/* Returns false when a member of `names` is missing (NULL-terminated, at most ERROR_MISSING_MAX,
 * with static storage). The error lists all missing members. */
MUST_USE bool json_body_require(const struct json_body *payload, const char *const *names,
                                struct error *err);

/* Whether the payload has the member, and whether the member is null. */
bool json_body_has(const struct json_body *payload, const char *name);
bool json_body_is_null(const struct json_body *payload, const char *name);

/* Reads a required member: a string of 1 to max_bytes bytes of UTF-8 without control characters.
 * The slice is valid until json_body_free(). */
MUST_USE bool json_body_text(const struct json_body *payload, const char *name, size_t max_bytes,
                             struct slice *out, struct error *err);

/* Reads an optional member that is an object: its text as sent, a part of `body`. The data of *out
 * is NULL when the member is missing. */
MUST_USE bool json_body_object(const struct json_body *payload, const char *name, struct slice *out,
                               struct error *err);

/* Reads a required member: a whole number from `least` to `most`. */
MUST_USE bool json_body_integer(const struct json_body *payload, const char *name, int64_t least,
                                int64_t most, int64_t *out, struct error *err);

/* Reads an optional boolean member; *out is false when the member is missing. */
MUST_USE bool json_body_flag(const struct json_body *payload, const char *name, bool *out,
                             struct error *err);

/* Reads an optional member that is the name of a status. *present is false when the member is
 * missing; *out is then unchanged. */
MUST_USE bool json_body_status(const struct json_body *payload, const char *name, bool *present,
                               enum session_status *out, struct error *err);

#endif
