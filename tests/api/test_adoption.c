/* A file of the Python SessionManager: taken over in place with every field, and still its own. */
#include "tests/support/files.h"
#include "tests/support/fixture.h"
#include "tests/support/python.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(adoption, .init = fixture_init, .fini = fixture_stop);

/* A row as Python has it, and what of it looks different over HTTP: the times in their one form,
 * and the context when it is no object. All texts are JSON's, without quotes where they need none.
 */
struct row {
    const char *id;
    const char *project_path;
    const char *thread_id;
    const char *status;
    const char *context; /* a JSON string or null */
    const char *created_at;
    const char *updated_at;
    const char *served_context;
    const char *served_created_at;
    const char *served_updated_at;
    bool kept_as_text;
};

#define ID(n) "b0a4c7de-0000-4000-8000-00000000000" n

/* In the order in which they are newest first: by time, and among equal times the later row. Their
 * places in the file are another order: see `insertion`. */
static const struct row rows[] = {
    {ID("1"), "/home/me/project", "+15551234567", "ACTIVE",
     "\"{\\\"turn\\\": 3, \\\"n\\\": 0.10}\"", "2026-01-25T12:00:05.000001+00:00",
     "2026-01-25T12:30:00+00:00", "{\"turn\": 3, \"n\": 0.10}", "2026-01-25T12:00:05.000001Z",
     "2026-01-25T12:30:00.000000Z", false},
    {ID("2"), "/p", "t", "CREATED", "null", "2026-01-25T12:00:05+00:00",
     "2026-01-25T12:00:05+00:00", "{}", "2026-01-25T12:00:05.000000Z",
     "2026-01-25T12:00:05.000000Z", false},
    {ID("3"), "/p", "t", "PAUSED", "\"{\\\"score\\\": NaN, \\\"k\\\": [1, 2]}\"",
     "2026-01-25T12:00:04+00:00", "2026-01-25T12:00:09+00:00",
     "{\"_adopted_text\":\"{\\\"score\\\": NaN, \\\"k\\\": [1, 2]}\"}",
     "2026-01-25T12:00:04.000000Z", "2026-01-25T12:00:09.000000Z", true},
    {ID("4"), "/p", "t", "TERMINATED", "\"[1, 2, 3]\"", "2026-01-25T12:00:04+00:00",
     "2026-01-25T12:00:04+00:00", "{\"_adopted_text\":\"[1, 2, 3]\"}",
     "2026-01-25T12:00:04.000000Z", "2026-01-25T12:00:04.000000Z", true},
    {ID("5"), "/p", "t", "CREATED", "\"not json\"", "2026-01-25T12:00:04+00:00",
     "2026-01-25T12:00:01+00:00", "{\"_adopted_text\":\"not json\"}", "2026-01-25T12:00:04.000000Z",
     "2026-01-25T12:00:01.000000Z", true},
    {ID("6"), "/h\xc3\xa5/\xf0\x9f\x98\x80", "\xe4\xb8\x96 \\\"quoted\\\"", "CREATED",
     "\"{\\\"t\\\": \\\"\\\\u00e5\xc3\xa5\\\\ud800\\\", \\\"big\\\": 100000000000000000000}\"",
     "2026-01-25T14:00:03.250000+02:00", "2026-01-25T12:00:03.250000+00:00",
     "{\"t\": \"\\u00e5\xc3\xa5\\ud800\", \"big\": 100000000000000000000}",
     "2026-01-25T12:00:03.250000Z", "2026-01-25T12:00:03.250000Z", false},
    {ID("7"), "/p", "t", "CREATED", "\"\"", "2026-01-25T12:00:03+00:00",
     "2026-01-25T12:00:03+00:00", "{\"_adopted_text\":\"\"}", "2026-01-25T12:00:03.000000Z",
     "2026-01-25T12:00:03.000000Z", true},
    {ID("8"), "/p", "t", "CREATED", "\"{\\\"a\\\": 1, \\\"a\\\": 2}\"", "2026-01-25T12:00:02+00:00",
     "2026-01-25T12:00:02+00:00", "{\"_adopted_text\":\"{\\\"a\\\": 1, \\\"a\\\": 2}\"}",
     "2026-01-25T12:00:02.000000Z", "2026-01-25T12:00:02.000000Z", true},
    {ID("9"), "/p", "t", "CREATED", "\"{}\"", "1999-12-31T23:59:59.999999+00:00",
     "2000-01-01T00:00:00+00:00", "{}", "1999-12-31T23:59:59.999999Z",
     "2000-01-01T00:00:00.000000Z", false},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Time runs backwards in the file; rows of equal times stand oldest first. */
static const size_t insertion[ROWS] = {8, 0, 4, 3, 2, 7, 5, 6, 1};

/* A row as a line of JSON, as Python reads and writes it. */
static void add_line(char *lines, size_t size, const struct row *row)
{
    const size_t len = strlen(lines);

    snprintf(lines + len, size - len, "[\"%s\", \"%s\", \"%s\", \"%s\", %s, \"%s\", \"%s\"]\n",
             row->id, row->project_path, row->thread_id, row->status, row->context, row->created_at,
             row->updated_at);
}

static void make_file(void)
{
    char lines[8192] = "";

    for (size_t i = 0; i < ROWS; i++)
        add_line(lines, sizeof(lines), &rows[insertion[i]]);
    python_manager(&service, "insert", lines);
}

static void expect_row(const struct response *response, const struct row *row, int64_t version)
{
    char *expected = NULL;

    cr_assert_gt(asprintf(&expected,
                          "{\"id\":\"%s\",\"project_path\":\"%s\",\"thread_id\":\"%s\","
                          "\"status\":\"%s\",\"context\":%s,\"version\":%lld,\"created_at\":\"%s\","
                          "\"updated_at\":\"%s\",\"lease\":null,\"recovered_at\":null,"
                          "\"parent_id\":null,\"entry_count\":0,\"entry_bytes\":0}\n",
                          row->id, row->project_path, row->thread_id, row->status,
                          row->served_context, (long long)version, row->served_created_at,
                          row->served_updated_at),
                 0);
    cr_expect_str_eq(expect_status(response, 200)->body, expected);
    free(expected);
}

static void expect_rows(void)
{
    const struct response *list = expect_status(client_get(client, "/sessions"), 200);

    cr_assert_eq(response_length(list, "/sessions"), (int64_t)ROWS);
    for (size_t i = 0; i < ROWS; i++)
        cr_expect_str_eq(response_text(list, "/sessions/%zu/id", i), rows[i].id, "place %zu", i);
    for (size_t i = 0; i < ROWS; i++)
        expect_row(client_get(client, "/sessions/%s", rows[i].id), &rows[i], 1);
}

Test(adoption, every_field_is_served)
{
    make_file();
    service_start(&service, NULL);
    expect_rows();
    for (size_t i = 0; i < ROWS; i++)
        cr_expect_eq(service_logged(&service, "invalid_context_wrapped", rows[i].id),
                     rows[i].kept_as_text, "%s", rows[i].id);
    fixture_restart(NULL);
    expect_rows();
    cr_expect(!service_logged(&service, "invalid_context_wrapped", ""), "it was adopted twice");
}

Test(adoption, adopted_sessions_live_on)
{
    char id[UUID_SIZE];

    make_file();
    service_start(&service, NULL);
    move_session(rows[1].id, "ACTIVE");
    expect_status(
        client_send(client, "PATCH", "{\"context\":{\"new\":1}}", "/sessions/%s", rows[2].id), 200);
    expect_status(client_send(client, "DELETE", NULL, "/sessions/%s", rows[3].id), 204);
    create_session("/p", "t", NULL, id);
    const struct response *list = expect_status(client_get(client, "/sessions"), 200);
    cr_expect_str_eq(response_text(list, "/sessions/0/id"), id);
    cr_expect_eq(response_length(list, "/sessions"), (int64_t)ROWS);
    cr_expect_eq(response_length(client_get(client, "/sessions?thread_id=t"), "/sessions"),
                 (int64_t)ROWS - 2);
    cr_expect_eq(response_length(client_get(client, "/sessions?status=ACTIVE"), "/sessions"), 2);
}

/* What Python reads of a row once sessiond has taken it over: the same, but for a context that has
 * become an object. Values are compared, since Python writes texts with other escapes. */
static void expect_python_row(const char *line, const struct row *row)
{
    char wanted[1024] = "";
    struct row now = *row;
    struct json_object *context = json_object_new_string(row->served_context);

    if (row->kept_as_text || strcmp(row->context, "null") == 0)
        now.context = json_object_to_json_string_ext(context, JSON_C_TO_STRING_PLAIN);
    add_line(wanted, sizeof(wanted), &now);
    struct json_object *got_row = json_tokener_parse(line);
    struct json_object *wanted_row = json_tokener_parse(wanted);
    cr_expect(got_row != NULL && json_object_equal(got_row, wanted_row), "%s, not %s", line,
              wanted);
    json_object_put(got_row);
    json_object_put(wanted_row);
    json_object_put(context);
}

Test(adoption, python_reads_its_rows_after_sessiond)
{
    size_t found = 0;

    make_file();
    service_start(&service, NULL);
    service_stop(&service);
    char *lines = python_list(&service);
    for (char *rest = lines, *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';) {
        for (size_t i = 0; i < ROWS; i++) {
            if (strstr(line, rows[i].id) == NULL)
                continue;
            expect_python_row(line, &rows[i]);
            found++;
        }
    }
    cr_expect_eq(found, ROWS, "%zu rows", found);
    free(lines);
}

/* Python works on the file while sessiond is stopped, then sessiond on what Python left. */
Test(adoption, python_writes_after_sessiond)
{
    static const struct row added = {ID("a"),
                                     "/py",
                                     "+1",
                                     "CREATED",
                                     "\"{\\\"x\\\": -0.0}\"",
                                     "2026-02-01T00:00:00+00:00",
                                     "2026-02-01T00:00:00+00:00",
                                     "{\"x\": -0.0}",
                                     "2026-02-01T00:00:00.000000Z",
                                     "2026-02-01T00:00:00.000000Z",
                                     false};
    struct row changed = rows[1];
    char lines[1024] = "";
    char id[UUID_SIZE];

    make_file();
    service_start(&service, NULL);
    create_session("/p", "t", NULL, id);
    service_stop(&service);

    add_line(lines, sizeof(lines), &added);
    python_manager(&service, "insert", lines);
    python_manager(&service, "update",
                   "[\"" ID("2") "\", \"ACTIVE\", \"{\\\"a\\\": Infinity}\","
                                 " \"2026-02-02T00:00:00+00:00\"]\n");
    service_start(&service, NULL);
    cr_expect(service_logged(&service, "invalid_context_wrapped", ID("2")));
    cr_expect(!service_logged(&service, "invalid_context_wrapped", ID("3")));
    expect_row(client_get(client, "/sessions/" ID("a")), &added, 1);
    changed.status = "ACTIVE";
    changed.served_context = "{\"_adopted_text\":\"{\\\"a\\\": Infinity}\"}";
    changed.served_updated_at = "2026-02-02T00:00:00.000000Z";
    expect_row(client_get(client, "/sessions/%s", changed.id), &changed, 2);
    expect_row(client_get(client, "/sessions/%s", rows[0].id), &rows[0], 1);
    cr_expect_eq(count_sessions(), (int64_t)ROWS + 2);
    cr_expect_eq(response_length(client_get(client, "/sessions?status=ACTIVE"), "/sessions"), 2);
    expect_status(client_get(client, "/sessions/%s", id), 200);
}

/* The clock goes on from the newest time in the file, even one that is still to come. */
Test(adoption, new_sessions_are_newer_than_adopted_ones)
{
    char id[UUID_SIZE];

    python_manager(
        &service, "insert",
        "[\"" ID(
            "1") "\",\"/p\",\"t\",\"CREATED\",null,"
                 "\"2999-12-31T23:59:59.999999+00:00\",\"2999-12-31T23:59:59.999999+00:00\"]\n");
    service_start(&service, NULL);
    create_session("/p", "t", NULL, id);
    const struct response *list = expect_status(client_get(client, "/sessions"), 200);
    cr_expect_str_eq(response_text(list, "/sessions/0/id"), id);
    cr_expect_gt(strcmp(response_text(list, "/sessions/0/created_at"),
                        response_text(list, "/sessions/1/created_at")),
                 0, "%s", list->body);
}

Test(adoption, an_empty_file_of_python_is_adopted)
{
    python_manager(&service, "insert", "");
    service_start(&service, NULL);
    cr_expect_eq(count_sessions(), 0);
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    service_stop(&service);
    char *lines = python_list(&service);
    cr_expect_not_null(strstr(lines, "\"/p\", \"t\", \"CREATED\", \"{}\""), "%s", lines);
    free(lines);
}

#define MANY 2000

Test(adoption, a_long_file_is_adopted_as_a_whole)
{
    char *lines = malloc((size_t)MANY * 256);
    char *at = lines;

    cr_assert_not_null(lines);
    for (int i = 0; i < MANY; i++)
        at += sprintf(at,
                      "[\"b0a4c7de-0000-4000-8000-%012d\",\"/p\",\"t%d\",\"CREATED\",\"{}\","
                      "\"2026-01-25T12:%02d:%02d+00:00\",\"2026-01-25T13:00:00+00:00\"]\n",
                      i, i % 10, i / 60 % 60, i % 60);
    python_manager(&service, "insert", lines);
    free(lines);
    service_start(&service, NULL);
    cr_expect_eq(count_sessions(), MANY);
    cr_expect_eq(
        response_length(client_get(client, "/sessions?thread_id=t3&limit=1000"), "/sessions"),
        MANY / 10);
}
