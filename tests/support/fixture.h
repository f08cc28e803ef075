/*
 * What most tests of the API begin and end with: a running service and a client of it.
 *
 *     TestSuite(name, .init = fixture_start, .fini = fixture_stop);
 *
 * Criterion runs each test in a process of its own, so each has its own service.
 */
#ifndef SESSIOND_TESTS_FIXTURE_H
#define SESSIOND_TESTS_FIXTURE_H

#include "tests/support/client.h"

#define UUID_SIZE 37

extern struct service service;
extern struct tracked_connection *client;

void fixture_start(void);

/* Stops the service, which must end well and leave no report of a sanitizer. */
void fixture_stop(void);

/* The folder and the client alone, for tests that start the service in their own ways. */
void fixture_init(void);

/* Stops the service and starts it again on the same file. */
void fixture_restart(const char *const *flags);

/* Asserts the status, and shows the body when it is another. Returns the response. */
const struct response *expect_status(const struct response *response, int status);

/* Creates a session; `context` may be NULL. */
void create_session(const char *project_path, const char *thread_id, const char *context,
                    char id[UUID_SIZE]);

/* Moves a session to the status; asserts that this is allowed. */
void move_session(const char *id, const char *status);

/* How many sessions the service has. */
int64_t count_sessions(void);

#endif
