/*
 * What a command does with a response of the running service. Nothing of it is trusted: bodies have
 * a limit, JSON is checked by the scanner of the routes before json-c parses it, and each accessor
 * checks the type of what it returns.
 */
#ifndef SESSIOND_SERVICE_CLI_API_RESPONSE_H
#define SESSIOND_SERVICE_CLI_API_RESPONSE_H

#include "service/cli/http_client.h"

struct buffer;
struct json_object; /* json-c's */

/* Succeeds when the body has this media type. */
MUST_USE bool api_response_has_type(const struct http_response *response, const char *type,
                                    struct error *err);

/* Reads to the end of the body, which may have `most` bytes, and adds it to *out. */
MUST_USE bool api_response_read(struct http_response *response, size_t max_bytes,
                                struct buffer *out, struct error *err);

/* Reads a JSON object of at most `most` bytes. The caller frees *out with api_response_free(). */
MUST_USE bool api_response_parse(struct http_response *response, size_t max_bytes,
                                 struct json_object **out, struct error *err);

/* Says why the service refused: its own words, or which token it wants. Always fails. */
MUST_USE bool api_response_set_problem(const struct config *config, struct http_response *response,
                                       struct error *err);

/* Sets `err` to say that the response is not one of sessiond, and `what` is wrong. Always fails. */
bool api_response_is_foreign(struct error *err, const char *what);

/* Members of `object`, which may be NULL or no object. They borrow from it. NULL or false when
 * there is no member of this name and type; *out is then left alone. */
struct json_object *api_response_object(struct json_object *object, const char *name);
struct json_object *api_response_array(struct json_object *object, const char *name);
bool api_response_number(struct json_object *object, const char *name, int64_t *out);
bool api_response_text(struct json_object *object, const char *name, struct slice *out);
bool api_response_is_true(struct json_object *object, const char *name);

/* Adds a count to *sum, which is not negative. False when there is no such member, it is negative
 * or the sum overflows; *sum is then left alone. */
MUST_USE bool api_response_add(struct json_object *object, const char *name, int64_t *sum);

size_t api_response_count(struct json_object *array);
struct json_object *api_response_at(struct json_object *array, size_t index);

/* The text of an element that is a string, otherwise empty. */
struct slice api_response_text_at(struct json_object *array, size_t index);

/* NULL is legal. */
void api_response_free(struct json_object *object);

#endif
