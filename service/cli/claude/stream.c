#include "service/cli/claude/stream.h"

#include "routes/json/scan.h"
#include "routes/json/skip.h"
#include "routes/json/writer.h"
#include "service/cli/api_response.h"
#include "service/cli/claude/line.h"
#include "service/cli/retry.h"

#include <stdio.h>

/* deeper than any entry that can be configured, inside a page */
#define MAX_DEPTH 10010
#define PAGE_ENTRIES 1000
#define PROBLEM "urn:sessiond:problem:"

void claude_stream_open(struct claude_stream *stream, const struct config *config,
                        const char *session_id, struct slice name)
{
    *stream = (struct claude_stream){.config = config};
    memcpy(stream->session_id, session_id, UUID_SIZE);
    buffer_printf(&stream->target, "/sessions/%s/entries?stream=", session_id);
    /* Unreserved characters stay as they are (RFC 3986 §2.3). */
    for (size_t i = 0; i < name.len; i++) {
        const unsigned char c = (unsigned char)name.data[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-')
            buffer_add_char(&stream->target, name.data[i]);
        else
            buffer_printf(&stream->target, "%%%02X", c);
    }
    buffer_add_char(&stream->target, '\0');
}

void claude_stream_close(struct claude_stream *stream)
{
    buffer_release(&stream->target);
}

/* --- Responses -------------------------------------------------------------------------------- */

/* Limits the body to the size of a page, which has at least one entry, and an entry is at most as
 * long as a body. */
static bool read_body(const struct config *config, struct http_response *response,
                      struct buffer *out, struct error *err)
{
    const int64_t max_bytes = 2 * config->max_body_bytes + config->max_page_bytes;
    char part[16384];
    ssize_t count;

    while ((count = http_client_read(response, part, sizeof(part), err)) > 0) {
        buffer_add(out, (struct slice){part, (size_t)count});
        if ((int64_t)out->len > max_bytes)
            return error_set(err, ERROR_INTERNAL, NULL,
                             "a response has more than %lld bytes; run this command with the "
                             "--max-body-size and --max-page-size of the service",
                             (long long)max_bytes);
    }
    return count == 0;
}

static bool is_object(struct slice body)
{
    struct json_outline outline;
    struct error ignored;

    return json_scan(body, MAX_DEPTH, &outline, &ignored) && outline.type == JSON_OBJECT;
}

/* Decodes the text of a member into *out, NUL-terminated; "" when there is none. */
static const char *decode_member(struct slice object, const char *name, struct buffer *out)
{
    if (!claude_line_text(object, name, out))
        out->len = 0;
    buffer_add_char(out, '\0');
    return out->data;
}

static void set_lease_error(struct slice problem, struct error *err)
{
    struct buffer owner = {0};
    struct buffer end = {0};

    error_set(err, ERROR_LEASE_HELD, NULL,
              "\"%.64s\" has a lease on the session until %.40s; import the file again afterwards",
              decode_member(problem, "owner", &owner), decode_member(problem, "expires_at", &end));
    buffer_release(&owner);
    buffer_release(&end);
}

/* Sets *err from a problem+json document. */
static void set_problem_error(int status, struct slice problem, struct error *err)
{
    struct buffer type = {0};
    struct buffer detail = {0};
    const char *name = decode_member(problem, "type", &type);
    const char *text = decode_member(problem, "detail", &detail);

    if (strcmp(name, PROBLEM "lease-held") == 0)
        set_lease_error(problem, err);
    else if (strcmp(name, PROBLEM "session-exists") == 0)
        error_set(err, ERROR_SESSION_EXISTS, NULL, "%.180s", text);
    else if (strcmp(name, PROBLEM "precondition-failed") == 0)
        error_set(err, ERROR_PRECONDITION_FAILED, NULL,
                  "another client appends to the stream; import the file again");
    else if (strcmp(name, PROBLEM "not-found") == 0)
        error_set(err, ERROR_NOT_FOUND, NULL,
                  "the session was deleted during the import; import the file again");
    else
        error_set(err, ERROR_INTERNAL, NULL, "the service returned status %d: %.160s", status,
                  text);
    buffer_release(&type);
    buffer_release(&detail);
}

static enum claude_result classify_status(int status)
{
    switch (status) {
    case 400:
    case 413:
    case 422:
        return CLAUDE_REFUSED;
    case 404:
    case 409:
    case 410:
    case 412:
        return CLAUDE_STOPPED;
    default:
        return status >= 200 && status < 300 ? CLAUDE_DONE : CLAUDE_FAILED;
    }
}

static enum claude_result read_response(const struct config *config, struct http_response *response,
                                        struct buffer *body, struct error *err)
{
    const enum claude_result result = classify_status(response->status);

    if (response->status == 401 || response->status == 403) {
        if (!api_response_set_problem(config, response, err))
            return CLAUDE_FAILED;
    }
    if (!read_body(config, response, body, err))
        return CLAUDE_FAILED;
    const struct slice text = buffer_slice(body);
    if (!is_object(text)) {
        error_set(err, ERROR_INTERNAL, NULL, "the service returned status %d without a JSON object",
                  response->status);
        return CLAUDE_FAILED;
    }
    if (result != CLAUDE_DONE)
        set_problem_error(response->status, text, err);
    return result;
}

/* CLAUDE_DONE: *body is a JSON object that json_scan() accepts. */
static enum claude_result send_request(const struct config *config,
                                       const struct http_request *request, struct buffer *body,
                                       struct error *err)
{
    struct http_response response;

    body->len = 0;
    if (!command_retry_send(config, request, &response, err))
        return CLAUDE_FAILED;
    const enum claude_result result = read_response(config, &response, body, err);
    http_client_close(&response);
    return result;
}

/* Reads a member that is a non-negative integer of at most 18 digits. */
static bool read_number(struct slice object, const char *name, int64_t *out, struct error *err)
{
    const struct slice text = claude_line_member(object, name);
    int64_t number = 0;

    if (text.data == NULL || text.len == 0 || text.len > 18)
        return api_response_reject(err, "a number is missing");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return api_response_reject(err, "a number is missing");
        number = number * 10 + (text.data[i] - '0');
    }
    *out = number;
    return true;
}

