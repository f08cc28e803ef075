#include "service/http/timeout_response.h"

#include "routes/core/problem.h"

#include <stdio.h>
#include <time.h>

/* RFC 9110 §5.6.7. The process sets no locale, so the names are English. */
static void add_date(struct buffer *out)
{
    const time_t now = time(NULL);
    char text[64];
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    buffer_add_text(out, text);
}

static const char *reason_phrase(int status)
{
    switch (status) {
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 503:
        return "Service Unavailable";
    default:
        return "";
    }
}

void early_response(struct buffer *out, const struct exchange *ex)
{
    buffer_printf(out, "HTTP/1.1 %d %s\r\n", ex->status, reason_phrase(ex->status));
    add_date(out);
    buffer_printf(out,
                  "Connection: close\r\nContent-Type: %s\r\nX-Request-Id: %s\r\n"
                  "Content-Length: %zu\r\n",
                  ex->content_type, ex->request_id, ex->response.len);
    for (size_t i = 0; i < ex->response_header_count; i++)
        buffer_printf(out, "%s: %s\r\n", ex->response_headers[i].name,
                      exchange_header_value(ex, i));
    buffer_add_text(out, "\r\n");
    if (ex->method != METHOD_HEAD)
        buffer_add(out, buffer_slice(&ex->response));
}

void timeout_response(struct buffer *out, struct slice path, const char *request_id,
                      int64_t timeout_ms)
{
    struct exchange ex = {.path = path.len == 0 ? SLICE_LITERAL("/") : path};
    struct error err;

    snprintf(ex.request_id, sizeof(ex.request_id), "%s", request_id);
    error_set(
        &err, ERROR_REQUEST_TIMEOUT, NULL,
        "the request did not arrive completely within %lld ms; nothing was changed; send it again",
        (long long)timeout_ms);
    problem_respond(&ex, &err);
    early_response(out, &ex);
    exchange_release(&ex);
}
