/*
 * Reads responses of the running service in a command. The content is not trusted: bodies have a
 * size limit, the JSON scanner of the routes checks them before json-c parses them, and each
 * accessor checks the type that it returns.
 */
#ifndef SESSIOND_SERVICE_CLI_API_RESPONSE_H
#define SESSIOND_SERVICE_CLI_API_RESPONSE_H

#include "service/cli/http_client.h"

struct buffer;
struct json_object; /* of json-c */

/* Fails when the body does not have this media type. */
MUST_USE bool api_response_has_type(const struct http_response *response, const char *type,
                                    struct error *err);

/* Reads the rest of the body, at most `max_bytes`, and appends it to *out. Fails when the body is
 * longer or the connection fails. */
MUST_USE bool api_response_read(struct http_response *response, size_t max_bytes,
                                struct buffer *out, struct error *err);

/* Reads a JSON object of at most `max_bytes`. The caller frees *out with api_response_free(). Fails
 * when the body is not JSON or not an object. */
MUST_USE bool api_response_parse(struct http_response *response, size_t max_bytes,
                                 struct json_object **out, struct error *err);

/* Sets `err` from an error response: the detail of its problem, or the token that is missing.
 * Always returns false. */
MUST_USE bool api_response_set_problem(const struct config *config, struct http_response *response,
                                       struct error *err);

/* Sets `err`: the response is not one of sessiond, because `what` is wrong. Always returns
 * false. */
bool api_response_reject(struct error *err, const char *what);

/* Members of `object`, which may be NULL or of another type. The results are borrowed from it.
 * Return NULL or false when there is no member with this name and type; *out is unchanged then. */
struct json_object *api_response_object(struct json_object *object, const char *name);
struct json_object *api_response_array(struct json_object *object, const char *name);
bool api_response_number(struct json_object *object, const char *name, int64_t *out);
bool api_response_text(struct json_object *object, const char *name, struct slice *out);
bool api_response_is_true(struct json_object *object, const char *name);

/* Adds a member that is a count to *sum, which must not be negative. Returns false, and leaves *sum
 * unchanged, when the member is missing or negative or the sum overflows. */
MUST_USE bool api_response_add(struct json_object *object, const char *name, int64_t *sum);

/* Returns the number of elements; 0 when `array` is NULL or not an array. */
size_t api_response_count(struct json_object *array);

/* Returns an element, borrowed from `array`; NULL beyond the end. */
struct json_object *api_response_at(struct json_object *array, size_t index);

/* Returns the text of an element that is a string; otherwise an empty text. */
struct slice api_response_text_at(struct json_object *array, size_t index);

/* `object` may be NULL. */
void api_response_free(struct json_object *object);

#endif
