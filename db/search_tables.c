/* The tables of search: made, made anew by another rule, or dropped. */

#include "db/connection.h"
#include "db/search_index_internal.h"

#include <stdio.h>

extern const unsigned char schema_search[];

static const char drop[] =
    "DROP TRIGGER search_session_deleted; DROP TRIGGER search_session_made_elsewhere;"
    "DROP TRIGGER search_session_changed_elsewhere;"
    "DROP TABLE search_entries; DROP TABLE search_contexts;"
    "DROP TABLE search_backlog; DROP TABLE search_rule";

static bool are_there(sqlite3 *db, bool *out, struct error *err)
{
    int64_t count;

    if (!connection_integer(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'search_rule'",
                            &count, err))
        return false;
    *out = count > 0;
    return true;
}

static void tell(const struct search_index *index, const char *event, const char *detail)
{
    index->observer->notice(index->observer->arg, STORE_INFO, event, detail);
}

static bool make(struct search_index *index, struct error *err)
{
    int64_t stored;
    char sql[64];

    if (!connection_integer(index->db, "SELECT EXISTS (SELECT 1 FROM sessions)", &stored, err))
        return false;
    if (stored != 0)
        tell(index, "search_indexing", "what is stored becomes searchable, the newest first");
    snprintf(sql, sizeof(sql), "INSERT INTO search_rule VALUES (%d)", index->rule);
    return connection_run(index->db, (const char *)schema_search, err) &&
           connection_run(index->db, sql, err);
}

/* As search is on or off. */
static bool bring_up_to_date(struct search_index *index, struct error *err)
{
    const bool wanted = index->text_of != NULL;
    bool there;
    int64_t rule = 0;

    if (!are_there(index->db, &there, err) ||
        (there && !connection_integer(index->db, "SELECT rule FROM search_rule", &rule, err)))
        return false;
    if (there && wanted && rule == index->rule)
        return true;
    if (there && !connection_run(index->db, drop, err))
        return false;
    if (there && !wanted)
        tell(index, "search_dropped", "search is off: its tables are gone");
    return !wanted || make(index, err);
}

bool search_index_open(struct search_index *index, sqlite3 *db, struct error *err)
{
    int64_t backlog = 0;

    index->db = db;
    if (!connection_run(db, "BEGIN IMMEDIATE", err))
        return false;
    if (!bring_up_to_date(index, err) || !connection_run(db, "COMMIT", err)) {
        connection_roll_back(db);
        return false;
    }
    if (index->text_of == NULL)
        return true;
    if (!connection_integer(db, "SELECT count(*) FROM search_backlog", &backlog, err))
        return false;
    index->has_backlog = index->was_backlog = backlog > 0;
    return search_index_prepare(index, err);
}
