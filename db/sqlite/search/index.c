#include "db/sqlite/search/index.h"

#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/search/fold.h"
#include "db/sqlite/search/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Limit of the text, in bytes, that a transaction indexes; further changes go to the backlog. */
#define TRANSACTION_BYTES_MAX (256 << 10)

#define STEP_DOCUMENTS 64
#define STEP_BYTES (128 << 10)

/* Progress of the backlog is logged once in this many documents. */
#define LOG_EVERY_DOCUMENTS 100000

/* If the backlog is not empty after this many rebuilds, search is off until the next start. */
#define UNFINISHED_REBUILDS_MAX 3

static const char *const texts[SEARCH_STATEMENT_COUNT] = {
    [SEARCH_ADD_ENTRY] = "INSERT INTO search_entries (rowid, text) VALUES (?1, ?2)",
    [SEARCH_REMOVE_ENTRY] =
        "INSERT INTO search_entries (search_entries, rowid, text) VALUES ('delete', ?1, ?2)",
    [SEARCH_FIND_CONTEXT] = "SELECT text = ?2 AND shown IS ?3 FROM search_contexts"
                            " WHERE rowid = ?1",
    [SEARCH_REPLACE_CONTEXT] = "REPLACE INTO search_contexts (rowid, text, shown)"
                               " VALUES (?1, ?2, ?3)",
    [SEARCH_REMOVE_CONTEXT] = "DELETE FROM search_contexts WHERE rowid = ?1",
    [SEARCH_IN_BACKLOG] =
        "SELECT last >= ?1 FROM search_backlog WHERE first <= ?1 ORDER BY first DESC LIMIT 1",
    [SEARCH_ADD_BACKLOG] = "INSERT OR REPLACE INTO search_backlog VALUES (?1, ?2)",
    [SEARCH_NEXT_BACKLOG] = "SELECT first, last FROM search_backlog ORDER BY first DESC LIMIT 1",
    [SEARCH_CUT_BACKLOG] = "UPDATE search_backlog SET last = ?2 WHERE first = ?1",
    [SEARCH_END_BACKLOG] = "DELETE FROM search_backlog WHERE first = ?1",
    [SEARCH_ENTRIES] =
        "SELECT key, entry FROM entries WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC",
    [SEARCH_CONTEXTS] = "SELECT " SESSION_COLUMNS_WITH_CONTEXT " FROM sessions" SESSION_LOG
                        " WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq DESC",
};

/* Prepares the statements. The tables must exist. */
static bool prepare_statements(struct search_index *index, struct error *err)
{
    for (int i = 0; i < SEARCH_STATEMENT_COUNT; i++) {
        if (index->prepared[i] == NULL &&
            !connection_prepare(index->db, texts[i], &index->prepared[i], err))
            return false;
    }
    return true;
}

/* Handles a failed statement on the search tables: sets is_corrupt if the result code indicates
 * corrupt tables. Sets *err and returns false. */
static bool set_failure(struct search_index *index, const char *doing, struct error *err)
{
    if (search_tables_is_corruption(sqlite3_extended_errcode(index->db)))
        index->is_corrupt = true;
    return sqlite_error_set(index->db, doing, err);
}

/* Steps a statement to its end. *first is the first column of its first row, if there is one. */
static bool run_statement(struct search_index *index, enum search_statement which, int64_t *first,
                          struct error *err)
{
    sqlite3_stmt *stmt = index->prepared[which];
    const int result = sqlite3_step(stmt);

    if (result == SQLITE_ROW && first != NULL)
        *first = sqlite3_column_int64(stmt, 0);
    const bool ok = result == SQLITE_ROW || result == SQLITE_DONE ||
                    set_failure(index, "writing the search index", err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return ok;
}

static bool run_for_document(struct search_index *index, enum search_statement which,
                             int64_t number, const struct search_change *change, int64_t *first,
                             struct error *err)
{
    sqlite3_stmt *stmt = index->prepared[which];
    const char *text = change == NULL || change->text == NULL ? "" : change->text;

