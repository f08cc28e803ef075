/* The life of the process: how it ends, what signals do, one process a file. */
#include "tests/support/files.h"
#include "tests/support/fixture.h"
#include "tests/support/parallel.h"
#include "tests/support/raw_connection.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

TestSuite(process, .init = fixture_init, .fini = fixture_stop);

#define CLIENTS 16
#define REQUESTS_MAX 20000

/* What a client has seen: the status of its request i, 0 while there is none. */
struct history {
    int statuses[REQUESTS_MAX];
    char ids[REQUESTS_MAX][UUID_SIZE]; /* of the sessions it made */
    int requests;                      /* the last one may be without an answer */
};

struct load {
    bool gives_up; /* at the first 503, as Retry-After asks */
    atomic_int made;
    struct history histories[CLIENTS];
};

/* Creates and reads, each request by a name of its own, until the service is gone. */
static void work(struct worker *worker)
{
    struct load *load = worker->arg;
    struct history *history = &load->histories[worker->index];

    for (int i = 0; i < REQUESTS_MAX; i++) {
        char name[64];
        const bool reads = i % 4 == 3;
        snprintf(name, sizeof(name), "X-Request-Id: w%d.%d", worker->index, i);
        const struct response *response =
            client_call(worker->client,
                        &(struct request){
                            .method = reads ? "GET" : "POST",
                            .target = reads ? "/sessions?limit=20" : "/sessions",
                            .body = reads ? NULL : "{\"project_path\":\"/p\",\"thread_id\":\"t\"}",
                            .headers = {name}});
        history->requests = i + 1;
        history->statuses[i] = response->status;
        if (response->status == 0 || (response->status == 503 && load->gives_up))
            return;
        if (response->status == 201) {
            snprintf(history->ids[i], UUID_SIZE, "%s", response_text(response, "/id"));
            atomic_fetch_add(&load->made, 1);
        } else if (response->status != 200 && response->status != 503) {
            worker_fail(worker, "%d: %s", response->status, response->body);
        }
    }
    worker_fail(worker, "worker %d never saw the end", worker->index);
}

/* The access lines tell which requests were accepted: each must have its answer, with the status
 * that the line tells, and each answer its line. */
static void expect_answered(const struct load *load)
{
    char *log = service_log(&service);
    size_t lines = 0;
    size_t answers = 0;

    for (char *rest = log, *line; (line = strsep(&rest, "\n")) != NULL;) {
        const char *name = strstr(line, "\"request_id\":\"w");
        const char *status = strstr(line, "\"status\":");
        int index;
        int request;
        if (name == NULL)
            continue;
        cr_assert_not_null(status);
        cr_assert_eq(sscanf(name, "\"request_id\":\"w%d.%d\"", &index, &request), 2);
        cr_expect_eq(load->histories[index].statuses[request], atoi(status + 9), "%s", line);
        lines++;
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        for (int j = 0; j < load->histories[i].requests; j++)
            answers += load->histories[i].statuses[j] != 0;
    }
    cr_expect_eq(lines, answers, "%zu lines, %zu answers", lines, answers);
    free(log);
}

static void expect_kept(const struct load *load)
{
    int64_t made = 0;

    for (size_t i = 0; i < CLIENTS; i++) {
        const struct history *history = &load->histories[i];
        for (int j = 0; j < history->requests; j++) {
            if (history->statuses[j] != 201)
                continue;
            made++;
            expect_status(client_get(client, "/sessions/%s", history->ids[j]), 200);
        }
    }
    cr_expect_eq(count_sessions(), made);
}

static struct load *stop_under_load(int signal_number, bool gives_up)
{
    const struct timespec pause = {0, 1000000};
    struct load *load = calloc(1, sizeof(*load));

    cr_assert_not_null(load);
    load->gives_up = gives_up;
    service_start(&service, NULL);
    struct parallel *clients = parallel_start(&service, CLIENTS, work, load);
    while (atomic_load(&load->made) < 200)
        nanosleep(&pause, NULL);
    service_signal(&service, signal_number);
    cr_expect_eq(service_await_end(&service), 0);
    parallel_join(clients);
    expect_answered(load);
    cr_expect(service_logged(&service, "stopped", ""));
    return load;
}

Test(process, sigterm_under_load_answers_what_was_accepted)
{
    struct load *load = stop_under_load(SIGTERM, true);

    service_start(&service, NULL);
    expect_kept(load);
    free(load);
}

Test(process, sigint_under_load_answers_what_was_accepted)
{
    struct load *load = stop_under_load(SIGINT, true);

    service_start(&service, NULL);
    expect_kept(load);
    free(load);
}

