#include "db/sqlite/search/execute.h"

#include "db/base/monotonic.h"
#include "db/base/timestamp.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/entry_key.h"
#include "db/sqlite/connection/reader_pool.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/search/bm25.h"
#include "db/sqlite/search/index.h"
#include "db/sqlite/search/snippet.h"
#include "db/sqlite/search/tables.h"
#include "db/sqlite/search/top_k.h"

#include <stdlib.h>

#define DEADLINE_CHECK_ROWS 64

/* After this many matches in a stream that the filters exclude, the search skips the rest of the
 * stream. */
#define SKIPPED_MATCHES_MAX 100

#define MATCHES(table, condition)                                                                  \
    "SELECT rowid, sessiond_score(" table ") FROM " table " WHERE " table                          \
    " MATCH ?1 AND rowid < ?2" condition " ORDER BY rowid DESC"

/* The index may have an older text of a context that is in the backlog. No such entry is indexed.
 */
#define IS_UP_TO_DATE                                                                              \
    " AND NOT coalesce((SELECT last >= search_contexts.rowid + -9223372036854775808"               \
    " FROM search_backlog WHERE first <= search_contexts.rowid + -9223372036854775808"             \
    " ORDER BY first DESC LIMIT 1), 0)"
#define SESSION "id, project_path, thread_id, status, created_at"

static const char *const texts[SEARCH_READ_STATEMENT_COUNT] = {
    [SEARCH_READ_ENTRIES] = MATCHES("search_entries", ""),
    [SEARCH_READ_CONTEXTS] = MATCHES("search_contexts", IS_UP_TO_DATE),
    [SEARCH_READ_STREAM] = "SELECT " SESSION ", name FROM streams CROSS JOIN sessions"
                           " ON seq = session_seq WHERE number = ?1",
    [SEARCH_READ_SESSION] = "SELECT " SESSION ", NULL FROM sessions WHERE seq = ?1",
    [SEARCH_READ_ENTRY] = "SELECT entry, created_us FROM entries WHERE key = ?1",
    [SEARCH_READ_CONTEXT] = "SELECT coalesce(shown, text) FROM search_contexts WHERE rowid = ?1",
    /* A context of a deleted session is not counted as missing. */
    [SEARCH_READ_BACKLOG] =
        "SELECT 1 FROM search_backlog WHERE first >= 0 OR first <> last OR EXISTS"
        " (SELECT 1 FROM sessions WHERE seq = first - -9223372036854775808)"
        " LIMIT 1",
};

/* A search in progress. */
struct search {
    sqlite3 *db;
    struct reader *leased;
    struct search_reader *reader; /* the search part of `leased` */
    const struct store_search_query *query;
    struct search_query parsed;
    struct top_k ranking;
    int64_t until_us;
    int64_t snapshot_commits;
    bool complete;
    int64_t stream; /* stream of the last match */
    bool stream_matches;
    int64_t skipped_matches; /* matches of that stream that were skipped */
};

/* --- Failures ------------------------------------------------------------------------------ */

static bool is_late(const struct search *search)
{
    return monotonic_us() > search->until_us + search->leased->paused_us;
}

static void report_corruption(const struct search *search, bool is_certain)
{
    struct search_report *report = search->reader->report;

    if (is_certain)
        atomic_store(&report->is_certain, true);
    atomic_store(&report->seen_at, search->snapshot_commits + 1);
}

/* Handles a failed statement on the search tables. True: the search continues with its current
 * hits, and its result is incomplete. SQLITE_ERROR may be caused by the query, unless the SQL
 * `is_constant`. */
static bool tolerate_failure(struct search *search, bool is_constant, const char *doing,
                             struct error *err)
{
    const int result = sqlite3_extended_errcode(search->db);

    if (result != SQLITE_INTERRUPT && !search_tables_is_corruption(result))
        return sqlite_error_set(search->db, doing, err);
    if (result != SQLITE_INTERRUPT && !is_late(search))
        report_corruption(search, is_constant || result != SQLITE_ERROR);
    search->complete = false;
    return true;
}

static bool prepare_tokens(struct search_reader *search, sqlite3 *db, struct error *err)
{
    return search->tokens.tokenizer != NULL ||
           (bm25_register(db, err) && search_tokens_init(&search->tokens, db, err));
}

/* *ready: all statements are prepared. False when a table cannot be opened. */
static bool prepare_statements(struct search *search, bool *ready, struct error *err)
{
    struct error failure;

    *ready = false;
    for (int i = 0; i < SEARCH_READ_STATEMENT_COUNT; i++) {
        sqlite3_stmt **stmt = &search->reader->prepared[i];
        if (*stmt == NULL && !connection_prepare(search->db, texts[i], stmt, &failure))
            return tolerate_failure(search, true, "preparing the search", err);
    }
    *ready = true;
    return true;
}

