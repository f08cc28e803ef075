/* Without tokens: what a page that a browser shows could send is not let in. */
#include "tests/support/fixture.h"
#include "tests/support/raw_connection.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(browser, .init = fixture_start, .fini = fixture_stop);
TestSuite(browser_start, .init = fixture_init, .fini = fixture_stop);

#define NEW "{\"project_path\":\"/p\",\"thread_id\":\"t\"}"
#define ORIGIN_MAX 128

static const struct response *ask(const char *method, const char *target, const char *one,
                                  const char *two)
{
    return client_call(client, &(struct request){.method = method,
                                                 .target = target,
                                                 .body = strcmp(method, "POST") == 0 ? NEW : NULL,
                                                 .headers = {one, two}});
}

Test(browser, names_of_this_machine_are_answered)
{
    static const char *const hosts[] = {
        "localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:9", "127.8.8.8", "[::1]", "[::1]:8082",
    };

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char header[64];
        snprintf(header, sizeof(header), "Host: %s", hosts[i]);
        cr_expect_eq(ask("GET", "/sessions", header, NULL)->status, 200, "%s", hosts[i]);
    }
    expect_status(ask("GET", "/sessions", NULL, NULL), 200);
}

/* DNS rebinding: the page's own name leads here, and the browser sends it as Host. */
Test(browser, names_of_other_machines_are_not)
{
    static const char *const hosts[] = {"evil.example",
                                        "evil.example:8082",
                                        "localhost.evil.example",
                                        "127.0.0.1.evil.example",
                                        "0.0.0.0",
                                        "192.168.0.1:8082",
                                        "[fe80::1]",
                                        "sessiond:8082"};
    static const char *const targets[] = {"/sessions", "/openapi.yaml", "/metrics", "/nothing"};

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char header[64];
        snprintf(header, sizeof(header), "Host: %s", hosts[i]);
        const struct response *response = ask("POST", "/sessions", header, NULL);
        cr_expect_eq(response->status, 421, "%s: %d", hosts[i], response->status);
        cr_expect(response_is_problem(response, "misdirected"));
        const char *target = targets[i % (sizeof(targets) / sizeof(targets[0]))];
        cr_expect_eq(ask("GET", target, header, NULL)->status, 421, "%s", target);
    }
    cr_expect_eq(count_sessions(), 0);
}

static int raw_status(const char *head)
{
    char answer[4096] = "";
    int status = 0;
    const int fd = raw_connect(&service);

    cr_expect(raw_send(fd, head, strlen(head)));
    raw_read_to_end(fd, answer, sizeof(answer));
    close(fd);
    sscanf(answer, "HTTP/1.1 %d", &status);
    return status;
}

/* RFC 9112 §3.3: the authority of the target counts, and then no Host. */
Test(browser, the_target_may_name_the_server)
{
    cr_expect_eq(raw_status("GET http://evil.example/sessions HTTP/1.1\r\nHost: localhost\r\n"
                            "Connection: close\r\n\r\n"),
                 421);
}

/* A kubelet sends the address of the pod, and haproxy's `option httpchk` HTTP/1.0 without Host. */
Test(browser, health_checks_may_name_any_server)
{
    static const char *const targets[] = {"/healthz", "/readyz"};
    static const char *const hosts[] = {"Host: 10.1.2.3:8082", "Host: sessiond.example", "Host;"};

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        char head[128];
        for (size_t k = 0; k < sizeof(hosts) / sizeof(hosts[0]); k++)
            cr_expect_eq(ask("GET", targets[i], hosts[k], NULL)->status, 200, "%s, %s", targets[i],
                         hosts[k]);
        snprintf(head, sizeof(head), "GET %s HTTP/1.0\r\n\r\n", targets[i]);
        cr_expect_eq(raw_status(head), 200, "%s", targets[i]);
        snprintf(head, sizeof(head), "OPTIONS %s HTTP/1.0\r\n\r\n", targets[i]);
        cr_expect_eq(raw_status(head), 405, "%s", targets[i]);
        cr_expect_eq(ask("GET", targets[i], "Origin: http://evil.example", NULL)->status, 403);
    }
    cr_expect_eq(raw_status("GET /sessions HTTP/1.0\r\n\r\n"), 421);
    cr_expect_eq(raw_status("GET /sessions HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"), 421);
}

