/* Imports exported sessions and entries. An item is checked completely before any of it is
 * written. */

#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/entry_key.h"
#include "db/sqlite/write/event.h"
#include "db/sqlite/write/import_compare.h"
#include "db/sqlite/write/operations.h"
#include "db/sqlite/write/quota.h"

/* Finds a free seq. The order of creation is the order of created_at, and for equal times the order
 * of import. Many sessions may have the same time: the search continues after the previous
 * session's seq. */
static bool find_free_seq(struct importing *im, int64_t *seq)
{
    struct write_statements *statements = &im->ops->statements;
    const int64_t created_us = im->item->session.created_us;
    bool ok = true;

    *seq = created_us == im->ops->state.imported.created_us ? im->ops->state.imported.seq + 1
                                                            : created_us;
    for (;; (*seq)++) {
        sqlite3_bind_int64(statements->prepared[WRITE_IMPORT_SEQ_TAKEN], 1, *seq);
        if (!write_next_row(statements, WRITE_IMPORT_SEQ_TAKEN, "finding a free seq", &ok, im->err))
            break;
        write_reset(statements, WRITE_IMPORT_SEQ_TAKEN);
    }
    im->ops->state.imported.created_us = created_us;
    im->ops->state.imported.seq = *seq;
    return ok;
}

static bool create_session(struct importing *im)
{
    struct session *session = &im->item->session;
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_LOG_CREATE];
    struct store_event event;

    im->ops->state.pair_changes++;
    if (!find_free_seq(im, &session->seq) || !write_insert_session(im->ops, session, im->err))
        return false;
    im->session_seq = session->seq;
    im->item->created = true;
    event = write_event_make(session, EVENT_SESSION_CREATED);
    event.id = clock_next(&im->ops->state.clock);
    event.from = session->parent_id;
    if (!write_event(im->ops, &event, im->err))
        return false;
    if (session->parent_id.data == NULL)
        return true;
    sqlite3_bind_int64(stmt, 1, session->seq);
    sqlite3_bind_int64(stmt, 2, 0);
    sqlite3_bind_int64(stmt, 3, 0);
    sqlite3_bind_int64(stmt, 4, event.id);
    column_bind_text(stmt, 5, session->parent_id);
    return write_run(&im->ops->statements, WRITE_LOG_CREATE, "writing a log", im->err);
}

static bool create_stream(struct importing *im)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_STREAM_CREATE];

    sqlite3_bind_int64(stmt, 1, im->session_seq);
    column_bind_text(stmt, 2, im->stream.name);
    sqlite3_bind_int64(stmt, 3, 0);
    sqlite3_bind_int64(stmt, 4, 0);
    sqlite3_bind_int64(stmt, 5, 0);
    if (!write_run(&im->ops->statements, WRITE_STREAM_CREATE, "creating a stream", im->err))
        return false;
    im->stream.stream_id = sqlite3_last_insert_rowid(im->ops->statements.db);
    return im->stream.stream_id <= ENTRY_KEY_STREAMS_MAX ||
           error_set(im->err, ERROR_INTERNAL, NULL, "the database has no stream number left");
}

static bool write_uuid(struct importing *im, const struct store_import_entry *entry)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_IMPORT_UUID];

    sqlite3_bind_int64(stmt, 1, im->stream.stream_id);
    column_bind_text(stmt, 2, entry->uuid);
    sqlite3_bind_int64(stmt, 3, entry->seq);
    return write_run(&im->ops->statements, WRITE_IMPORT_UUID, "storing a uuid", im->err);
}

static bool write_entry(struct importing *im, const struct store_import_entry *entry)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_ENTRY];

    if (im->stream.stream_id == 0 && !create_stream(im))
        return false;
    sqlite3_bind_int64(stmt, 1, entry_key(im->stream.stream_id, entry->seq));
    sqlite3_bind_int64(stmt, 2, entry->created_us);
    column_bind_text(stmt, 3, entry->text);
    if (!write_run(&im->ops->statements, WRITE_ENTRY, "importing an entry", im->err))
        return false;
    search_index_record(&im->ops->search, entry_key(im->stream.stream_id, entry->seq), entry->text,
                        true);
    if (!im->has_grown)
        im->first_seq = entry->seq;
    im->has_grown = true;
    im->stream.last_seq = entry->seq;
    im->stream.last_us = entry->created_us;
    im->stream.bytes += (int64_t)entry->text.len;
    im->entry_bytes += (int64_t)entry->text.len;
    im->entry_count++;
    im->item->appended++;
    return entry->uuid.data == NULL || write_uuid(im, entry);
}