    sqlite3_bind_int64(stmt, 1, number);
    if (change != NULL &&
        sqlite3_bind_text64(stmt, 2, text, change->len, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
        abort();
    if (change != NULL && change->shown != NULL &&
        sqlite3_bind_text64(stmt, 3, change->shown, change->shown_len, SQLITE_STATIC,
                            SQLITE_UTF8) != SQLITE_OK)
        abort();
    return run_statement(index, which, first, err);
}

/* Logs how much of the backlog was indexed, at intervals and when it is empty. Call after COMMIT,
 * before had_backlog is updated. */
static void log_progress(struct search_index *index)
{
    const struct store_observer *observer = index->observer;
    const bool more = index->has_backlog;
    char detail[96];

    index->indexed_unlogged += index->taken;
    index->unfinished = more ? index->unfinished : 0;
    if (index->indexed_unlogged < LOG_EVERY_DOCUMENTS &&
        (more || !index->had_backlog || index->indexed_unlogged == 0))
        return;
    snprintf(detail, sizeof(detail), "indexed %lld more entries and contexts%s",
             (long long)index->indexed_unlogged, more ? "" : "; the backlog is empty");
    observer->notice(observer->arg, STORE_INFO, "search_indexed", detail);
    index->indexed_unlogged = 0;
}

/* --- Recording ----------------------------------------------------------------------------- */

static void free_texts(struct search_change *change)
{
    free(change->text);
    free(change->shown);
}

static void clear_changes(struct search_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        free_texts(&index->changes[i]);
    index->count = 0;
    index->bytes = 0;
    index->failed = false;
}

void search_index_release(struct search_index *index)
{
    clear_changes(index);
    free(index->changes);
    index->changes = NULL;
    index->capacity = 0;
}

static void add_change(struct search_index *index, struct search_change change)
{
    if (index->count == index->capacity) {
        index->capacity = index->capacity == 0 ? 64 : 2 * index->capacity;
        index->changes = realloc(index->changes, index->capacity * sizeof(*index->changes));
        if (index->changes == NULL)
            abort();
    }
    change.order = index->count;
    index->bytes += change.len;
    index->changes[index->count++] = change;
}

static char *copy_text(struct slice text)
{
    char *copy = malloc(text.len + 1);

    if (copy == NULL)
        abort();
    memcpy(copy, text.data, text.len);
    return copy;
}

/* A context also keeps its unfolded text, for snippets. */
static void fold_text(struct search_change *change)
{
    const struct slice text = {change->text, change->len};
    char *shown = change->document < 0 ? copy_text(text) : NULL;

    search_fold_marks(change->text, text.len);
    change->len = search_fold_letters(text, change->text);
    const struct slice folded = {change->text, change->len};
    if (shown == NULL || slice_equal((struct slice){shown, text.len}, folded)) {
        free(shown);
        return;
    }
    change->shown = shown;
    change->shown_len = text.len;
}

static void extract_text(struct search_index *index, struct slice json,
                         struct search_change *change)
{
    change->text = index->text_of(json, &change->len);
    if (change->text != NULL)
        fold_text(change);
}

static void extract_or_defer(struct search_index *index, struct slice json,
                             struct search_change *change)
{
    if (index->bytes > TRANSACTION_BYTES_MAX)
        change->is_deferred = true;
    else
        extract_text(index, json, change);
}

/* Whether the document is in the backlog. A failure is stored for search_index_apply. */
static bool is_in_backlog(struct search_index *index, int64_t document)
{
    int64_t found = 0;

    if (index->has_backlog && !index->failed)
        index->failed =
            !run_for_document(index, SEARCH_IN_BACKLOG, document, NULL, &found, &index->failure);
    return found != 0;
}

void search_index_record(struct search_index *index, int64_t document, struct slice json,
                         bool is_new)
{
    struct search_change change = {.document = document};

    if (index->text_of == NULL)
        return;
    change.waits = is_in_backlog(index, document);
    if (!change.waits)
        extract_or_defer(index, json, &change);
    if (change.text != NULL || change.is_deferred || document >= 0 || !is_new)
        add_change(index, change);
}

/* Records a document that was removed from the backlog. */
static void record_document(struct search_index *index, int64_t document, struct slice json)
{
    struct search_change change = {.document = document};

    extract_or_defer(index, json, &change);
    add_change(index, change);
}

void search_index_record_removal(struct search_index *index, int64_t document, struct slice json)
{
    struct search_change change = {.document = document, .is_removal = true};

    if (index->text_of == NULL)
        return;
    change.waits = is_in_backlog(index, document);
    if (!change.waits)
        extract_text(index, json, &change);
    add_change(index, change);
}

bool search_index_has_full_step(const struct search_index *index)
{
    return index->count >= STEP_DOCUMENTS || index->bytes >= STEP_BYTES;
}

/* --- Applying ------------------------------------------------------------------------------ */

static int compare_changes(const void *left, const void *right)
{
    const struct search_change *a = left;
    const struct search_change *b = right;

    if (a->document != b->document)
        return a->document < b->document ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Executes SEARCH_ADD_BACKLOG, SEARCH_CUT_BACKLOG or SEARCH_END_BACKLOG. */
static bool set_backlog(struct search_index *index, enum search_statement which, int64_t first,
                        int64_t last, struct error *err)
{
    sqlite3_bind_int64(index->prepared[which], 1, first);
    if (which != SEARCH_END_BACKLOG)
        sqlite3_bind_int64(index->prepared[which], 2, last);
    return run_statement(index, which, NULL, err);
}

static bool apply_context(struct search_index *index, const struct search_change *change,
                          struct error *err)
{
    const int64_t seq = search_context_document(change->document);
    int64_t is_unchanged = 0;

    if (change->is_removal || change->text == NULL)
        return run_for_document(index, SEARCH_REMOVE_CONTEXT, seq, NULL, NULL, err);
    if (!run_for_document(index, SEARCH_FIND_CONTEXT, seq, change, &is_unchanged, err))
        return false;
    index->applied += is_unchanged == 0;
    return is_unchanged != 0 ||
           run_for_document(index, SEARCH_REPLACE_CONTEXT, seq, change, NULL, err);
}

/* Removes an indexed entry before it is added again. An entry is not indexed if the first change of
 * the transaction adds it, or if it was in the backlog. */
static bool apply_entry(struct search_index *index, const struct search_change *first,
                        const struct search_change *last, struct error *err)
{
    if (first->is_removal && !first->waits &&
        !run_for_document(index, SEARCH_REMOVE_ENTRY, first->document, first, NULL, err))
        return false;
    if (last->is_removal)
        return true;
    index->applied++;
    return run_for_document(index, SEARCH_ADD_ENTRY, last->document, last, NULL, err);
}

/* The changes of one document. The first one shows whether the index has the document, the last one
 * its new state. */
struct group {
    const struct search_change *first;
    const struct search_change *last;
    size_t end;
};

static struct group find_group(const struct search_index *index, size_t at)
{
    const struct search_change *first = &index->changes[at];

    while (at + 1 < index->count && index->changes[at + 1].document == first->document)
        at++;
    return (struct group){first, &index->changes[at], at + 1};
}

static bool apply_group(struct search_index *index, struct group group, struct error *err)
{
    if (group.last->waits && !group.last->is_removal)
        return true; /* search_index_process_backlog will read the stored document */
    if (group.last->document < 0)
        return apply_context(index, group.last, err);
    return apply_entry(index, group.first, group.last, err);
}

/* Combines consecutive entries into one range. Each context is a range of its own, which is never
 * split. */
static bool defer_to_backlog(struct search_index *index, struct group group, size_t *at,
                             struct error *err)
{
    const int64_t first = group.last->document;
    int64_t last = first;

    for (*at = group.end; first >= 0 && *at < index->count; *at = group.end) {
        group = find_group(index, *at);
        if (!group.last->is_deferred || group.last->document != last + 1)
            break;
        last++;
    }
    index->has_backlog = true;
    return set_backlog(index, SEARCH_ADD_BACKLOG, first, last, err);
}

/* FTS5 keeps words in memory until COMMIT, and a failure there would leave the outcome unknown.
 * Releasing a savepoint makes FTS5 write them now. */
static bool flush_words(struct search_index *index, struct error *err)
{
    return sqlite3_exec(index->db, "SAVEPOINT search; RELEASE search", NULL, NULL, NULL) ==
               SQLITE_OK ||
           set_failure(index, "writing the search index", err);
}

bool search_index_apply(struct search_index *index, struct error *err)
{
    bool ok = true;

    if (index->failed) {
        *err = index->failure;
        return false;
    }
    if (index->count > 1)
        qsort(index->changes, index->count, sizeof(*index->changes), compare_changes);
    for (size_t at = 0; at < index->count && ok;) {
        const struct group group = find_group(index, at);
        if (group.last->is_deferred) {
            ok = defer_to_backlog(index, group, &at, err);
            continue;
        }
        ok = apply_group(index, group, err);
        at = group.end;
    }
    return ok && (index->count == 0 || flush_words(index, err));
}

void search_index_end(struct search_index *index, bool committed)
{
    const int result = sqlite3_extended_errcode(index->db);

    if (committed) {
        log_progress(index);
        index->had_backlog = index->has_backlog;
        index->is_corrupt = false;
        index->rebuilds = 0;
    } else {
        index->has_backlog = index->had_backlog;
        index->is_suspect = index->text_of != NULL && search_tables_is_corruption(result);
        if (index->is_suspect && result == SQLITE_CORRUPT_VTAB)
            index->is_corrupt = true;
    }
    index->applied = index->taken = 0;
    clear_changes(index);
}

/* --- The backlog ------------------------------------------------------------------------------ */

struct range {
    int64_t first;
    int64_t last;
};

static bool read_next_range(struct search_index *index, struct range *out, bool *found,
                            struct error *err)
{
    sqlite3_stmt *stmt = index->prepared[SEARCH_NEXT_BACKLOG];
    const int result = sqlite3_step(stmt);

    *found = result == SQLITE_ROW;
    if (*found)
        *out = (struct range){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)};
    sqlite3_reset(stmt);
    return result == SQLITE_ROW || result == SQLITE_DONE ||
           set_failure(index, "reading the backlog of the search index", err);
}

static void record_session(struct search_index *index, struct skipped_rows *skipped,
                           sqlite3_stmt *stmt)
{
    const int64_t document = search_context_document(sqlite3_column_int64(stmt, 0));
    struct session_row row;
    struct error err;

    if (!session_row_read(stmt, index->fix_context, &row, &err)) {
        skipped_rows_add(skipped, &err);
        record_document(index, document, SLICE_LITERAL("{}"));
        return;
    }
    record_document(index, document, row.session.context);
    session_row_release(&row);
}

static void record_row(struct search_index *index, struct skipped_rows *skipped, sqlite3_stmt *stmt,
                       bool is_entry)
{
    if (is_entry)
        record_document(index, sqlite3_column_int64(stmt, 0), column_text(stmt, 1));
    else
        record_session(index, skipped, stmt);
}

/* Converts a document number to the row of its table, and back. */
static int64_t convert_row(int64_t document, bool is_entry)
{
    return is_entry ? document : search_context_document(document);
}

/* Records documents from the end of the range. *reached: the range can be shortened to end before
 * it. */
static bool record_documents(struct search_index *index, struct skipped_rows *skipped,
                             const struct range *range, int64_t *reached, struct error *err)
{
    const bool is_entry = range->first >= 0;
    sqlite3_stmt *stmt = index->prepared[is_entry ? SEARCH_ENTRIES : SEARCH_CONTEXTS];
    int result;

    *reached = range->first;
    sqlite3_bind_int64(stmt, 1, convert_row(range->first, is_entry));
    sqlite3_bind_int64(stmt, 2, convert_row(range->last, is_entry));
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        record_row(index, skipped, stmt, is_entry);
        index->taken++;
        *reached = convert_row(sqlite3_column_int64(stmt, 0), is_entry);
        if (search_index_has_full_step(index))
            break;
        *reached = range->first;
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        sqlite_error_set(index->db, "reading the documents to index", err);
    sqlite3_reset(stmt);
    return result == SQLITE_ROW || result == SQLITE_DONE;
}

static bool index_range(struct search_index *index, struct skipped_rows *skipped,
                        const struct range *range, struct error *err)
{
    const size_t before = index->count;
    int64_t reached;

    if (!record_documents(index, skipped, range, &reached, err))
        return false;
    if (reached > range->first)
        return set_backlog(index, SEARCH_CUT_BACKLOG, range->first, reached - 1, err);
    /* The text of a deleted session's context is still in the index. The text of a deleted entry is
     * not: the transaction that deletes an entry also removes it from the index. */
    if (range->first < 0 && range->first == range->last && index->count == before)
        search_index_record_removal(index, range->first, SLICE_LITERAL("{}"));
    return set_backlog(index, SEARCH_END_BACKLOG, range->first, 0, err);
}

bool search_index_process_backlog(struct search_index *index, struct skipped_rows *skipped,
                                  bool *more, struct error *err)
{
    struct range range = {0};

    *more = false;
    if (index->text_of == NULL)
        return true;
    if (!search_index_check_report(index, err))
        return false;
    do {
        if (!read_next_range(index, &range, more, err) ||
            (*more && !index_range(index, skipped, &range, err)))
            return false;
    } while (*more && !search_index_has_full_step(index));
    index->has_backlog = *more;
    return true;
}

/* --- Corruption ------------------------------------------------------------------------------- */

bool search_index_check_report(struct search_index *index, struct error *err)
{
    struct search_report *report = index->report;
    const int64_t seen_at = atomic_exchange(&report->seen_at, 0);
    bool match = false;

    if (seen_at == 0)
        return true;
    const bool is_certain = atomic_exchange(&report->is_certain, false);
    /* A snapshot from before the last rebuild says nothing about the current index. */
    if (seen_at <= index->rebuilt_at)
        return true;
    if (!is_certain && search_tables_match(index->db, index->rule, &match, err) && match)
        return true;
    index->is_corrupt = true;
    return error_set(err, ERROR_INTERNAL, NULL, "a search found the index corrupt");
}

bool search_index_is_corrupt(struct search_index *index)
{
    struct error err;
    bool match = true;

    /* A trigger may have failed, in a statement that does not name the tables. */
    if (index->is_suspect && !index->is_corrupt &&
        search_tables_match(index->db, index->rule, &match, &err))
        index->is_corrupt = !match;
    return index->is_corrupt;
}

/* *is_safe: after a failure it is known whether the transaction was committed. */
static bool replace_tables(struct search_index *index, bool *is_safe, struct error *err)
{
    sqlite3 *db = index->db;

    if (!connection_run(db, "BEGIN IMMEDIATE", err) || !search_tables_drop(db, err) ||
        !search_tables_create(index->db, index->rule, err)) {
        const int result = sqlite3_extended_errcode(db);
        *is_safe = search_tables_is_corruption(result) || sqlite_error_is_harmless(result);
        return false;
    }
    if (!connection_run(db, "COMMIT", err)) {
        *is_safe = sqlite_error_is_harmless(sqlite3_extended_errcode(db));
        return false;
    }
    return prepare_statements(index, err);
}

static void log_rebuild(const struct search_index *index, const char *outcome,
                        const struct error *why)
{
    char detail[sizeof(why->detail) + 96];

    snprintf(detail, sizeof(detail), "%s: %s", outcome, why->detail);
    index->observer->notice(index->observer->arg, STORE_ERROR, "search_index_corrupt", detail);
}

/* Turns search off. Later writes are not indexed. The backlog makes each search incomplete, and
 * without the triggers the next start rebuilds the tables. False: an I/O error leaves the state of
 * the WAL unknown. */
static bool turn_off(struct search_index *index, const struct error *why, struct error *err)
{
    log_rebuild(index, "search is off until the next start, because the index cannot be rebuilt",
                why);
    index->text_of = NULL;
    index->has_backlog = index->had_backlog = false;
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
    const struct error reason = *why; /* *why may be *err */
    bool is_safe = true;

    index->is_corrupt = false;
    index->rebuilds++;
    if (++index->unfinished > UNFINISHED_REBUILDS_MAX)
        return turn_off(index, &reason, err);
    if (!replace_tables(index, &is_safe, err))
        return is_safe && connection_roll_back(index->db) && turn_off(index, err, err);
    index->has_backlog = index->had_backlog = true;
    log_rebuild(index, "the search index was dropped and is being rebuilt in the background",
                &reason);
    return true;
}

/* --- Opening ---------------------------------------------------------------------------------- */

/* A message to log after the transaction has committed. */
struct notice {
    const char *event; /* NULL: no message */
    const char *detail;
};

static bool make_tables(struct search_index *index, struct notice *notice, struct error *err)
{
    int64_t stored;

    if (!connection_integer(index->db, "SELECT EXISTS (SELECT 1 FROM sessions)", &stored, err) ||
        !search_tables_create(index->db, index->rule, err))
        return false;
    if (stored != 0)
        *notice = (struct notice){
            "search_indexing", "existing entries and contexts are being indexed, the newest first"};
    return true;
}

/* Creates or drops the tables, depending on whether search is on. An unreadable rule counts as
 * another version. */
static bool update_tables(struct search_index *index, struct notice *notice, struct error *err)
{
    bool exists;
    bool match = false;

    if (!search_tables_exist(index->db, &exists, err))
        return false;
    if (index->text_of != NULL && exists &&
        search_tables_match(index->db, index->rule, &match, err) && match)
        return true;
    if (exists && !search_tables_drop(index->db, err))
        return false;
    if (exists && index->text_of == NULL)
        *notice = (struct notice){"search_dropped", "search is off; its tables were dropped"};
    return index->text_of == NULL || make_tables(index, notice, err);
}

static bool open_tables(struct search_index *index, struct error *err)
{
    const struct store_observer *observer = index->observer;
    struct notice notice = {NULL, NULL};
    int64_t backlog = 0;

    if (!connection_run(index->db, "BEGIN IMMEDIATE", err) || !update_tables(index, &notice, err) ||
        !connection_run(index->db, "COMMIT", err))
        return false;
    if (notice.event != NULL)
        observer->notice(observer->arg, STORE_INFO, notice.event, notice.detail);
    if (index->text_of == NULL)
        return true;
    if (!connection_integer(index->db, "SELECT count(*) FROM search_backlog", &backlog, err) ||
        !prepare_statements(index, err))
        return false;
    index->has_backlog = index->had_backlog = backlog > 0;
    return true;
}

bool search_index_open(struct search_index *index, sqlite3 *db, struct error *err)
{
    index->db = db;
    if (open_tables(index, err))
        return true;
    const int result = sqlite3_extended_errcode(db);
    if (!connection_roll_back(db) || !search_tables_is_corruption(result))
        return false;
    return search_index_rebuild(index, err, err);
}
