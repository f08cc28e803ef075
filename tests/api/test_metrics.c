/* /metrics: valid Prometheus text whose numbers follow what happens. */
#include "tests/support/fixture.h"
#include "tests/support/parallel.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(metrics, .init = fixture_start, .fini = fixture_stop);

/* The present text. The caller frees it. */
static char *read_metrics(void)
{
    return strdup(expect_status(client_get(client, "/metrics"), 200)->body);
}

/* The value of the sample of this name and these labels, as they stand in the text; -1: none. */
static double sample(const char *text, const char *series)
{
    const size_t len = strlen(series);

    for (const char *at = text; at != NULL && *at != '\0';) {
        if (strncmp(at, series, len) == 0 && at[len] == ' ')
            return strtod(at + len + 1, NULL);
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    return -1;
}

static double metric(const char *series)
{
    char *text = read_metrics();
    const double value = sample(text, series);

    free(text);
    return value;
}

static void expect_sessions(int created, int active, int paused, int terminated)
{
    char *text = read_metrics();

    cr_expect_eq(sample(text, "sessiond_sessions{status=\"CREATED\"}"), created, "%s", text);
    cr_expect_eq(sample(text, "sessiond_sessions{status=\"ACTIVE\"}"), active, "%s", text);
    cr_expect_eq(sample(text, "sessiond_sessions{status=\"PAUSED\"}"), paused, "%s", text);
    cr_expect_eq(sample(text, "sessiond_sessions{status=\"TERMINATED\"}"), terminated, "%s", text);
    free(text);
}

Test(metrics, sessions_are_counted_by_status)
{
    char ids[3][UUID_SIZE];

    expect_sessions(0, 0, 0, 0);
    for (size_t i = 0; i < 3; i++)
        create_session("/p", "t", NULL, ids[i]);
    expect_sessions(3, 0, 0, 0);
    move_session(ids[0], "ACTIVE");
    move_session(ids[1], "ACTIVE");
    move_session(ids[1], "PAUSED");
    expect_sessions(1, 1, 1, 0);
    expect_status(client_send(client, "PATCH", "{\"status\":\"PAUSED\"}", "/sessions/%s", ids[2]),
                  409);
    expect_status(client_send(client, "PUT", "{\"project_path\":\"/p\",\"thread_id\":\"t\"}",
                              "/sessions/%s", ids[2]),
                  200);
    expect_sessions(1, 1, 1, 0);
    fixture_restart(NULL);
    expect_sessions(1, 1, 1, 0);
    move_session(ids[2], "TERMINATED");
    expect_status(client_send(client, "DELETE", NULL, "/sessions/%s", ids[1]), 204);
    expect_sessions(0, 1, 0, 1);
    fixture_restart(NULL);
    expect_sessions(0, 1, 0, 1);
}

static void churn(struct worker *worker)
{
    char id[UUID_SIZE];

    for (int i = 0; i < 20; i++) {
        const struct response *made = client_send(
            worker->client, "POST", "{\"project_path\":\"/p\",\"thread_id\":\"t\"}", "/sessions");
        worker_expect(worker, made, 201);
        snprintf(id, sizeof(id), "%s", response_text(made, "/id"));
        if (i % 3 != 0)
            worker_expect(
                worker,
                client_send(worker->client, "PATCH", "{\"status\":\"ACTIVE\"}", "/sessions/%s", id),
                200);
        if (i % 3 == 2)
            worker_expect(worker, client_send(worker->client, "DELETE", NULL, "/sessions/%s", id),
                          204);
    }
}

Test(metrics, many_writers_do_not_confuse_the_counts)
{
    parallel_run(&service, 16, churn, NULL);
    expect_sessions(16 * 7, 16 * 7, 0, 0);
    fixture_restart(NULL);
    expect_sessions(16 * 7, 16 * 7, 0, 0);
}

/* --- Batches ------------------------------------------------------------------------------- */

Test(metrics, one_client_has_commits_of_one_write)
{
    for (int i = 0; i < 50; i++)
        create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    char *text = read_metrics();
    cr_expect_eq(sample(text, "sessiond_commit_batch_size_sum"), 50);
    cr_expect_eq(sample(text, "sessiond_commit_batch_size_count"), 50);
    cr_expect_eq(sample(text, "sessiond_commit_batch_size_bucket{le=\"1\"}"), 50);
    cr_expect_eq(sample(text, "sessiond_commit_duration_seconds_count"), 50);
    free(text);
}

#define CLIENTS 64

static void create_twenty(struct worker *worker)
{
    for (int i = 0; i < 20; i++)
        worker_expect(worker,
                      client_send(worker->client, "POST",
                                  "{\"project_path\":\"/p\",\"thread_id\":\"t\"}", "/sessions"),
                      201);
}

/* Where nothing ever meets in the queue, sixty-four clients must before long. */
Test(metrics, many_clients_share_commits)
{
    double writes = 0;
    double commits = 0;

    for (int round = 0; round < 50 && commits >= writes; round++) {
        parallel_run(&service, CLIENTS, create_twenty, NULL);
        char *text = read_metrics();
        writes = sample(text, "sessiond_commit_batch_size_sum");
        commits = sample(text, "sessiond_commit_batch_size_count");
        cr_assert_eq(writes, (round + 1) * CLIENTS * 20);
        free(text);
    }
    cr_expect_lt(commits, writes);
}

/* --- Requests ------------------------------------------------------------------------------ */

Test(metrics, requests_are_counted_by_route_and_status)
{
    static const char *const counted[][2] = {
        {"sessiond_http_requests_total{route=\"/sessions\",method=\"POST\",status=\"201\"}", "2"},
        {"sessiond_http_requests_total{route=\"/sessions\",method=\"POST\",status=\"400\"}", "1"},
        {"sessiond_http_requests_total{route=\"/sessions\",method=\"GET\",status=\"200\"}", "1"},
        {"sessiond_http_requests_total{route=\"/sessions/{id}\",method=\"GET\",status=\"200\"}",
         "2"},
        {"sessiond_http_requests_total{route=\"/sessions/{id}\",method=\"HEAD\",status=\"200\"}",
         "1"},
        {"sessiond_http_requests_total{route=\"/sessions/{id}\",method=\"GET\",status=\"404\"}",
         "1"},
        {"sessiond_http_request_duration_seconds_count{route=\"/sessions\",method=\"POST\"}", "3"},
        {"sessiond_http_requests_in_flight", "1"},
        {"sessiond_write_queue_depth", "0"},
    };
    char ids[2][UUID_SIZE];
    char target[64];

    create_session("/p", "t", NULL, ids[0]);
    create_session("/p", "t", NULL, ids[1]);
    client_send(client, "POST", "{", "/sessions");
    client_get(client, "/sessions");
    client_get(client, "/sessions/%s", ids[0]);
    client_get(client, "/sessions/%s", ids[1]);
    client_get(client, "/sessions/b0a4c7de-0000-4000-8000-000000000001");
    snprintf(target, sizeof(target), "/sessions/%s", ids[0]);
    client_call(client, &(struct request){.method = "HEAD", .target = target});
    char *text = read_metrics();
    for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
        cr_expect_eq(sample(text, counted[i][0]), strtod(counted[i][1], NULL), "%s in %s",
                     counted[i][0], text);
    free(text);
}

/* What clients make up cannot make the text grow without end. */
Test(metrics, unknown_paths_and_methods_share_a_series)
{
    char target[64];
    char method[16];

    for (int i = 0; i < 50; i++) {
        snprintf(target, sizeof(target), "/nothing/%d\"\\\n", i);
        target[strlen(target) - 1] = '\0';
        snprintf(method, sizeof(method), "M%d", i);
        client_call(client, &(struct request){.method = method, .target = target});
    }
    char *text = read_metrics();
    cr_expect_null(strstr(text, "/nothing"), "%s", text);
    cr_expect_null(strstr(text, "M1"), "%s", text);
    cr_expect_eq(
        sample(text,
               "sessiond_http_requests_total{route=\"none\",method=\"OTHER\",status=\"501\"}"),
        50, "%s", text);
    free(text);
}

Test(metrics, the_log_that_is_in_use_grows_and_is_copied)
{
    fixture_restart(FLAGS("--checkpoint-pages", "10"));
    const double before = metric("sessiond_checkpoints_total{result=\"complete\"}");
    for (int i = 0; i < 100; i++) {
        create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
        if (i == 0)
            cr_expect_gt(metric("sessiond_wal_bytes"), 0);
    }
    cr_expect_gt(metric("sessiond_checkpoints_total{result=\"complete\"}"), before);
    cr_expect_eq(metric("sessiond_checkpoints_total{result=\"failed\"}"), 0);
    cr_expect_eq(count_sessions(), 100);
}

/* --- The text itself ----------------------------------------------------------------------- */

static bool is_name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (!first && c >= '0' && c <= '9');
}

