#include "db/sqlite/search/index_internal.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/search/fold.h"

#include <stdlib.h>

/* A transaction indexes so much text; what it changes beyond that goes to the backlog. */
#define BYTES_AT_ONCE (256 << 10)

#define STEP_DOCUMENTS 64
#define STEP_BYTES (128 << 10)

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

bool search_index_prepare(struct search_index *index, struct error *err)
{
    for (int i = 0; i < SEARCH_STATEMENT_COUNT; i++) {
        if (index->prepared[i] == NULL &&
            !connection_prepare(index->db, texts[i], &index->prepared[i], err))
            return false;
    }
    return true;
}

/* Steps a statement to its end; *first is the first column of its first row, if any. */
static bool run(struct search_index *index, enum search_statement which, int64_t *first,
                struct error *err)
{
    sqlite3_stmt *stmt = index->prepared[which];
    const int result = sqlite3_step(stmt);

    if (result == SQLITE_ROW && first != NULL)
        *first = sqlite3_column_int64(stmt, 0);
    const bool ok = result == SQLITE_ROW || result == SQLITE_DONE ||
                    search_index_fail(index, "writing the search index", err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return ok;
}

static bool run_with(struct search_index *index, enum search_statement which, int64_t number,
                     const struct search_change *change, int64_t *first, struct error *err)
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
    return run(index, which, first, err);
}

/* --- Noting -------------------------------------------------------------------------------- */

static void free_texts(struct search_change *change)
{
    free(change->text);
    free(change->shown);
}

static void forget(struct search_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        free_texts(&index->changes[i]);
    index->count = 0;
    index->bytes = 0;
    index->failed = false;
}

