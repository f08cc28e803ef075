#include "service/http/request.h"

#include "routes/core/router.h"
#include "routes/http/method.h"
#include "service/http/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

static const char *const header_names[REQUEST_HEADER_COUNT] = {
    [REQUEST_ACCEPT] = "Accept",
    [REQUEST_AUTHORIZATION] = "Authorization",
    [REQUEST_CONTENT_ENCODING] = "Content-Encoding",
    [REQUEST_CONTENT_TYPE] = "Content-Type",
    [REQUEST_HOST] = "Host",
    [REQUEST_IF_MATCH] = "If-Match",
    [REQUEST_IF_NONE_MATCH] = "If-None-Match",
    [REQUEST_IDEMPOTENCY_KEY] = "Idempotency-Key",
    [REQUEST_LAST_EVENT_ID] = "Last-Event-ID",
    [REQUEST_LEASE_TOKEN] = "Lease-Token",
    [REQUEST_ORIGIN] = "Origin",
    [REQUEST_SEC_FETCH_SITE] = "Sec-Fetch-Site",
    [REQUEST_X_REQUEST_ID] = "X-Request-Id",
};

void request_ids_init(struct request_ids *ids)
{
    if (getrandom(&ids->process, sizeof(ids->process), 0) != sizeof(ids->process))
        abort();
    atomic_init(&ids->next, 1);
}

static void set_path_and_query(struct exchange *ex, struct slice target)
{
    const char *question = memchr(target.data, '?', target.len);
    const size_t path_len = question == NULL ? target.len : (size_t)(question - target.data);

    ex->path = path_len == 0 ? SLICE_LITERAL("/") : (struct slice){target.data, path_len};
    if (question != NULL)
        ex->query = (struct slice){question + 1, target.len - path_len - 1};
}

struct request *request_new(const char *target)
{
    const size_t len = strlen(target);
    struct request *request = calloc(1, sizeof(*request) + len + 1);

    if (request == NULL)
        abort();
    memcpy(request->target, target, len + 1);
    request->ex.method = METHOD_OTHER;
    /* In a target with scheme and authority, the path follows them (RFC 9112 §3.2.2). */
    const struct target_parts parts = target_split((struct slice){request->target, len});
    request->authority = parts.authority;
    set_path_and_query(&request->ex, parts.rest);
    return request;
}

void request_free(struct request *request)
{
    if (request == NULL)
        return;
    for (size_t i = 0; i < REQUEST_HEADER_COUNT; i++)
        buffer_release(&request->joined[i]);
    exchange_release(&request->ex);
    free(request);
}

/* Repeated lines of one header are equivalent to one line with commas (RFC 9110 §5.2). */
static void join_values(struct request *request, size_t i, struct slice value)
{
    struct slice *header = &request->ex.headers[i];
    struct buffer both = {0};

    buffer_add(&both, *header);
    buffer_add_text(&both, ", ");
    buffer_add(&both, value);
    buffer_release(&request->joined[i]);
    request->joined[i] = both;
    *header = buffer_slice(&both);
}

/* Trailing white space is not part of the value (RFC 9110 §5.5). libmicrohttpd removes leading
 * white space only. */
static struct slice trim_right(struct slice value)
{
    while (value.len > 0 && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
        value.len--;
    return value;
}

void request_header(struct request *request, const char *name, const char *value)
{
    const struct slice text = trim_right(slice_from(value == NULL ? "" : value));

    if (strcasecmp(name, "Content-Length") == 0)
        request->ex.content_length = strtoull(text.data, NULL, 10);
    if (strcasecmp(name, "Transfer-Encoding") == 0)
        request->ex.has_chunked_body = true;
    for (size_t i = 0; i < REQUEST_HEADER_COUNT; i++) {
        if (strcasecmp(name, header_names[i]) != 0)
            continue;
        if (request->ex.headers[i].data == NULL)
            request->ex.headers[i] = text;
        else
            join_values(request, i, text);
        return;
    }
}

struct slice request_authority(const struct request *request)
{
    return request->authority.data != NULL ? request->authority : request->ex.headers[REQUEST_HOST];
}

void request_wipe_credentials(struct request *request)
{
    const struct slice credentials = request->ex.headers[REQUEST_AUTHORIZATION];
    char *buffer;

    if (credentials.data == NULL)
        return;
    /* libmicrohttpd passes the value as constant, but it is in the connection's own buffer. */
    memcpy(&buffer, &credentials.data, sizeof(buffer));
    explicit_bzero(buffer, credentials.len);
    request->ex.headers[REQUEST_AUTHORIZATION] = (struct slice){0};
}

static bool is_safe_id(struct slice id)
{
    if (id.len == 0 || id.len > EXCHANGE_REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        const char c = id.data[i];
        const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~:/+=@", c) != NULL);
        if (!safe)
            return false;
    }
    return true;
}

static void format_hex(char *out, int digits, uint64_t number)
{
    while (digits-- > 0) {
        out[digits] = "0123456789abcdef"[number & 15];
        number >>= 4;
    }
}

void request_make_id(struct request_ids *ids, char *id)
{
    format_hex(id, 8, ids->process);
    id[8] = '-';
    format_hex(id + 9, 12, atomic_fetch_add_explicit(&ids->next, 1, memory_order_relaxed));
    id[21] = '\0';
}

void request_identify(struct request *request, struct request_ids *ids)
{
    const struct slice given = request->ex.headers[REQUEST_X_REQUEST_ID];
    char *id = request->ex.request_id;

    if (is_safe_id(given)) {
        memcpy(id, given.data, given.len);
        return;
    }
    request_make_id(ids, id);
}

void request_set_method(struct request *request, const char *method)
{
    snprintf(request->method, sizeof(request->method), "%s", method);
    request->ex.method = METHOD_OTHER;
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        if (strcmp(method, method_name((enum method)i)) == 0)
            request->ex.method = (enum method)i;
    }
}

/* 501 and 505 are faults of the client, which asked for something unknown. */
static bool is_server_error(int status)
{
    return status >= 500 && status != 501 && status != 505;
}

void request_log(const struct request *request, struct log *log, int64_t duration_us)
{
    const struct error *err = &request->ex.job.error;
    const bool is_error = is_server_error(request->ex.status);
    const enum log_level level = is_error ? LOG_ERROR : LOG_INFO;
    struct buffer line = {0};

    if (!log_is_enabled(log, level))
        return;
    buffer_reserve(&line, 512);
    log_begin(&line, level, "request");
    log_text(&line, "method", slice_from(request->method));
    log_text(&line, "path", request->ex.path);
    log_integer(&line, "status", request->ex.status);
    log_milliseconds(&line, "duration_ms", duration_us);
    log_integer(&line, "bytes", (int64_t)request->input_bytes);
    log_text(&line, "request_id", slice_from(request->ex.request_id));
    if (request->token_name[0] != '\0')
        log_text(&line, "token", slice_from(request->token_name));
    if (is_error && err->kind != ERROR_NONE)
        log_text(&line, "detail", slice_from(err->detail));
    log_end(log, &line, false);
    buffer_release(&line);
}