struct reading {
    char family[128];
    char type[16];
    char bucket_series[256]; /* of the histogram under way, without its `le` */
    double bucket_bound;
    double bucket_count;
    int families;
    int samples;
};

/* # HELP name text, then # TYPE name type. */
static void read_comment(struct reading *reading, const char *line)
{
    char name[128];
    char type[16];

    if (sscanf(line, "# HELP %127s", name) == 1) {
        cr_expect_str_neq(name, reading->family, "a family twice: %s", line);
        snprintf(reading->family, sizeof(reading->family), "%s", name);
        reading->type[0] = '\0';
        reading->families++;
        return;
    }
    cr_assert_eq(sscanf(line, "# TYPE %127s %15s", name, type), 2, "%s", line);
    cr_expect_str_eq(name, reading->family, "TYPE without HELP: %s", line);
    cr_expect(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0 ||
                  strcmp(type, "histogram") == 0,
              "%s", line);
    snprintf(reading->type, sizeof(reading->type), "%s", type);
}

/* Buckets of a series rise in bound and do not fall in count; +Inf is the last. */
static void read_bucket(struct reading *reading, const char *labels, double value)
{
    char series[256];
    const char *le = strstr(labels, "le=\"");

    cr_assert_not_null(le, "%s", labels);
    snprintf(series, sizeof(series), "%.*s", (int)(le - labels), labels);
    const double bound = strtod(le + 4, NULL);
    if (strcmp(series, reading->bucket_series) == 0 && !isinf(reading->bucket_bound)) {
        cr_expect_gt(bound, reading->bucket_bound, "%s", labels);
        cr_expect_geq(value, reading->bucket_count, "%s", labels);
    }
    snprintf(reading->bucket_series, sizeof(reading->bucket_series), "%s", series);
    reading->bucket_bound = bound;
    reading->bucket_count = value;
}

