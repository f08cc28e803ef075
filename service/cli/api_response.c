#include "service/cli/api_response.h"

#include "routes/core/buffer.h"
#include "routes/json/scan.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>

#define MAX_DEPTH 16
#define PROBLEM_MAX_BYTES 16384

bool api_response_reject(struct error *err, const char *what)
{
    return error_set(err, ERROR_INTERNAL, NULL,
                     "the response is not from sessiond: %s; check --listen", what);
}

bool api_response_has_type(const struct http_response *response, const char *type,
                           struct error *err)
{
    char what[160];

    if (strcmp(response->type, type) == 0)
        return true;
    snprintf(what, sizeof(what), "its Content-Type is \"%.60s\", not %s", response->type, type);
    return api_response_reject(err, what);
}

bool api_response_read(struct http_response *response, size_t max_bytes, struct buffer *out,
                       struct error *err)
{
    char part[4096];
    ssize_t count;

    while ((count = http_client_read(response, part, sizeof(part), err)) > 0) {
        if (out->len + (size_t)count > max_bytes)
            return api_response_reject(err, "it is too long");
        buffer_add(out, (struct slice){part, (size_t)count});
    }
    return count == 0;
}

/* json-c alone would accept more than JSON, and would use the last of duplicate members. */
static bool parse_object(struct slice text, struct json_object **out, struct error *err)
{
    struct json_outline outline;
    struct error reason;

    if (text.len > INT_MAX || !json_scan(text, MAX_DEPTH, &outline, &reason) ||
        outline.type != JSON_OBJECT)
        return api_response_reject(err, "its body is not a JSON object");
    struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH + 1);
    if (tokener == NULL)
        abort();
    struct json_object *object = json_tokener_parse_ex(tokener, text.data, (int)text.len);
    json_tokener_free(tokener);
    if (object == NULL)
        return api_response_reject(err, "its body cannot be parsed");
    *out = object;
    return true;
}

bool api_response_parse(struct http_response *response, size_t max_bytes, struct json_object **out,
                        struct error *err)
{
    struct buffer body = {0};

    const bool ok = api_response_has_type(response, "application/json", err) &&
                    api_response_read(response, max_bytes, &body, err) &&
                    parse_object(buffer_slice(&body), out, err);
    buffer_release(&body);
    return ok;
}

/* A token of --token-file cannot be sent, since that file stores only digests. */
static bool set_token_error(const struct config *config, int status, struct error *err)
{
    return error_set(err, ERROR_INTERNAL, NULL,
                     "the service returned status %d: %s a token of scope admin "
                     "(the file of --token-file has only digests, which cannot be sent)",
                     status,
                     config->token == NULL ? "set SESSIOND_TOKEN to"
                                           : "SESSIOND_TOKEN is set, but it is not");
}

bool api_response_set_problem(const struct config *config, struct http_response *response,
                              struct error *err)
{
    struct json_object *problem = NULL;
    struct buffer body = {0};
    struct slice detail = {"", 0};
    struct error ignored;

    if (response->status == 401 || response->status == 403)
        return set_token_error(config, response->status, err);
    if (api_response_read(response, PROBLEM_MAX_BYTES, &body, &ignored) &&
        parse_object(buffer_slice(&body), &problem, &ignored))
        api_response_text(problem, "detail", &detail);
    error_set(err, ERROR_INTERNAL, NULL, "the service returned status %d%s%.*s", response->status,
              detail.len == 0 ? "" : ": ", (int)detail.len, detail.data);
    api_response_free(problem);
    buffer_release(&body);
    return false;
}

static struct json_object *find_member(struct json_object *object, const char *name, json_type type)
{
    struct json_object *found = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, name, &found) || !json_object_is_type(found, type))
        return NULL;
    return found;
}

struct json_object *api_response_object(struct json_object *object, const char *name)
{
    return find_member(object, name, json_type_object);
}

struct json_object *api_response_array(struct json_object *object, const char *name)
{
    return find_member(object, name, json_type_array);
}

bool api_response_number(struct json_object *object, const char *name, int64_t *out)
{
    struct json_object *found = find_member(object, name, json_type_int);

    if (found == NULL)
        return false;
    *out = json_object_get_int64(found);
    return true;
}

bool api_response_add(struct json_object *object, const char *name, int64_t *sum)
{
    int64_t count;

    if (!api_response_number(object, name, &count) || count < 0 || count > INT64_MAX - *sum)
        return false;
    *sum += count;
    return true;
}

static struct slice string_slice(struct json_object *string)
{
    return (struct slice){json_object_get_string(string),
                          (size_t)json_object_get_string_len(string)};
}

bool api_response_text(struct json_object *object, const char *name, struct slice *out)
{
    struct json_object *found = find_member(object, name, json_type_string);

    if (found == NULL)
        return false;
    *out = string_slice(found);
    return true;
}

bool api_response_is_true(struct json_object *object, const char *name)
{
    return json_object_get_boolean(find_member(object, name, json_type_boolean));
}

size_t api_response_count(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

struct json_object *api_response_at(struct json_object *array, size_t index)
{
    return index < api_response_count(array) ? json_object_array_get_idx(array, index) : NULL;
}

struct slice api_response_text_at(struct json_object *array, size_t index)
{
    struct json_object *found = api_response_at(array, index);

    return json_object_is_type(found, json_type_string) ? string_slice(found)
                                                        : (struct slice){"", 0};
}

void api_response_free(struct json_object *object)
{
    json_object_put(object);
}
