/* Pages of events, as texts. */
#ifndef SESSIOND_TESTS_EVENTS_FIXTURE_H
#define SESSIOND_TESTS_EVENTS_FIXTURE_H

#include "tests/unit/support/store_fixture.h"

#include "db/store/events.h"

/* What a page showed, one event a line. */
struct shown {
    char text[8192];
    int64_t ids[256];
    int count;
    int stop_at; /* refuses the event of this number */
};

/* A visitor; arg: struct shown. */
enum store_visit events_show(void *arg, const struct store_event *event);

/* One page; without a limit in the query, of up to 256 events. Fails the test when it fails. */
struct store_event_page events_read(struct store_fixture *fixture, struct store_event_query query,
                                    struct shown *shown);

/* Expects all events that are kept to be these lines. */
void events_expect(struct store_fixture *fixture, const char *wanted);

/* Runs a job on this session, and releases it. */
struct store_job events_run(struct store_fixture *fixture, const char *id, struct store_job job);

#endif