static void read_sample(struct reading *reading, const char *line)
{
    const size_t family_len = strlen(reading->family);
    size_t len = 0;
    char *end;

    while (is_name_char(line[len], len == 0))
        len++;
    const char *labels = line + len;
    const char *value = labels[0] == '{' ? strstr(labels, "} ") + 1 : labels;
    cr_assert(len > 0 && value != NULL && value[0] == ' ', "%s", line);
    const double number = strtod(value + 1, &end);
    cr_expect(end > value + 1 && *end == '\0', "no number: %s", line);
    cr_expect(number >= 0 && !isnan(number), "%s", line);
    cr_expect_str_neq(reading->type, "", "a sample without TYPE: %s", line);
    cr_expect_eq(strncmp(line, reading->family, family_len), 0, "%s in family %s", line,
                 reading->family);
    if (strcmp(reading->type, "histogram") != 0)
        cr_expect_eq(len, family_len, "%s in family %s", line, reading->family);
    else if (strncmp(line + family_len, "_bucket", 7) == 0)
        read_bucket(reading, labels, number);
    else if (strncmp(line + family_len, "_count", 6) == 0)
        cr_expect(isinf(reading->bucket_bound) && number == reading->bucket_count,
                  "%s, but +Inf has %g", line, reading->bucket_count);
    else
        cr_expect_eq(strncmp(line + family_len, "_sum", 4), 0, "%s", line);
    reading->samples++;
}

Test(metrics, the_text_is_what_prometheus_reads)
{
    struct reading reading = {0};

    churn(&(struct worker){.client = client});
    client_get(client, "/nothing");
    const struct response *response = expect_status(client_get(client, "/metrics"), 200);
    cr_expect_str_eq(response_header(response, "Content-Type"),
                     "text/plain; version=0.0.4; charset=utf-8");
    char *text = strdup(response->body);
    cr_expect_eq(text[strlen(text) - 1], '\n');
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';) {
        if (line[0] == '#')
            read_comment(&reading, line);
        else
            read_sample(&reading, line);
    }
    cr_expect_geq(reading.families, 9);
    cr_expect_geq(reading.samples, 60);
    free(text);
}

static void read_while_others_write(struct worker *worker)
{
    if (worker->index > 0) {
        churn(worker);
        return;
    }
    for (int i = 0; i < 50; i++) {
        const struct response *response = client_get(worker->client, "/metrics");
        if (!worker_expect(worker, response, 200))
            return;
        const double writes = sample(response->body, "sessiond_commit_batch_size_sum");
        const double commits = sample(response->body, "sessiond_commit_batch_size_count");
        const double last =
            sample(response->body, "sessiond_commit_batch_size_bucket{le=\"+Inf\"}");
        if (writes < commits || last != commits)
            worker_fail(worker, "%g writes in %g commits, %g in buckets", writes, commits, last);
    }
}

Test(metrics, the_text_is_consistent_while_others_write)
{
    parallel_run(&service, 9, read_while_others_write, NULL);
}
