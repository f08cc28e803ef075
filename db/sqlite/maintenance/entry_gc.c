#include "db/sqlite/maintenance/entry_gc.h"

#include "db/base/monotonic.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/entry_key.h"

#define STEP_US 1000

static bool find_orphan(struct write_operations *ops, int64_t *stream_id, struct error *err)
{
    bool ok;

    *stream_id = 0;
    sqlite3_bind_int64(ops->statements.prepared[WRITE_DISCARDED_FIND], 1,
                       ops->state.copying_from == 0 ? ENTRY_KEY_STREAMS_MAX + 1
                                                    : ops->state.copying_from);
    if (!write_next_row(&ops->statements, WRITE_DISCARDED_FIND, "finding an orphaned stream", &ok,
                        err))
        return ok;
    *stream_id = sqlite3_column_int64(ops->statements.prepared[WRITE_DISCARDED_FIND], 0);
    write_reset(&ops->statements, WRITE_DISCARDED_FIND);
    return true;
}

/* Deletes one row of the stream. *deleted is false when no row is left. */
static bool delete_row(struct write_operations *ops, enum write_statement which, int64_t stream_id,
                       bool *deleted, struct error *err)
{
    sqlite3_bind_int64(ops->statements.prepared[which], 1, stream_id);
    if (!write_run(&ops->statements, which, "deleting orphaned entries", err))
        return false;
    *deleted = sqlite3_changes(ops->statements.db) > 0;
    return true;
}

/* The same for an entry. The full-text index needs the text of an entry to remove it. */
static bool delete_next_entry(struct write_operations *ops, int64_t stream_id, bool *deleted,
                              struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_DISCARD_ENTRY_RETURNING];
    bool ok;

    if (ops->search.text_of == NULL)
        return delete_row(ops, WRITE_DISCARD_ENTRY, stream_id, deleted, err);
    sqlite3_bind_int64(stmt, 1, stream_id);
    *deleted = write_next_row(&ops->statements, WRITE_DISCARD_ENTRY_RETURNING,
                              "deleting orphaned entries", &ok, err);
    if (!*deleted)
        return ok;
    search_index_record_removal(&ops->search, sqlite3_column_int64(stmt, 0), column_text(stmt, 1));
    write_reset(&ops->statements, WRITE_DISCARD_ENTRY_RETURNING);
    return true;
}

static bool delete_next(struct write_operations *ops, enum write_statement which, int64_t stream_id,
                        bool *deleted, struct error *err)
{
    if (which == WRITE_DISCARD_ENTRY)
        return delete_next_entry(ops, stream_id, deleted, err);
    return delete_row(ops, which, stream_id, deleted, err);
}

static bool is_step_over(const struct write_operations *ops, int64_t until_us)
{
    return monotonic_us() >= until_us || search_index_has_full_step(&ops->search);
}

/* Deletes the stream's rows until none is left, or until `until_us`. */
static bool delete_stream(struct write_operations *ops, int64_t stream_id, int64_t until_us,
                          struct error *err)
{
    static const enum write_statement order[] = {WRITE_DISCARD_ENTRY, WRITE_DISCARD_UUID,
                                                 WRITE_DISCARD_STREAM};
    bool deleted = false;

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i += deleted ? 0 : 1) {
        if (!delete_next(ops, order[i], stream_id, &deleted, err))
            return false;
        if (is_step_over(ops, until_us))
            return true;
    }
    return true;
}

bool entry_gc_step(struct write_operations *ops, bool *more, struct error *err)
{
    const int64_t until_us = monotonic_us() + STEP_US;
    int64_t stream_id;

    do {
        if (!find_orphan(ops, &stream_id, err) ||
            (stream_id != 0 && !delete_stream(ops, stream_id, until_us, err)))
            return false;
    } while (stream_id != 0 && !is_step_over(ops, until_us));
    *more = stream_id != 0;
    return true;
}
