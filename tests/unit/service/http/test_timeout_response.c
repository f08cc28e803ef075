/* The response that is written as it is: a whole HTTP message around a problem. */

#include "service/http/timeout_response.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct buffer answer;

static void release(void)
{
    buffer_release(&answer);
}

TestSuite(timeout_response, .fini = release);

static const char *make(const char *path)
{
    timeout_response(&answer, slice_from(path), "id-1", 1500);
    buffer_add_char(&answer, '\0');
    return answer.data;
}

Test(timeout_response, is_a_whole_response)
{
    const char *text = make("/sessions/\"x");
    const char *body = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");

    cr_assert_not_null(body);
    cr_assert_not_null(length);
    cr_expect_eq(strncmp(text, "HTTP/1.1 408 Request Timeout\r\n", 30), 0, "%s", text);
    cr_expect_eq(strtoul(length + strlen("Content-Length: "), NULL, 10), strlen(body + 4));
    cr_expect(strstr(text, "\r\nConnection: close\r\n"));
    cr_expect(strstr(text, "\r\nContent-Type: application/problem+json\r\n"));
    cr_expect(strstr(text, "\r\nX-Request-Id: id-1\r\n"));
    cr_expect(strstr(body, "\"request_id\":\"id-1\""));
    cr_expect(strstr(body, "\"instance\":\"/sessions/\\\"x\""));
    cr_expect(strstr(body, "within 1500 ms"));
}

Test(timeout_response, stands_for_a_request_without_a_line)
{
    cr_expect(strstr(make(""), "\"instance\":\"/\""));
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
Test(timeout_response, has_a_date_of_fixed_length)
{
    const char *date = strstr(make("/"), "\r\nDate: ");

    cr_assert_not_null(date);
    const char *end = strstr(date + 2, " GMT\r\n");
    cr_assert_not_null(end);
    cr_expect_eq(end + 4 - (date + 8), 29);
    cr_expect_eq(date[8 + 3], ',');
    cr_expect_eq(date[8 + 19], ':');
}