void search_index_release(struct search_index *index)
{
    forget(index);
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

/* A context keeps its text from before the folding for snippets. */
static void fold(struct search_change *change)
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

static void make_text(struct search_index *index, struct slice json, struct search_change *change)
{
    change->text = index->text_of(json, &change->len);
    if (change->text != NULL)
        fold(change);
}

static void make_text_or_put_off(struct search_index *index, struct slice json,
                                 struct search_change *change)
{
    if (index->bytes > BYTES_AT_ONCE)
        change->later = true;
    else
        make_text(index, json, change);
}

/* Whether the document is in the backlog. A failure is kept for search_index_apply. */
static bool waits(struct search_index *index, int64_t document)
{
    int64_t found = 0;

    if (index->has_backlog && !index->failed)
        index->failed =
            !run_with(index, SEARCH_IN_BACKLOG, document, NULL, &found, &index->failure);
    return found != 0;
}

void search_index_note(struct search_index *index, int64_t document, struct slice json, bool is_new)
{
    struct search_change change = {.document = document};

    if (index->text_of == NULL)
        return;
    change.waits = waits(index, document);
    if (!change.waits)
        make_text_or_put_off(index, json, &change);
    if (change.text != NULL || change.later || document >= 0 || !is_new)
        add_change(index, change);
}

void search_index_note_taken(struct search_index *index, int64_t document, struct slice json)
{
    struct search_change change = {.document = document};

    make_text_or_put_off(index, json, &change);
    add_change(index, change);
}

void search_index_note_removal(struct search_index *index, int64_t document, struct slice json)
{
    struct search_change change = {.document = document, .removed = true};

    if (index->text_of == NULL)
        return;
    change.waits = waits(index, document);
    if (!change.waits)
        make_text(index, json, &change);
    add_change(index, change);
}

bool search_index_has_a_step(const struct search_index *index)
{
    return index->count >= STEP_DOCUMENTS || index->bytes >= STEP_BYTES;
}

/* --- Applying ------------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    const struct search_change *a = left;
    const struct search_change *b = right;

    if (a->document != b->document)
        return a->document < b->document ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

bool search_index_set_backlog(struct search_index *index, enum search_statement which,
                              int64_t first, int64_t last, struct error *err)
{
    sqlite3_bind_int64(index->prepared[which], 1, first);
    if (which != SEARCH_END_BACKLOG)
        sqlite3_bind_int64(index->prepared[which], 2, last);
    return run(index, which, NULL, err);
}

static bool apply_context(struct search_index *index, const struct search_change *change,
                          struct error *err)
{
    const int64_t seq = search_context_document(change->document);
    int64_t same = 0;

    if (change->removed || change->text == NULL)
        return run_with(index, SEARCH_REMOVE_CONTEXT, seq, NULL, NULL, err);
    if (!run_with(index, SEARCH_FIND_CONTEXT, seq, change, &same, err))
        return false;
    index->applied += same == 0;
    return same != 0 || run_with(index, SEARCH_REPLACE_CONTEXT, seq, change, NULL, err);
}

/* An entry that the index has is removed first; the index never has one whose first change of the
 * transaction adds it, or that waits in the backlog. */
static bool apply_entry(struct search_index *index, const struct search_change *first,
                        const struct search_change *last, struct error *err)
{
    if (first->removed && !first->waits &&
        !run_with(index, SEARCH_REMOVE_ENTRY, first->document, first, NULL, err))
        return false;
    if (last->removed)
        return true;
    index->applied++;
    return run_with(index, SEARCH_ADD_ENTRY, last->document, last, NULL, err);
}

/* The changes of one document. The first shows whether the index has the document, the last its new
 * state. */
struct group {
    const struct search_change *first;
    const struct search_change *last;
    size_t end;
};

static struct group group_at(const struct search_index *index, size_t at)
{
    const struct search_change *first = &index->changes[at];

    while (at + 1 < index->count && index->changes[at + 1].document == first->document)
        at++;
    return (struct group){first, &index->changes[at], at + 1};
}

static bool apply_group(struct search_index *index, struct group group, struct error *err)
{
    if (group.last->waits && !group.last->removed)
        return true; /* search_index_catch_up will read the stored document */
    if (group.last->document < 0)
        return apply_context(index, group.last, err);
    return apply_entry(index, group.first, group.last, err);
}

/* Consecutive entries become one range. Contexts are each a range of their own, which is never cut.
 */
static bool put_off(struct search_index *index, struct group group, size_t *at, struct error *err)
{
    const int64_t first = group.last->document;
    int64_t last = first;

    for (*at = group.end; first >= 0 && *at < index->count; *at = group.end) {
        group = group_at(index, *at);
        if (!group.last->later || group.last->document != last + 1)
            break;
        last++;
    }
    index->has_backlog = true;
    return search_index_set_backlog(index, SEARCH_ADD_BACKLOG, first, last, err);
}

/* FTS5 keeps words in memory until COMMIT, and a failure there would leave the outcome unknown.
 * Releasing a savepoint makes FTS5 write them now. */
static bool flush(struct search_index *index, struct error *err)
{
    return sqlite3_exec(index->db, "SAVEPOINT search; RELEASE search", NULL, NULL, NULL) ==
               SQLITE_OK ||
           search_index_fail(index, "writing the search index", err);
}

bool search_index_apply(struct search_index *index, struct error *err)
{
    bool ok = true;

    if (index->failed) {
        *err = index->failure;
        return false;
    }
    if (index->count > 1)
        qsort(index->changes, index->count, sizeof(*index->changes), compare);
    for (size_t at = 0; at < index->count && ok;) {
        const struct group group = group_at(index, at);
        if (group.last->later) {
            ok = put_off(index, group, &at, err);
            continue;
        }
        ok = apply_group(index, group, err);
        at = group.end;
    }
    return ok && (index->count == 0 || flush(index, err));
}

void search_index_settle(struct search_index *index, bool committed)
{
    const int result = sqlite3_extended_errcode(index->db);

    if (committed) {
        search_index_log_progress(index);
        index->was_backlog = index->has_backlog;
        index->is_corrupt = false;
        index->rebuilds = 0;
    } else {
        index->has_backlog = index->was_backlog;
        index->is_suspect = index->text_of != NULL && search_tables_are_blamed(result);
        if (index->is_suspect && result == SQLITE_CORRUPT_VTAB)
            index->is_corrupt = true;
    }
    index->applied = index->taken = 0;
    forget(index);
}