static bool find_row(const struct search *search, enum search_read_statement which, int64_t row,
                     bool *found, struct error *err)
{
    sqlite3_stmt *stmt = search->reader->prepared[which];

    sqlite3_bind_int64(stmt, 1, row);
    const int result = sqlite3_step(stmt);
    *found = result == SQLITE_ROW;
    return result == SQLITE_ROW || result == SQLITE_DONE ||
           sqlite_error_set(search->db, "searching", err);
}

/* The same for the search tables. A corrupt table counts as having no such row. */
static bool find_indexed_row(struct search *search, enum search_read_statement which, int64_t row,
                             bool *found, struct error *err)
{
    struct error ignored;

    return find_row(search, which, row, found, &ignored) ||
           tolerate_failure(search, true, "searching", err);
}

static bool matches_filters(const struct store_search_query *query, sqlite3_stmt *session)
{
    enum session_status status;

    return (query->project_path.data == NULL ||
            slice_equal(query->project_path, column_text(session, 1))) &&
           (query->thread_id.data == NULL ||
            slice_equal(query->thread_id, column_text(session, 2))) &&
           session_status_parse(column_text(session, 3), &status) &&
           (query->statuses == 0 || (query->statuses >> status & 1) != 0);
}

/* *out: whether the session exists and matches the filters. */
static bool check_session(const struct search *search, enum search_read_statement which,
                          int64_t row, bool *out, struct error *err)
{
    sqlite3_stmt *stmt = search->reader->prepared[which];
    bool found;

    const bool ok = find_row(search, which, row, &found, err);
    *out = found && matches_filters(search->query, stmt);
    sqlite3_reset(stmt);
    return ok;
}

/* The matches of a stream are adjacent. */
static bool check_entry(struct search *search, int64_t key, bool *out, struct error *err)
{
    const int64_t stream = entry_key_stream(key);

    if (stream != search->stream) {
        search->stream = stream;
        search->skipped_matches = 0;
        if (!check_session(search, SEARCH_READ_STREAM, stream, &search->stream_matches, err))
            return false;
    }
    *out = search->stream_matches;
    search->skipped_matches += !search->stream_matches;
    return true;
}

static bool check_row(struct search *search, enum search_read_statement which, int64_t row,
                      bool *out, struct error *err)
{
    if (which == SEARCH_READ_ENTRIES)
        return check_entry(search, row, out, err);
    return check_session(search, SEARCH_READ_SESSION, row, out, err);
}

static void add_to_ranking(struct search *search, enum search_read_statement which,
                           sqlite3_stmt *stmt)
{
    const int64_t row = sqlite3_column_int64(stmt, 0);

    top_k_add(&search->ranking,
              (struct store_search_cursor){
                  .score = sqlite3_column_int64(stmt, 1),
                  .document = which == SEARCH_READ_ENTRIES ? row : search_context_document(row),
              });
}

/* Ranks the matches whose rows are below *before, newest first, until a limit is reached or the
 * rest of a stream is to be skipped; *before is then the row from which the search continues. */
static bool rank_below(struct search *search, enum search_read_statement which, int64_t *before,
                       int *ranked, struct error *err)
{
    sqlite3_stmt *stmt = search->reader->prepared[which];
    struct error failure;
    int64_t rows = 0;
    int result;
    bool is_match;

    sqlite3_bind_text64(stmt, 1, search->parsed.match, search->parsed.match_len, SQLITE_STATIC,
                        SQLITE_UTF8);
    sqlite3_bind_int64(stmt, 2, *before);
    *before = INT64_MIN;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        const bool is_timed_out = ++rows % DEADLINE_CHECK_ROWS == 0 && is_late(search);
        if (is_timed_out || *ranked == STORE_SEARCH_RANKED_MAX) {
            search->complete = false;
            break;
        }
        if (!check_row(search, which, sqlite3_column_int64(stmt, 0), &is_match, &failure)) {
            sqlite3_reset(stmt);
            search->complete = false;
            if (failure.kind != ERROR_READ_TIMEOUT)
                *err = failure;
            return failure.kind == ERROR_READ_TIMEOUT;
        }
        if (is_match) {
            add_to_ranking(search, which, stmt);
            ++*ranked;
        } else if (which == SEARCH_READ_ENTRIES && search->skipped_matches > SKIPPED_MATCHES_MAX) {
            *before = entry_key(search->stream, 0);
            break;
        }
    }
    const bool ok = result == SQLITE_ROW || result == SQLITE_DONE ||
                    tolerate_failure(search, false, "searching", err);
    sqlite3_reset(stmt);
    return ok;
}

static bool rank_matches(struct search *search, enum search_read_statement which, struct error *err)
{
    int64_t before = INT64_MAX;
    int ranked = 0;

    while (before != INT64_MIN) {
        if (is_late(search)) {
            search->complete = false;
            return true;
        }
        if (!rank_below(search, which, &before, &ranked, err))
            return false;
    }
    return true;
}

static void visit_hit(struct search *search, struct store_hit *hit, struct slice text,
                      store_hit_fn visit, void *arg)
{
    struct search_snippet snippet;

    search_snippet_make(&search->reader->tokens, &search->parsed, text, &snippet);
    hit->snippet = (struct slice){snippet.text, snippet.len};
    hit->marks = snippet.marks;
    hit->mark_count = snippet.mark_count;
    visit(arg, hit);
}

