#include "db/search_index_internal.h"

#include "db/connection.h"
#include "db/translate.h"

#include <stdlib.h>

/* A transaction indexes so much text; what it changes beyond that goes to the backlog. */
#define BYTES_AT_ONCE (256 << 10)

#define STEP_DOCUMENTS 64
#define STEP_BYTES (128 << 10)

static const char *const texts[SEARCH_STATEMENT_COUNT] = {
    [SEARCH_ADD_ENTRY] = "INSERT INTO search_entries (rowid, text) VALUES (?1, ?2)",
    [SEARCH_REMOVE_ENTRY] =
        "INSERT INTO search_entries (search_entries, rowid, text) VALUES ('delete', ?1, ?2)",
    [SEARCH_FIND_CONTEXT] = "SELECT text = ?2 FROM search_contexts WHERE rowid = ?1",
    [SEARCH_REPLACE_CONTEXT] = "REPLACE INTO search_contexts (rowid, text) VALUES (?1, ?2)",
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
        if (!connection_prepare(index->db, texts[i], &index->prepared[i], err))
            return false;
    }
    return true;
}

/* --- Noting -------------------------------------------------------------------------------- */

static void forget(struct search_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        free(index->changes[i].text);
    index->count = 0;
    index->bytes = 0;
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

void search_index_note(struct search_index *index, int64_t document, struct slice json, bool is_new)
{
    struct search_change change = {.document = document};

    if (index->text_of == NULL)
        return;
    if (index->bytes > BYTES_AT_ONCE)
        change.later = true;
    else
        change.text = index->text_of(json, &change.len);
    if (change.text != NULL || change.later || document >= 0 || !is_new)
        add_change(index, change);
}

void search_index_note_removal(struct search_index *index, int64_t document, struct slice json)
{
    struct search_change change = {.document = document, .removed = true};

    if (index->text_of == NULL)
        return;
    change.text = index->text_of(json, &change.len);
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

/* Steps a statement to its end; *first is the first column of its first row, if any. */
static bool run(struct search_index *index, enum search_statement which, int64_t *first,
                struct error *err)
{
    sqlite3_stmt *stmt = index->prepared[which];
    int result = sqlite3_step(stmt);

    if (result == SQLITE_ROW && first != NULL)
        *first = sqlite3_column_int64(stmt, 0);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        translate_failure(index->db, "writing what is searched", err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return result == SQLITE_ROW || result == SQLITE_DONE;
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
    return run(index, which, first, err);
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
    const int64_t seq = change->document - INT64_MIN;
    int64_t same = 0;

    if (change->removed || change->text == NULL)
        return run_with(index, SEARCH_REMOVE_CONTEXT, seq, NULL, NULL, err);
    if (!run_with(index, SEARCH_FIND_CONTEXT, seq, change, &same, err))
        return false;
    index->applied += same == 0;
    return same != 0 || run_with(index, SEARCH_REPLACE_CONTEXT, seq, change, NULL, err);
}

/* The chore will see the document as it then is. */
static bool waits(struct search_index *index, int64_t document, bool *ok, struct error *err)
{
    int64_t found = 0;

    *ok = !index->has_backlog || run_with(index, SEARCH_IN_BACKLOG, document, NULL, &found, err);
    return found != 0;
}

static bool apply_one(struct search_index *index, const struct search_change *change,
                      struct error *err)
{
    bool ok;

    if (waits(index, change->document, &ok, err) || !ok)
        return ok;
    if (change->document < 0)
        return apply_context(index, change, err);
    index->applied += !change->removed;
    return run_with(index, change->removed ? SEARCH_REMOVE_ENTRY : SEARCH_ADD_ENTRY,
                    change->document, change, NULL, err);
}

static bool put_off_range(struct search_index *index, int64_t first, int64_t last,
                          struct error *err)
{
    bool ok;

    if (waits(index, first, &ok, err) || !ok)
        return ok;
    index->has_backlog = true;
    return search_index_set_backlog(index, SEARCH_ADD_BACKLOG, first, last, err);
}

/* Entries of one batch are one range, all of which waits already or none. Contexts are each a range
 * of their own, which is never cut. */
static size_t put_off(struct search_index *index, size_t at, bool *ok, struct error *err)
{
    const int64_t first = index->changes[at].document;
    int64_t last = first;
    size_t next = at + 1;

    while (first >= 0 && next < index->count && index->changes[next].later &&
           index->changes[next].document == last + 1) {
        last++;
        next++;
    }
    *ok = put_off_range(index, first, last, err);
    return next;
}

/* Of several changes of a document the last one counts. */
static bool is_overtaken(const struct search_index *index, size_t at)
{
    return at + 1 < index->count && index->changes[at].document == index->changes[at + 1].document;
}

bool search_index_apply(struct search_index *index, struct error *err)
{
    bool ok = true;

    index->touched = index->count > 0;
    if (index->count > 1)
        qsort(index->changes, index->count, sizeof(*index->changes), compare);
    for (size_t at = 0; at < index->count && ok;) {
        const struct search_change *change = &index->changes[at];
        if (!is_overtaken(index, at) && change->later) {
            at = put_off(index, at, &ok, err);
            continue;
        }
        if (!is_overtaken(index, at))
            ok = apply_one(index, change, err);
        at++;
    }
    return ok;
}

/* FTS5 also writes between two statements of others and at COMMIT, and a damage that it does not
 * notice may lead it to rows that are there already. Damaged pages are another matter. */
static bool blames_the_index(const struct search_index *index)
{
    const int result = sqlite3_extended_errcode(index->db);

    return result == SQLITE_CORRUPT_VTAB ||
           (index->touched && (result & 0xff) == SQLITE_CONSTRAINT);
}

void search_index_settle(struct search_index *index, bool committed)
{
    if (committed)
        index->was_backlog = index->has_backlog;
    else
        index->has_backlog = index->was_backlog;
    index->damaged = !committed && blames_the_index(index);
    index->touched = false;
    index->applied = 0;
    forget(index);
}

void search_index_condemn(struct search_index *index)
{
    struct error err;
    const bool marked = connection_roll_back(index->db) &&
                        connection_run(index->db, "UPDATE search_rule SET rule = 0", &err);

    index->observer->notice(index->observer->arg, STORE_ERROR, "search_damaged",
                            marked ? "the index is damaged: the next start makes it anew"
                                   : "the index is damaged and could not be marked: start with "
                                     "search off, once, to be rid of it");
}
