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

#define LOOK_EVERY_ROWS 64

/* So many matches of a stream that does not fit are stepped over before it is jumped over. */
#define STEPPED_OVER_MAX 100

#define MATCHES(table)                                                                             \
    "SELECT rowid, sessiond_score(" table ") FROM " table " WHERE " table                          \
    " MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC"
#define SESSION "id, project_path, thread_id, status, created_at"

static const char *const texts[SEARCH_READ_STATEMENT_COUNT] = {
    [SEARCH_READ_ENTRIES] = MATCHES("search_entries"),
    [SEARCH_READ_CONTEXTS] = MATCHES("search_contexts"),
    [SEARCH_READ_STREAM] = "SELECT " SESSION ", name FROM streams CROSS JOIN sessions"
                           " ON seq = session_seq WHERE number = ?1",
    [SEARCH_READ_SESSION] = "SELECT " SESSION ", NULL FROM sessions WHERE seq = ?1",
    [SEARCH_READ_ENTRY] = "SELECT entry, created_us FROM entries WHERE key = ?1",
    [SEARCH_READ_CONTEXT] = "SELECT coalesce(shown, text) FROM search_contexts WHERE rowid = ?1",
    /* A deleted session's context is not missing. */
    [SEARCH_READ_BACKLOG] =
        "SELECT 1 FROM search_backlog WHERE first >= 0 OR first <> last OR EXISTS"
        " (SELECT 1 FROM sessions WHERE seq = first - -9223372036854775808)"
        " LIMIT 1",
};

/* One search under way. */
struct search {
    sqlite3 *db;
    struct reader *leased;
    struct search_reader *reader; /* of the leased one */
    const struct store_search_query *query;
    struct search_query parsed;
    struct top_k ranking;
    int64_t until_us;
    int64_t snapshot_commits;
    bool complete;
    int64_t stream; /* the one last looked at */
    bool stream_fits;
    int64_t stepped_over; /* matches of it */
};

/* --- Failures ------------------------------------------------------------------------------ */

static bool is_late(const struct search *search)
{
    return monotonic_us() > search->until_us + search->leased->paused_us;
}

static void report(const struct search *search, bool is_certain)
{
    struct search_report *report = search->reader->report;

    if (is_certain)
        atomic_store(&report->is_certain, true);
    atomic_store(&report->seen_at, search->snapshot_commits + 1);
}

/* After a statement on the search tables failed. True: the search goes on with what it has found,
 * and its result is incomplete. SQLITE_ERROR may come from the query, unless the SQL `is_constant`.
 */
static bool make_do(struct search *search, bool is_constant, const char *doing, struct error *err)
{
    const int result = sqlite3_extended_errcode(search->db);

    if (result != SQLITE_INTERRUPT && !search_tables_is_corruption(result))
        return sqlite_error_set(search->db, doing, err);
    if (result != SQLITE_INTERRUPT && !is_late(search))
        report(search, is_constant || result != SQLITE_ERROR);
    search->complete = false;
    return true;
}

static bool prepare_tokens(struct search_reader *search, sqlite3 *db, struct error *err)
{
    return search->tokens.tokenizer != NULL ||
           (bm25_register(db, err) && search_tokens_init(&search->tokens, db, err));
}

/* *ready: all statements are prepared. They are not when a table cannot be opened. */
static bool prepare_statements(struct search *search, bool *ready, struct error *err)
{
    struct error failure;

    *ready = false;
    for (int i = 0; i < SEARCH_READ_STATEMENT_COUNT; i++) {
        sqlite3_stmt **stmt = &search->reader->prepared[i];
        if (*stmt == NULL && !connection_prepare(search->db, texts[i], stmt, &failure))
            return make_do(search, true, "preparing to search", err);
    }
    *ready = true;
    return true;
}

static bool look_up(const struct search *search, enum search_read_statement which, int64_t number,
                    bool *found, struct error *err)
{
    sqlite3_stmt *stmt = search->reader->prepared[which];

    sqlite3_bind_int64(stmt, 1, number);
    const int result = sqlite3_step(stmt);
    *found = result == SQLITE_ROW;
    return result == SQLITE_ROW || result == SQLITE_DONE ||
           sqlite_error_set(search->db, "searching", err);
}

/* The same for the search tables. One that is corrupt has no such row. */
static bool look_up_indexed(struct search *search, enum search_read_statement which, int64_t number,
                            bool *found, struct error *err)
{
    struct error ignored;

    return look_up(search, which, number, found, &ignored) ||
           make_do(search, true, "searching", err);
}

static bool fits(const struct store_search_query *query, sqlite3_stmt *session)
{
    enum session_status status;

    return (query->project_path.data == NULL ||
            slice_equal(query->project_path, column_text(session, 1))) &&
           (query->thread_id.data == NULL ||
            slice_equal(query->thread_id, column_text(session, 2))) &&
           session_status_parse(column_text(session, 3), &status) &&
           (query->statuses == 0 || (query->statuses >> status & 1) != 0);
}

/* Whether the session is there and is one of those that are asked for. */
static bool session_fits(const struct search *search, enum search_read_statement which,
                         int64_t number, bool *out, struct error *err)
{
    sqlite3_stmt *stmt = search->reader->prepared[which];
    bool found;

    const bool ok = look_up(search, which, number, &found, err);
    *out = found && fits(search->query, stmt);
    sqlite3_reset(stmt);
    return ok;
}

/* The matches of a stream come one behind the other. */
static bool entry_fits(struct search *search, int64_t key, bool *out, struct error *err)
{
    const int64_t stream = entry_key_stream(key);

    if (stream != search->stream) {
        search->stream = stream;
        search->stepped_over = 0;
        if (!session_fits(search, SEARCH_READ_STREAM, stream, &search->stream_fits, err))
            return false;
    }
    *out = search->stream_fits;
    search->stepped_over += !search->stream_fits;
    return true;
}

