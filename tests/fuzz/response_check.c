#include "tests/fuzz/response_check.h"

#include "routes/json/utf8.h"
#include "tests/fuzz/expect.h"

#include <json-c/json.h>

#define RESPONSE_DEPTH 128

static void check_utf8(struct slice text)
{
    const char *end = text.data + text.len;

    for (const char *at = text.data; at < end;) {
        const size_t len = (unsigned char)*at < 0x80 ? 1 : json_utf8_length(at, end);
        expect(len > 0, "a response that is no UTF-8", text);
        at += len;
    }
}

static void check_json(struct slice text)
{
    struct json_tokener *tokener = json_tokener_new_ex(RESPONSE_DEPTH);

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *value = json_tokener_parse_ex(tokener, text.data, (int)text.len);
    expect(json_tokener_get_error(tokener) == json_tokener_success &&
               json_tokener_get_parse_end(tokener) == text.len &&
               json_object_is_type(value, json_type_object),
           "a response that is no JSON object", text);
    json_object_put(value);
    json_tokener_free(tokener);
}

static void check_lines(struct slice text)
{
    while (text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        expect(end != NULL, "a line without an end", text);
        const struct slice line = {text.data, (size_t)(end - text.data)};
        check_json(line);
        text.data += line.len + 1;
        text.len -= line.len + 1;
    }
}

static void check_headers(const struct exchange *ex)
{
    for (size_t i = 0; i < ex->response_header_count; i++) {
        const char *value = exchange_header_value(ex, i);
        for (const char *at = value; *at != '\0'; at++)
            expect(*at >= ' ' && *at <= '~', "a header with another character", slice_from(value));
    }
}

void response_check(const struct route_client *client, int status, bool texts_are_json)
{
    static const char json[] = "application/json";
    static const char problem[] = "application/problem+json";
    static const char lines[] = "application/x-ndjson";
    const struct exchange *ex = &client->ex;
    const struct slice body = buffer_slice(&client->body);
    const struct slice type = slice_from(ex->content_type);

    expect(status == STREAM_CUT || (status >= 200 && status <= 599), "no status", ex->path);
    expect(ex->job.error.kind != ERROR_OUTCOME_UNKNOWN && ex->job.error.kind != ERROR_READ_TIMEOUT,
           ex->job.error.detail, ex->path);
    check_headers(ex);
    /* A stored text that is no JSON goes into the response as it is, but for an export. */
    if (status == STREAM_CUT || ex->sends_snapshot ||
        (!texts_are_json && ex->route != &route_export) || ex->job.idempotency.replayed)
        return;
    check_utf8(body);
    if (slice_is(type, json) || slice_is(type, problem))
        check_json(body);
    else if (slice_is(type, lines))
        check_lines(body);
}
