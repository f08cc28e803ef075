#include "service/timeout_answer.h"

#include "routes/problem.h"

#include <stdio.h>
#include <time.h>

/* RFC 9110 §5.6.7, whatever the locale. */
static void add_date(struct buffer *out)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const time_t now = time(NULL);
    struct tm utc;

    gmtime_r(&now, &utc);
    buffer_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[utc.tm_wday],
                  utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                  utc.tm_sec);
}

void timeout_answer(struct buffer *out, struct slice path, const char *request_id,
                    int64_t timeout_ms)
{
    struct exchange ex = {.path = path.len == 0 ? SLICE_LITERAL("/") : path};
    struct error err;

    snprintf(ex.request_id, sizeof(ex.request_id), "%s", request_id);
    error_set(&err, ERROR_REQUEST_TIMEOUT, NULL,
              "the request has to arrive wholly within %lld ms; nothing was changed; send it again",
              (long long)timeout_ms);
    problem_answer(&ex, &err);
    buffer_add_text(out, "HTTP/1.1 408 Request Timeout\r\n");
    add_date(out);
    buffer_printf(out,
                  "Connection: close\r\nContent-Type: %s\r\nX-Request-Id: %s\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  ex.content_type, ex.request_id, ex.response.len);
    buffer_add(out, buffer_slice(&ex.response));
    exchange_release(&ex);
}