static bool row_fits(struct search *search, enum search_read_statement which, int64_t row,
                     bool *out, struct error *err)
{
    if (which == SEARCH_READ_ENTRIES)
        return entry_fits(search, row, out, err);
    return session_fits(search, SEARCH_READ_SESSION, row, out, err);
}

static void rank(struct search *search, enum search_read_statement which, sqlite3_stmt *stmt)
{
    const int64_t row = sqlite3_column_int64(stmt, 0);

    top_k_add(&search->ranking,
              (struct store_search_cursor){
                  .score = sqlite3_column_int64(stmt, 1),
                  .document = which == SEARCH_READ_ENTRIES ? row : search_context_document(row),
              });
}

/* Ranks matches whose row is below *before, the newest first, until one of the bounds is reached or
 * a stream is to be jumped over: then *before is where to go on. */
static bool rank_below(struct search *search, enum search_read_statement which, int64_t *before,
                       int *ranked, struct error *err)
{
    sqlite3_stmt *stmt = search->reader->prepared[which];
    struct error failure;
    int64_t rows = 0;
    int result;
    bool fit;

    sqlite3_bind_text64(stmt, 1, search->parsed.match, search->parsed.match_len, SQLITE_STATIC,
                        SQLITE_UTF8);
    sqlite3_bind_int64(stmt, 2, *before);
    *before = INT64_MIN;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        const bool late = ++rows % LOOK_EVERY_ROWS == 0 && is_late(search);
        if (late || *ranked == STORE_SEARCH_RANKED_MAX) {
            search->complete = false;
            break;
        }
        if (!row_fits(search, which, sqlite3_column_int64(stmt, 0), &fit, &failure)) {
            sqlite3_reset(stmt);
            search->complete = false;
            if (failure.kind != ERROR_READ_TIMEOUT)
                *err = failure;
            return failure.kind == ERROR_READ_TIMEOUT;
        }
        if (fit) {
            rank(search, which, stmt);
            ++*ranked;
        } else if (which == SEARCH_READ_ENTRIES && search->stepped_over > STEPPED_OVER_MAX) {
            *before = entry_key(search->stream, 0);
            break;
        }
    }
    const bool ok =
        result == SQLITE_ROW || result == SQLITE_DONE || make_do(search, false, "searching", err);
    sqlite3_reset(stmt);
    return ok;
}

static bool rank_all(struct search *search, enum search_read_statement which, struct error *err)
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

static void show(struct search *search, struct store_hit *hit, struct slice text,
                 store_hit_fn visit, void *arg)
{
    struct search_snippet snippet;

    search_snippet_make(&search->reader->tokens, &search->parsed, text, &snippet);
    hit->snippet = (struct slice){snippet.text, snippet.len};
    hit->marks = snippet.marks;
    hit->mark_count = snippet.mark_count;
    visit(arg, hit);
}

/* The texts are those of the statement's row. */
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

static void show_entry(struct search *search, sqlite3_stmt *entry, struct store_hit *hit,
                       store_hit_fn visit, void *arg)
{
    size_t len = 0;
    char *text = search->reader->text_of(column_text(entry, 0), &len);

    hit->created_us = column_time(entry, 1);
    show(search, hit, (struct slice){text == NULL ? "" : text, len}, visit, arg);
    free(text);
}

static bool visit_place(struct search *search, const struct store_search_cursor *place,
                        store_hit_fn visit, void *arg, struct error *err)
{
    const bool is_entry = place->document >= 0;
    const int64_t number = is_entry ? place->document : search_context_document(place->document);
    const enum search_read_statement owner = is_entry ? SEARCH_READ_STREAM : SEARCH_READ_SESSION;
    const enum search_read_statement what = is_entry ? SEARCH_READ_ENTRY : SEARCH_READ_CONTEXT;
    sqlite3_stmt *session = search->reader->prepared[owner];
    sqlite3_stmt *text = search->reader->prepared[what];
    struct store_hit hit = {.score = place->score, .seq = is_entry ? entry_key_seq(number) : 0};
    bool has_session;
    bool has_text = false;

    const bool ok =
        look_up(search, owner, is_entry ? entry_key_stream(number) : number, &has_session, err) &&
        (is_entry ? look_up(search, what, number, &has_text, err)
                  : look_up_indexed(search, what, number, &has_text, err));
    if (ok && has_session && has_text) {
        read_session(session, &hit);
        if (is_entry)
            show_entry(search, text, &hit, visit, arg);
        else
            show(search, &hit, column_text(text, 0), visit, arg);
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
        if (!visit_place(search, &ranking->places[i], job->visit, arg, err))
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
    bool waits = true;

    const bool ok = look_up_indexed(search, SEARCH_READ_BACKLOG, 0, &waits, err);
    sqlite3_reset(search->reader->prepared[SEARCH_READ_BACKLOG]);
    search->complete = search->complete && !waits;
    return ok;
}

/* SQLite checks the reader's deadline also within a match, which may read millions of words before
 * its first row. */
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
    const bool ok = read_backlog(search, err) && rank_all(search, SEARCH_READ_ENTRIES, err) &&
                    rank_all(search, SEARCH_READ_CONTEXTS, err);
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
                         "this service keeps no index; it does with --search on");
    reader->search.text_of = text_of;
    top_k_init(&search.ranking, (size_t)job->query.limit, job->query.after);
    return prepare_tokens(&reader->search, reader->db, err) &&
           search_query_parse(&reader->search.tokens, job->query.text, &search.parsed, err) &&
           rank_in_time(&search, reader, err) && visit_page(&search, job, arg, err);
}