Test(browser, a_page_of_another_origin_is_refused)
{
    static const char *const sources[] = {
        "Origin: http://evil.example", "Origin: null", "Origin: http://localhost:3000",
        "Origin: http://localhost",    "Origin: ",     "Origin: https://127.0.0.2:1",
        "Sec-Fetch-Site: cross-site",
    };

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        const char *source = strcmp(sources[i], "Origin: ") == 0 ? "Origin;" : sources[i];
        for (int k = 0; k < 3; k++) {
            const struct response *response =
                ask(k == 0 ? "POST" : "GET", k == 2 ? "/readyz" : "/sessions", source, NULL);
            cr_expect_eq(response->status, 403, "%s: %d", source, response->status);
            cr_expect(response_is_problem(response, "cross-origin"));
        }
        cr_expect_eq(ask("DELETE", "/admin/backup", source, NULL)->status, 403);
    }
    cr_expect_eq(count_sessions(), 0);
}

Test(browser, a_page_of_its_own_origin_and_programs_are_not)
{
    char origin[ORIGIN_MAX];

    snprintf(origin, sizeof(origin), "Origin: http://%s", service.address);
    expect_status(ask("POST", "/sessions", origin, "Sec-Fetch-Site: same-origin"), 201);
    expect_status(ask("GET", "/sessions", "Sec-Fetch-Site: none", NULL), 200);
    expect_status(ask("GET", "/sessions", "Sec-Fetch-Site: same-origin", NULL), 200);
}

/* A browser asks with OPTIONS whether another origin may send JSON, and takes any answer without
 * Access-Control-Allow-Origin for a no. */
Test(browser, nothing_is_allowed_to_other_origins)
{
    const struct response *response =
        ask("OPTIONS", "/sessions", "Access-Control-Request-Method: POST", NULL);

    expect_status(response, 405);
    cr_expect_null(response_header(response, "Access-Control-Allow-Origin"));
}

/* What can be sent without asking: POST as one of three types, or of none, also by browsers that do
 * not tell the origin. */
Test(browser, no_form_changes_anything)
{
    static const char *const targets[] = {
        "/sessions",
        "/sessions/recover",
        "/sessions/relocate",
        "/admin/backup",
        "/sessions/00000000-0000-4000-8000-000000000000/transition",
    };
    static const char *const types[] = {"text/plain", "application/x-www-form-urlencoded",
                                        "multipart/form-data; boundary=b"};

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
            const struct response *response = client_call(
                client, &(struct request){
                            .method = "POST", .target = targets[i], .type = types[k], .body = NEW});
            cr_expect_eq(response->status, 415, "%s as %s: %d", targets[i], types[k],
                         response->status);
            response = client_call(
                client, &(struct request){
                            .method = "POST", .target = targets[i], .type = types[k], .body = ""});
            cr_expect_eq(response->status, 415, "%s, empty, as %s: %d", targets[i], types[k],
                         response->status);
        }
    }
    cr_expect_eq(count_sessions(), 0);
}

Test(browser_start, anyone_is_let_in_where_that_is_said_but_no_page)
{
    service_start(&service, FLAGS("--listen", "0.0.0.0:0", "--allow-anonymous"));
    expect_status(ask("POST", "/sessions", "Host: sessiond:8082", NULL), 201);
    expect_status(ask("POST", "/sessions", "Host: sessiond:8082", "Origin: http://evil.example"),
                  403);
    expect_status(ask("GET", "/sessions", "Host: sessiond:8082", "Sec-Fetch-Site: cross-site"),
                  403);
    expect_status(ask("GET", "/sessions", "Host: sessiond:8082", "Origin: http://sessiond:8082"),
                  200);
}

Test(browser_start, the_name_that_it_listens_on_is_its_own)
{
    service_start(&service, FLAGS("--listen", "127.1:0"));
    expect_status(ask("GET", "/sessions", "Host: 127.1:80", NULL), 200);
    expect_status(ask("GET", "/sessions", "Host: 127.2:80", NULL), 421);
    expect_status(ask("GET", "/sessions", "Host: localhost", NULL), 200);
}
