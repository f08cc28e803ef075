#include "tests/unit/support/events_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void add(struct shown *shown, const char *name, struct slice value)
{
    const size_t used = strlen(shown->text);

    if (value.data != NULL)
        snprintf(shown->text + used, sizeof(shown->text) - used, " %s=%.*s", name, (int)value.len,
                 value.data);
}

enum store_visit events_show(void *arg, const struct store_event *event)
{
    struct shown *shown = arg;
    char number[64];

    if (shown->stop_at != 0 && shown->count + 1 == shown->stop_at)
        return STORE_VISIT_STOP;
    shown->ids[shown->count++] = event->id;
    snprintf(number, sizeof(number), "%s v%lld", store_event_name(event->type),
             (long long)event->version);
    strcat(shown->text, number);
    add(shown, "at", event->project_path);
    add(shown, "from", event->from);
    add(shown, "to", event->to);
    if (event->context_changed)
        strcat(shown->text, " context");
    add(shown, "owner", event->lease_owner);
    if (event->lease_token != 0) {
        snprintf(number, sizeof(number), "%lld", (long long)event->lease_token);
        add(shown, "token", slice_from(number));
    }
    strcat(shown->text, "\n");
    return STORE_VISIT_NEXT;
}

struct store_event_page events_read(struct store_fixture *fixture, struct store_event_query query,
                                    struct shown *shown)
{
    struct store_event_page page;
    struct error err;

    *shown = (struct shown){.stop_at = shown->stop_at};
    if (query.limit == 0)
        query.limit = 256;
    if (query.scan == 0)
        query.scan = 10000;
    cr_assert(store_events(fixture->store, &query, events_show, shown, &page, &err), "%s",
              err.detail);
    return page;
}

void events_expect(struct store_fixture *fixture, const char *wanted)
{
    static struct shown shown;

    events_read(fixture, (struct store_event_query){0}, &shown);
    cr_expect_str_eq(shown.text, wanted);
    for (int i = 1; i < shown.count; i++)
        cr_expect_lt(shown.ids[i - 1], shown.ids[i]);
}

struct store_job events_run(struct store_fixture *fixture, const char *id, struct store_job job)
{
    memcpy(job.id, id, UUID_SIZE);
    fixture_run(fixture, &job);
    store_job_release(&job);
    return job;
}
