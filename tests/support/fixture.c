#include "tests/support/fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

struct service service;
struct tracked_connection *client;

void fixture_init(void)
{
    service_init(&service);
    client = client_new(&service);
}

void fixture_start(void)
{
    fixture_init();
    service_start(&service, NULL);
}

void fixture_stop(void)
{
    client_free(client);
    client = NULL;
    bool well = service.pid == 0 || service_end(&service);
    well = service_release(&service) && well;
    /* Criterion lets a test pass whose teardown fails an assertion, but not one that crashes. */
    if (!well)
        abort();
}

void fixture_restart(const char *const *flags)
{
    service_stop(&service);
    service_start(&service, flags);
}

const struct response *expect_status(const struct response *response, int status)
{
    cr_assert_eq(response->status, status, "%d, not %d: %.2000s", response->status, status,
                 response->body);
    return response;
}

void create_session(const char *project_path, const char *thread_id, const char *context,
                    char id[UUID_SIZE])
{
    char *body = NULL;

    cr_assert_gt(asprintf(&body, "{\"project_path\":\"%s\",\"thread_id\":\"%s\",\"context\":%s}",
                          project_path, thread_id, context == NULL ? "{}" : context),
                 0);
    const struct response *created =
        expect_status(client_send(client, "POST", body, "/sessions"), 201);
    free(body);
    snprintf(id, UUID_SIZE, "%s", response_text(created, "/id"));
    cr_assert_eq(strlen(id), UUID_SIZE - 1);
}

void move_session(const char *id, const char *status)
{
    char body[64];

    snprintf(body, sizeof(body), "{\"status\":\"%s\"}", status);
    expect_status(client_send(client, "PATCH", body, "/sessions/%s", id), 200);
}

int64_t count_sessions(void)
{
    int64_t count = 0;
    char target[128] = "/sessions?limit=1000";

    while (target[0] != '\0') {
        const struct response *page = expect_status(client_get(client, "%s", target), 200);
        count += response_length(page, "/sessions");
        const char *cursor = response_text(page, "/next_cursor");
        if (cursor[0] == '\0')
            break;
        snprintf(target, sizeof(target), "/sessions?limit=1000&cursor=%s", cursor);
    }
    return count;
}