/* The texts are borrowed from the statement's row. */
static void read_session(sqlite3_stmt *stmt, struct store_hit *hit)
{
    hit->session_id = column_text(stmt, 0);
    hit->project_path = column_text(stmt, 1);
    hit->thread_id = column_text(stmt, 2);
    if (!session_status_parse(column_text(stmt, 3), &hit->status) ||
        !timestamp_parse(column_text(stmt, 4), &hit->created_us))
        hit->created_us = 0;
    hit->stream = column_text(stmt, 5);
}

static void visit_entry(struct search *search, sqlite3_stmt *entry, struct store_hit *hit,
                        store_hit_fn visit, void *arg)
{
    size_t len = 0;
    char *text = search->reader->text_of(column_text(entry, 0), &len);

    hit->created_us = column_time(entry, 1);
    visit_hit(search, hit, (struct slice){text == NULL ? "" : text, len}, visit, arg);
    free(text);
}

static bool visit_position(struct search *search, const struct store_search_cursor *position,
                           store_hit_fn visit, void *arg, struct error *err)
{
    const bool is_entry = position->document >= 0;
    const int64_t row = is_entry ? position->document : search_context_document(position->document);
    const enum search_read_statement owner = is_entry ? SEARCH_READ_STREAM : SEARCH_READ_SESSION;
    const enum search_read_statement text_statement =
        is_entry ? SEARCH_READ_ENTRY : SEARCH_READ_CONTEXT;
    sqlite3_stmt *session = search->reader->prepared[owner];
    sqlite3_stmt *text = search->reader->prepared[text_statement];
    struct store_hit hit = {.score = position->score, .seq = is_entry ? entry_key_seq(row) : 0};
    bool has_session;
    bool has_text = false;

    const bool ok =
        find_row(search, owner, is_entry ? entry_key_stream(row) : row, &has_session, err) &&
        (is_entry ? find_row(search, text_statement, row, &has_text, err)
                  : find_indexed_row(search, text_statement, row, &has_text, err));
    if (ok && has_session && has_text) {
        read_session(session, &hit);
        if (is_entry)
            visit_entry(search, text, &hit, visit, arg);
        else
            visit_hit(search, &hit, column_text(text, 0), visit, arg);
    }
    sqlite3_reset(session);
    sqlite3_reset(text);
    return ok;
}

static bool visit_page(struct search *search, struct store_search *job, void *arg,
                       struct error *err)
{
    const struct top_k *ranking = &search->ranking;

    for (size_t i = 0; i < ranking->count && i < ranking->limit; i++) {
        if (!visit_position(search, &ranking->places[i], job->visit, arg, err))
            return false;
        job->last = ranking->places[i];
        reader_pause(search->leased);
    }
    job->more = ranking->count > ranking->limit;
    job->complete = search->complete;
    return true;
}

static bool read_backlog(struct search *search, struct error *err)
{
    bool has_backlog = true;

    const bool ok = find_indexed_row(search, SEARCH_READ_BACKLOG, 0, &has_backlog, err);
    sqlite3_reset(search->reader->prepared[SEARCH_READ_BACKLOG]);
    search->complete = search->complete && !has_backlog;
    return ok;
}

/* Ranks with a time limit. SQLite also checks the reader's deadline during a match, which may read
 * millions of words before its first row. */
static bool rank_in_time(struct search *search, struct reader *reader, struct error *err)
{
    const int64_t deadline_ms = reader->deadline_ms;
    const int64_t until_ms = search->until_us / 1000;
    bool ready;

    if (!prepare_statements(search, &ready, err))
        return false;
    if (!ready)
        return true;
    if (until_ms < deadline_ms)
        reader->deadline_ms = until_ms;
    const bool ok = read_backlog(search, err) && rank_matches(search, SEARCH_READ_ENTRIES, err) &&
                    rank_matches(search, SEARCH_READ_CONTEXTS, err);
    reader->deadline_ms = deadline_ms;
    return ok;
}

bool search_read(struct reader *reader, store_extract_fn text_of, struct store_search *job,
                 void *arg, struct error *err)
{
    struct search search = {
        .db = reader->db,
        .leased = reader,
        .reader = &reader->search,
        .query = &job->query,
        .until_us = monotonic_us() + STORE_SEARCH_LIMIT_MS * INT64_C(1000),
        .snapshot_commits = reader->snapshot_commits,
        .complete = true,
    };

    if (text_of == NULL)
        return error_set(err, ERROR_NO_SEARCH, NULL,
                         "this service has no search index; start it with --search on");
    reader->search.text_of = text_of;
    top_k_init(&search.ranking, (size_t)job->query.limit, job->query.after);
    return prepare_tokens(&reader->search, reader->db, err) &&
           search_query_parse(&reader->search.tokens, job->query.text, &search.parsed, err) &&
           rank_in_time(&search, reader, err) && visit_page(&search, job, arg, err);
}
