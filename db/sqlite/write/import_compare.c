/* Compares an import with the stored data: it is identical, missing, or different, which is a
 * conflict. */

#include "db/sqlite/write/import_compare.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/entry_key.h"

static void set_conflict(struct importing *im, const struct store_import_entry *entry,
                         const char *why)
{
    im->item->conflict = why;
    if (entry == NULL)
        return;
    im->item->stream = entry->stream;
    im->item->seq = entry->seq;
}

/* --- The session ------------------------------------------------------------------------------ */

static bool is_same_text(struct slice a, struct slice b)
{
    return a.data == NULL || b.data == NULL ? a.data == b.data : slice_equal(a, b);
}

static const char *describe_difference(const struct importing *im, const struct session *stored)
{
    const struct session *sent = &im->item->session;

    if (!slice_equal(stored->project_path, sent->project_path) ||
        !slice_equal(stored->thread_id, sent->thread_id))
        return "the session exists with another project_path or thread_id";
    if (stored->version != sent->version || stored->updated_us != sent->updated_us ||
        stored->status != sent->status)
        return "the session exists with another version";
    if (stored->created_us != sent->created_us || stored->recovered_us != sent->recovered_us ||
        stored->lease.token != sent->lease.token ||
        !is_same_text(stored->parent_id, sent->parent_id))
        return "the session exists with another created_at, recovered_at, lease_token or parent_id";
    return im->import->same_context(stored->context, sent->context)
               ? NULL
               : "the session exists with another context";
}

/* Finds the session and its conflict. */
static bool compare_session(struct importing *im)
{
    const bool has_session = im->item->has_session;
    const enum write_statement which = has_session ? WRITE_FIND_WITH_CONTEXT : WRITE_FIND;
    sqlite3_stmt *stmt = im->ops->statements.prepared[which];
    struct session_row row;
    bool ok;

    column_bind_text(stmt, 1, im->item->session.id);
    if (!write_next_row(&im->ops->statements, which, "finding a session", &ok, im->err)) {
        im->growth_bytes += im->item->session.context_bytes;
        if (ok && !has_session)
            set_conflict(im, NULL,
                         "the session does not exist, and its entries were sent without it");
        return ok;
    }
    ok = session_row_read(stmt, has_session ? im->ops->fix_context : NULL, &row, im->err);
    if (ok) {
        im->session_seq = row.session.seq;
        im->entry_count = row.session.entry_count;
        im->entry_bytes = row.session.entry_bytes;
        im->is_leased = row.session.lease.owner.len > 0;
        if (has_session)
            im->item->conflict = describe_difference(im, &row.session);
        session_row_release(&row);
    }
    write_reset(&im->ops->statements, which);
    return ok;
}

/* --- Its entries ------------------------------------------------------------------------------ */

/* Finds the entry of this seq, its time, and whether it equals the sent one (NULL: any entry
 * does). */
static bool find_entry(struct importing *im, int64_t seq, const struct store_import_entry *sent,
                       int64_t *us, bool *same)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_IMPORT_ENTRY];
    bool ok;

    *same = false;
    sqlite3_bind_int64(stmt, 1, entry_key(im->stream.stream_id, seq));
    if (!write_next_row(&im->ops->statements, WRITE_IMPORT_ENTRY, "finding an entry", &ok, im->err))
        return ok;
    *us = column_time(stmt, 0);
    *same =
        sent == NULL || (*us == sent->created_us && slice_equal(column_text(stmt, 1), sent->text));
    write_reset(&im->ops->statements, WRITE_IMPORT_ENTRY);
    return true;
}

bool write_import_open_stream(struct importing *im, struct slice name)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_STREAM_FIND];
    bool ok;

    im->stream = (struct stream){.name = name};
    im->has_grown = false;
    if (im->session_seq == 0)
        return true;
    sqlite3_bind_int64(stmt, 1, im->session_seq);
    column_bind_text(stmt, 2, name);
    if (!write_next_row(&im->ops->statements, WRITE_STREAM_FIND, "finding a stream", &ok, im->err))
        return ok;
    im->stream.stream_id = column_number(stmt, 0, ENTRY_KEY_STREAMS_MAX);
    im->stream.last_seq = column_number(stmt, 1, STORE_STREAM_ENTRIES_MAX);
    im->stream.bytes = column_count(stmt, 2);
    write_reset(&im->ops->statements, WRITE_STREAM_FIND);
    return find_entry(im, im->stream.last_seq, NULL, &im->stream.last_us, &ok);
}

static bool compare_entry(struct importing *im, const struct store_import_entry *entry)
{
    bool same;
    int64_t us;

    if (entry->seq <= im->stream.last_seq && im->stream.stream_id != 0) {
        if (!find_entry(im, entry->seq, entry, &us, &same))
            return false;
        if (!same)
            set_conflict(im, entry, "another entry has this seq");
        return true;
    }
    if (im->is_leased)
        set_conflict(im, entry, "the session has a lease; only its owner may append entries");
    else if (entry->seq != im->stream.last_seq + 1)
        set_conflict(im, entry, "the previous entry is missing");
    else if (entry->created_us < im->stream.last_us)
        set_conflict(im, entry, "the entry is older than the previous entry");
    im->stream.last_seq = entry->seq;
    im->stream.last_us = entry->created_us;
    im->growth_bytes += (int64_t)entry->text.len;
    return true;
}

/* `stored` is the last seq in the database. The comparison itself advances last_seq beyond it. */
static bool compare_entries(struct importing *im)
{
    const struct store_import_item *item = im->item;
    int64_t stored = 0;

    for (size_t i = 0; i < item->count && item->conflict == NULL; i++) {
        const struct store_import_entry *entry = &item->entries[i];
        if (i == 0 || !slice_equal(entry->stream, im->stream.name)) {
            if (!write_import_open_stream(im, entry->stream))
                return false;
            stored = im->stream.last_seq;
        }
        if (entry->seq <= im->stream.last_seq && entry->seq > stored)
            set_conflict(im, entry, "the seq is repeated");
        else if (!compare_entry(im, entry))
            return false;
    }
    return true;
}

bool write_import_compare(struct importing *im)
{
    im->item->created = false;
    im->item->appended = 0;
    im->item->conflict = NULL;
    im->item->stream = (struct slice){0};
    if (!compare_session(im))
        return false;
    return im->item->conflict != NULL || compare_entries(im);
}
