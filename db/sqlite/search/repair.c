/* A corrupt index is replaced: all it holds is stored elsewhere, too. */

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/search/index_internal.h"

#include <stdio.h>

/* After more rebuilds, with the backlog never empty, search is off until the next start. */
#define UNFINISHED_MAX 3

bool search_tables_are_blamed(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_NOTADB:
        return false;
    default:
        return true;
    }
}

bool search_index_fail(struct search_index *index, const char *doing, struct error *err)
{
    if (search_tables_are_blamed(sqlite3_extended_errcode(index->db)))
        index->is_corrupt = true;
    return translate_failure(index->db, doing, err);
}

bool search_index_take_report(struct search_index *index, struct error *err)
{
    struct search_report *report = index->report;
    const int64_t seen_at = atomic_exchange(&report->seen_at, 0);
    bool match = false;

    if (seen_at == 0)
        return true;
    const bool is_certain = atomic_exchange(&report->is_certain, false);
    /* A snapshot from before the last rebuild says nothing about the present index. */
    if (seen_at <= index->rebuilt_at)
        return true;
    if (!is_certain && search_tables_match(index, &match, err) && match)
        return true;
    index->is_corrupt = true;
    return error_set(err, ERROR_INTERNAL, NULL, "a search found the index corrupt");
}

bool search_index_is_corrupt(struct search_index *index)
{
    struct error err;
    bool match = true;

    /* A trigger may have failed, in a statement that does not name the tables. */
    if (index->is_suspect && !index->is_corrupt && search_tables_match(index, &match, &err))
        index->is_corrupt = !match;
    return index->is_corrupt;
}

/* *is_safe: after a failure it is known whether the transaction was committed. */
static bool replace(struct search_index *index, bool *is_safe, struct error *err)
{
    sqlite3 *db = index->db;

    if (!connection_run(db, "BEGIN IMMEDIATE", err) || !search_tables_drop(db, err) ||
        !search_tables_make(index, err)) {
        const int result = sqlite3_extended_errcode(db);
        *is_safe = search_tables_are_blamed(result) || translate_is_harmless(result);
        return false;
    }
    if (!connection_run(db, "COMMIT", err)) {
        *is_safe = translate_is_harmless(sqlite3_extended_errcode(db));
        return false;
    }
    return search_index_prepare(index, err);
}

static void log_rebuild(const struct search_index *index, const char *outcome,
                        const struct error *why)
{
    char detail[sizeof(why->detail) + 96];

    snprintf(detail, sizeof(detail), "%s: %s", outcome, why->detail);
    index->observer->notice(index->observer->arg, STORE_ERROR, "search_index_corrupt", detail);
}

/* What is written from now on is not indexed. The backlog makes each search incomplete, and without
 * the triggers the next start does not take the tables as they are. False: an I/O error leaves the
 * state of the log unknown. */
static bool turn_off(struct search_index *index, const struct error *why, struct error *err)
{

    log_rebuild(index, "search is off until the next start, since the index cannot be rebuilt",
                why);
    index->text_of = NULL;
    index->has_backlog = index->was_backlog = false;
    if (search_tables_drop_triggers(index->db, err) &&
        connection_run(index->db,
                       "INSERT OR REPLACE INTO search_backlog VALUES (0, 9223372036854775807)",
                       err))
        return true;
    const int result = sqlite3_extended_errcode(index->db);
    return connection_roll_back(index->db) && (result & 0xff) != SQLITE_IOERR;
}

bool search_index_rebuild(struct search_index *index, const struct error *why, struct error *err)
{
    const struct error reason = *why; /* may be `err` */
    bool is_safe = true;

    index->is_corrupt = false;
    index->rebuilds++;
    if (++index->unfinished > UNFINISHED_MAX)
        return turn_off(index, &reason, err);
    if (!replace(index, &is_safe, err))
        return is_safe && connection_roll_back(index->db) && turn_off(index, err, err);
    index->has_backlog = index->was_backlog = true;
    log_rebuild(index, "the search index is dropped and rebuilt in the background", &reason);
    return true;
}
