#include "tests/unit/support/entries_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

void entries_fill(struct store_job *job, const char *id, const char *stream,
                  const struct store_new_entry *entries, size_t count)
{
    *job = (struct store_job){
        .operation = STORE_APPEND,
        .append = {.stream = slice_from(stream), .entries = entries, .count = count},
    };
    memcpy(job->id, id, UUID_SIZE);
}

struct store_job entries_append(struct store_fixture *fixture, const char *id, const char *stream,
                                const struct store_new_entry *entries, size_t count)
{
    struct store_job job;

    entries_fill(&job, id, stream, entries, count);
    fixture_run(fixture, &job);
    store_job_release(&job);
    return job;
}

void entries_append_letters(struct store_fixture *fixture, const char *id, const char *stream,
                            const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const struct store_new_entry entry = {{letters, 1}, {NULL, 0}};
        const struct store_job job = entries_append(fixture, id, stream, &entry, 1);
        cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    }
}

enum store_visit entries_show(void *arg, const struct store_entry *entry)
{
    struct entries_shown *shown = arg;
    const size_t used = strlen(shown->text);

    cr_expect_gt(entry->created_us, 0);
    if (shown->stop_after != 0 && shown->count == shown->stop_after)
        return STORE_VISIT_STOP;
    shown->count++;
    snprintf(shown->text + used, sizeof(shown->text) - used, "%ld:%.*s ", (long)entry->seq,
             (int)entry->text.len, entry->text.data);
    return STORE_VISIT_NEXT;
}

struct store_entry_query entries_query(const char *id, const char *stream)
{
    struct store_entry_query query = {.stream = slice_from(stream), .limit = 100};

    memcpy(query.id, id, UUID_SIZE);
    return query;
}

void entries_expect(struct store_fixture *fixture, const char *id, const char *stream,
                    const char *wanted)
{
    const struct store_entry_query query = entries_query(id, stream);
    struct entries_shown shown = {0};
    struct store_entry_page page;
    struct error err;

    cr_assert(store_entries(fixture->store, &query, entries_show, &shown, &page, &err), "%s",
              err.detail);
    cr_expect_str_eq(shown.text, wanted);
    cr_expect_not(page.more);
}