/* An item without its session has only the id, so the other members of the event are read. */
static bool write_append_event(struct importing *im, int64_t now)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_FIND];
    struct session_row row;
    bool ok;

    column_bind_text(stmt, 1, im->item->session.id);
    if (!write_next_row(&im->ops->statements, WRITE_FIND, "finding a session", &ok, im->err))
        return ok;
    ok = session_row_read(stmt, NULL, &row, im->err);
    if (ok) {
        struct store_event event = write_event_make(&row.session, EVENT_ENTRIES_APPENDED);
        event.id = now;
        event.stream = im->stream.name;
        event.first_seq = im->first_seq;
        event.last_seq = im->stream.last_seq;
        ok = write_event(im->ops, &event, im->err);
        session_row_release(&row);
    }
    write_reset(&im->ops->statements, WRITE_FIND);
    return ok;
}

/* Writes the changed stream and the sums of the session's log. */
static bool close_stream(struct importing *im)
{
    const int64_t now = im->has_grown ? clock_next(&im->ops->state.clock) : 0;
    sqlite3_stmt *stream = im->ops->statements.prepared[WRITE_STREAM_GROW];
    sqlite3_stmt *log = im->ops->statements.prepared[WRITE_LOG_GROW];

    if (!im->has_grown)
        return true;
    sqlite3_bind_int64(stream, 1, im->stream.stream_id);
    sqlite3_bind_int64(stream, 2, im->stream.last_seq);
    sqlite3_bind_int64(stream, 3, im->stream.bytes);
    sqlite3_bind_int64(stream, 4, im->stream.last_us);
    if (!write_run(&im->ops->statements, WRITE_STREAM_GROW, "writing a stream", im->err))
        return false;
    sqlite3_bind_int64(log, 1, im->session_seq);
    sqlite3_bind_int64(log, 2, im->entry_count);
    sqlite3_bind_int64(log, 3, im->entry_bytes);
    sqlite3_bind_int64(log, 4, now);
    return write_run(&im->ops->statements, WRITE_LOG_GROW, "writing a log", im->err) &&
           write_append_event(im, now);
}

static bool write_entries(struct importing *im)
{
    const struct store_import_item *item = im->item;

    im->has_grown = false;
    for (size_t i = 0; i < item->count; i++) {
        const struct store_import_entry *entry = &item->entries[i];
        if ((i == 0 || !slice_equal(entry->stream, im->stream.name)) &&
            !(close_stream(im) && write_import_open_stream(im, entry->stream)))
            return false;
        if (entry->seq > im->stream.last_seq && !write_entry(im, entry))
            return false;
    }
    return close_stream(im);
}

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Every later time of the clock must be newer than all imported times. */
static int64_t find_newest_us(const struct store_import_item *item)
{
    const struct session *session = &item->session;
    int64_t newest =
        max_of(max_of(session->created_us, session->updated_us), session->recovered_us);

    for (size_t i = 0; i < item->count; i++)
        newest = max_of(newest, item->entries[i].created_us);
    return newest;
}

static bool import_item(struct importing *im)
{
    if (!write_import_compare(im))
        return false;
    if (im->item->conflict != NULL)
        return true;
    clock_advance_to(&im->ops->state.clock, find_newest_us(im->item));
    if (!(im->session_seq != 0 || create_session(im)) || !write_entries(im))
        return false;
    im->ops->change.counts[STORE_SESSIONS_IMPORTED] += im->item->created;
    im->ops->change.counts[STORE_ENTRIES_IMPORTED] += im->item->appended;
    return true;
}

/* --- The batch -------------------------------------------------------------------------------- */

/* With a size limit, the whole batch is compared first: existing data needs no space. */
static bool check_quota(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const struct store_import *import = &job->import;
    int64_t growth_bytes = 0;

    for (size_t i = 0; i < import->count && ops->state.size.max_bytes != 0; i++) {
        struct importing im = {.ops = ops, .import = import, .item = &import->items[i], .err = err};
        if (!write_import_compare(&im))
            return false;
        growth_bytes += im.item->conflict == NULL ? im.growth_bytes : 0;
    }
    return write_quota_admit(ops, job, growth_bytes, err);
}

bool write_import(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const struct store_import *import = &job->import;

    if (!check_quota(ops, job, err))
        return false;
    for (size_t i = 0; i < import->count && job->error.kind == ERROR_NONE; i++) {
        struct importing im = {.ops = ops, .import = import, .item = &import->items[i], .err = err};
        if (!import_item(&im))
            return false;
        clock_advance_to(&ops->state.clock, im.session_seq);
    }
    return true;
}