/* --- The session ------------------------------------------------------------------------------ */

enum claude_result claude_stream_create(const struct claude_stream *stream, struct slice project,
                                        struct error *err)
{
    struct buffer body = {0};
    struct buffer response = {0};
    char path[64];

    snprintf(path, sizeof(path), "/sessions/%s", stream->session_id);
    buffer_add_text(&body, "{\"project_path\":");
    json_add_string(&body, project);
    buffer_add_text(&body, ",\"thread_id\":");
    json_add_string(&body, slice_from(stream->config->thread));
    buffer_add_char(&body, '}');
    const struct http_request request = {"PUT", path, "application/json", buffer_slice(&body)};
    const enum claude_result result = send_request(stream->config, &request, &response, err);
    buffer_release(&body);
    buffer_release(&response);
    return result;
}

enum claude_result claude_stream_project(const struct claude_stream *stream, struct buffer *project,
                                         bool *is_other_thread, struct error *err)
{
    struct buffer response = {0};
    struct buffer thread = {0};
    char path[64];

    snprintf(path, sizeof(path), "/sessions/%s", stream->session_id);
    const struct http_request request = {.method = "GET", .path = path};
    const enum claude_result result = send_request(stream->config, &request, &response, err);
    if (result == CLAUDE_DONE) {
        const struct slice session = buffer_slice(&response);
        *is_other_thread = !claude_line_text(session, "thread_id", &thread) ||
                           !slice_is(buffer_slice(&thread), stream->config->thread);
        if (!claude_line_text(session, "project_path", project))
            project->len = 0;
    }
    buffer_release(&response);
    buffer_release(&thread);
    return result;
}

/* --- The stream ------------------------------------------------------------------------------- */

/* Adds the entry of `item`, an element of the page. */
static bool add_entry(struct claude_digests *digests, struct buffer *page, struct slice item,
                      struct error *err)
{
    struct slice entry = {0};
    struct claude_line line;

    if (item.data[0] == '{')
        entry = claude_line_member(item, "entry");
    if (entry.data == NULL)
        return api_response_reject(err, "it is not a page of entries");
    if (!claude_line_parse(page->data + (entry.data - page->data), entry.len, &line, err))
        return false;
    claude_digests_store(digests, line.uuid, line.text);
    claude_line_release(&line);
    return true;
}

static bool add_page(struct claude_digests *digests, struct buffer *page, struct error *err)
{
    const struct slice entries = claude_line_member(buffer_slice(page), "entries");
    const char *end = page->data + page->len;

    if (entries.data == NULL || entries.data[0] != '[')
        return api_response_reject(err, "it is not a page of entries");
    const char *at = json_skip_space(entries.data + 1, end);
    while (*at != ']') {
        const char *value = at;
        at = json_skip_space(json_skip_value(at, end), end);
        if (!add_entry(digests, page, (struct slice){value, (size_t)(at - value)}, err))
            return false;
        if (*at == ',')
            at = json_skip_space(at + 1, end);
    }
    return true;
}

/* Adds a page of entries after *after, and advances *after. */
static bool parse_page(struct claude_stream *stream, struct claude_digests *digests,
                       struct buffer *page, int64_t *after, struct error *err)
{
    const struct slice text = buffer_slice(page);
    int64_t next = 0;

    if (!read_number(text, "next_after", &next, err) ||
        !read_number(text, "last_seq", &stream->last_seq, err))
        return false;
    if (next <= *after && next != stream->last_seq)
        return api_response_reject(err, "it is not a page of entries");
    *after = next;
    return add_page(digests, page, err);
}

static enum claude_result load_page(struct claude_stream *stream, struct claude_digests *digests,
                                    int64_t *after, struct error *err)
{
    struct buffer path = {0};
    struct buffer page = {0};

    buffer_printf(&path, "%s&after=%lld&limit=%d", stream->target.data, (long long)*after,
                  PAGE_ENTRIES);
    buffer_add_char(&path, '\0');
    const struct http_request request = {.method = "GET", .path = path.data};
    enum claude_result result = send_request(stream->config, &request, &page, err);
    if (result == CLAUDE_DONE && !parse_page(stream, digests, &page, after, err))
        result = CLAUDE_FAILED;
    buffer_release(&path);
    buffer_release(&page);
    return result;
}

enum claude_result claude_stream_load(struct claude_stream *stream, struct claude_digests *digests,
                                      struct error *err)
{
    enum claude_result result;
    int64_t after = 0;

    do
        result = load_page(stream, digests, &after, err);
    while (result == CLAUDE_DONE && after < stream->last_seq);
    return result;
}

enum claude_result claude_stream_append(struct claude_stream *stream, struct slice lines,
                                        struct error *err)
{
    struct buffer path = {0};
    struct buffer response = {0};

    buffer_printf(&path, "%s&expect_last_seq=%lld", stream->target.data,
                  (long long)stream->last_seq);
    buffer_add_char(&path, '\0');
    const struct http_request request = {"POST", path.data, "application/x-ndjson", lines};
    enum claude_result result = send_request(stream->config, &request, &response, err);
    if (result == CLAUDE_DONE &&
        !read_number(buffer_slice(&response), "last_seq", &stream->last_seq, err))
        result = CLAUDE_FAILED;
    buffer_release(&path);
    buffer_release(&response);
    return result;
}