/* The timestamp of the event's line, in seconds of its hour. */
static double time_of(const char *event)
{
    char *log = service_log(&service);
    char key[64];
    double seconds = -1;

    snprintf(key, sizeof(key), "\"event\":\"%s\"", event);
    for (char *rest = log, *line; (line = strsep(&rest, "\n")) != NULL;) {
        int minutes;
        double second;
        if (strstr(line, key) != NULL &&
            sscanf(line, "{\"timestamp\":\"%*d-%*d-%*dT%*d:%d:%lf", &minutes, &second) == 2)
            seconds = minutes * 60 + second;
    }
    free(log);
    cr_assert_geq(seconds, 0, "%s", event);
    return seconds;
}

/* The stop must not have run into its usual deadline of ten seconds. */
static void expect_prompt_stop(void)
{
    const double took = time_of("stopped") - time_of("stopping");

    cr_expect_lt(took < 0 ? took + 3600 : took, 10, "the stop lasted %.3f s", took);
}

/* What they send is refused, and the stop waits for what was accepted before, not for them. */
Test(process, clients_that_do_not_give_up_do_not_hold_up_the_end)
{
    free(stop_under_load(SIGTERM, false));
    expect_prompt_stop();
}

Test(process, a_second_signal_while_it_stops_does_no_harm)
{
    service_start(&service, NULL);
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    for (int i = 0; i < 5; i++)
        service_signal(&service, i % 2 == 0 ? SIGTERM : SIGINT);
    cr_expect_eq(service_await_end(&service), 0);
    service_start(&service, NULL);
    cr_expect_eq(count_sessions(), 1);
}

Test(process, sighup_does_no_harm)
{
    service_start(&service, NULL);
    for (int i = 0; i < 20; i++) {
        service_signal(&service, SIGHUP);
        create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    }
    cr_expect(service_is_running(&service));
    cr_expect_eq(count_sessions(), 20);
    service_stop(&service);
}

/* A connection that was opened and never used is no request, and neither is half of one's head. */
Test(process, idle_connections_do_not_hold_up_the_end)
{
    static const char half[] = "POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Le";
    int fds[8];

    service_start(&service, NULL);
    for (size_t i = 0; i < 8; i++) {
        fds[i] = raw_connect(&service);
        if (i % 2 == 0)
            cr_assert(raw_send(fds[i], half, sizeof(half) - 1));
    }
    for (int i = 0; i < 8; i++)
        expect_status(client_get(client, "/healthz"), 200);
    service_stop(&service);
    expect_prompt_stop();
    for (size_t i = 0; i < 8; i++)
        close(fds[i]);
}

/* A request whose body never comes is under way: the stop waits for it, but not for ever. */
Test(process, a_stop_does_not_wait_longer_than_it_may)
{
    static const char half[] = "POST /sessions HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";

    service_start(&service, FLAGS("--shutdown-timeout", "100ms"));
    const int fd = raw_connect(&service);
    cr_assert(raw_send(fd, half, sizeof(half) - 1));
    expect_status(client_get(client, "/healthz"), 200);
    service_stop(&service);
    close(fd);
}

Test(process, a_database_has_one_process)
{
    struct service second = {0};

    service_start(&service, NULL);
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    service_init(&second);
    snprintf(second.database, sizeof(second.database), "%s", service.database);
    cr_expect_eq(service_run(&second, NULL), 1);
    cr_expect(service_logged(&second, "cannot_start", "another sessiond uses"));
    cr_expect(service_logged(&second, "cannot_start", service.database));
    cr_expect(!service_logged(&second, "listening", ""));
    cr_expect(service_release(&second));
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    fixture_restart(NULL);
    cr_expect_eq(count_sessions(), 2);
}

/* The lock is the process's, not the file's: a kill leaves none behind. */
Test(process, a_killed_process_leaves_no_lock)
{
    service_start(&service, NULL);
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    service_signal(&service, SIGKILL);
    cr_expect_eq(service_await_end(&service), 128 + SIGKILL);
    service_start(&service, NULL);
    cr_expect_eq(count_sessions(), 1);
}

Test(process, an_address_that_is_taken_is_named)
{
    struct service second = {0};

    service_start(&service, NULL);
    service_init(&second);
    cr_expect_eq(service_run(&second, FLAGS("--listen", service.address)), 1);
    cr_expect(service_logged(&second, "cannot_start", service.address));
    cr_expect(!file_exists(second.database), "it left a file behind");
    cr_expect(service_release(&second));
}

Test(process, the_first_line_of_the_log_tells_the_address)
{
    service_start(&service, NULL);
    char *log = service_log(&service);
    char *line = text_between(log, "", "\n");

    cr_expect_not_null(strstr(line, "\"event\":\"listening\""), "%s", line);
    cr_expect_eq(strncmp(service.address, "127.0.0.1:", 10), 0);
    cr_expect_gt(atoi(service.address + 10), 0);
    free(line);
    free(log);
}
