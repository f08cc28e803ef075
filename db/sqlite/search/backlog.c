/* What is not in the index yet is taken there, the newest first, a little at a time. */

#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/search/index_internal.h"

#include <stdio.h>

#define LOG_EVERY 100000

struct range {
    int64_t first;
    int64_t last;
};

static bool next_range(struct search_index *index, struct range *out, bool *found,
                       struct error *err)
{
    sqlite3_stmt *stmt = index->prepared[SEARCH_NEXT_BACKLOG];
    const int result = sqlite3_step(stmt);

    *found = result == SQLITE_ROW;
    if (*found)
        *out = (struct range){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)};
    sqlite3_reset(stmt);
    return result == SQLITE_ROW || result == SQLITE_DONE ||
           search_index_fail(index, "reading the backlog of the search index", err);
}

static void note_session(struct search_index *index, struct skipped_rows *skipped,
                         sqlite3_stmt *stmt)
{
    const int64_t document = search_context_document(sqlite3_column_int64(stmt, 0));
    struct session_row row;
    struct error err;

    if (!session_row_read(stmt, index->adopt, &row, &err)) {
        skipped_rows_add(skipped, &err);
        search_index_note_taken(index, document, SLICE_LITERAL("{}"));
        return;
    }
    search_index_note_taken(index, document, row.session.context);
    session_row_release(&row);
}

static void note_row(struct search_index *index, struct skipped_rows *skipped, sqlite3_stmt *stmt,
                     bool is_entry)
{
    if (is_entry)
        search_index_note_taken(index, sqlite3_column_int64(stmt, 0), column_text(stmt, 1));
    else
        note_session(index, skipped, stmt);
}

/* The row of a document, and the document of a row. */
static int64_t row_of(int64_t document, bool is_entry)
{
    return is_entry ? document : search_context_document(document);
}

/* Notes the last documents of the range; *reached is what it may be cut to. */
static bool note_documents(struct search_index *index, struct skipped_rows *skipped,
                           const struct range *range, int64_t *reached, struct error *err)
{
    const bool is_entry = range->first >= 0;
    sqlite3_stmt *stmt = index->prepared[is_entry ? SEARCH_ENTRIES : SEARCH_CONTEXTS];
    int result;

    *reached = range->first;
    sqlite3_bind_int64(stmt, 1, row_of(range->first, is_entry));
    sqlite3_bind_int64(stmt, 2, row_of(range->last, is_entry));
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        note_row(index, skipped, stmt, is_entry);
        index->taken++;
        *reached = row_of(sqlite3_column_int64(stmt, 0), is_entry);
        if (search_index_has_a_step(index))
            break;
        *reached = range->first;
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        translate_failure(index->db, "reading what is to be indexed", err);
    sqlite3_reset(stmt);
    return result == SQLITE_ROW || result == SQLITE_DONE;
}

static bool take(struct search_index *index, struct skipped_rows *skipped,
                 const struct range *range, struct error *err)
{
    const size_t before = index->count;
    int64_t reached;

    if (!note_documents(index, skipped, range, &reached, err))
        return false;
    if (reached > range->first)
        return search_index_set_backlog(index, SEARCH_CUT_BACKLOG, range->first, reached - 1, err);
    /* The text of a deleted session's context is still in the index. That of a deleted entry is
     * not: the transaction that deletes an entry removes it from the index, too. */
    if (range->first < 0 && range->first == range->last && index->count == before)
        search_index_note_removal(index, range->first, SLICE_LITERAL("{}"));
    return search_index_set_backlog(index, SEARCH_END_BACKLOG, range->first, 0, err);
}

void search_index_log_progress(struct search_index *index)
{
    const struct store_observer *observer = index->observer;
    const bool more = index->has_backlog;
    char detail[96];

    index->caught_up += index->taken;
    index->unfinished = more ? index->unfinished : 0;
    if (index->caught_up < LOG_EVERY && (more || !index->was_backlog || index->caught_up == 0))
        return;
    snprintf(detail, sizeof(detail), "%lld more entries and contexts can be found%s",
             (long long)index->caught_up, more ? "" : "; nothing is left to index");
    observer->notice(observer->arg, STORE_INFO, "search_indexed", detail);
    index->caught_up = 0;
}

bool search_index_catch_up(struct search_index *index, struct skipped_rows *skipped, bool *more,
                           struct error *err)
{
    struct range range = {0};

    *more = false;
    if (index->text_of == NULL)
        return true;
    if (!search_index_take_report(index, err))
        return false;
    do {
        if (!next_range(index, &range, more, err) || (*more && !take(index, skipped, &range, err)))
            return false;
    } while (*more && !search_index_has_a_step(index));
    index->has_backlog = *more;
    return true;
}
