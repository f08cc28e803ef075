/* Logs of sessions through the store's door: appends that are waited for, and what reads show. */
#ifndef SESSIOND_TESTS_ENTRIES_FIXTURE_H
#define SESSIOND_TESTS_ENTRIES_FIXTURE_H

#include "tests/unit/support/store_fixture.h"

/* Literals alone. */
#define ENTRY(json, name)                                                                          \
    {                                                                                              \
        SLICE_LITERAL(json), SLICE_LITERAL(name)                                                   \
    }
#define PLAIN(json)                                                                                \
    {                                                                                              \
        SLICE_LITERAL(json),                                                                       \
        {                                                                                          \
            NULL, 0                                                                                \
        }                                                                                          \
    }

/* A job that appends, not yet run. */
void entries_fill(struct store_job *job, const char *id, const char *stream,
                  const struct store_new_entry *entries, size_t count);

/* Runs it and releases it; its numbers stay. */
struct store_job entries_append(struct store_fixture *fixture, const char *id, const char *stream,
                                const struct store_new_entry *entries, size_t count);

/* Appends each letter as an entry of its own. */
void entries_append_letters(struct store_fixture *fixture, const char *id, const char *stream,
                            const char *letters);

/* What a read shows, as "seq:text " each; it is ended after `stop_after` entries, 0: never. */
struct entries_shown {
    char text[4096];
    int stop_after;
    int count;
};

enum store_visit entries_show(void *arg, const struct store_entry *entry);

/* A query of the whole stream. */
struct store_entry_query entries_query(const char *id, const char *stream);

/* Expects that this is all of the stream. */
void entries_expect(struct store_fixture *fixture, const char *id, const char *stream,
                    const char *wanted);

#endif
