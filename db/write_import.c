/* What was exported comes back. An item is looked at as a whole before any of it is written. */

#include "db/column.h"
#include "db/entry_key.h"
#include "db/write_event.h"
#include "db/write_size.h"

/* A stream as it is, while entries of it are looked at or written. number 0: nobody wrote to it. */
struct stream {
    struct slice name;
    int64_t number;
    int64_t last_seq;
    int64_t bytes;
    int64_t last_us; /* when its last entry was appended */
};

struct importing {
    struct write_operations *ops;
    const struct store_import *import;
    struct store_import_item *item;
    int64_t growth_bytes; /* what it adds, as far as it was looked at */
    int64_t session_seq;  /* 0: the session is not there */
    bool is_leased;
    int64_t entry_count; /* of its log */
    int64_t entry_bytes;
    struct stream stream;
    bool grown;        /* the stream, by what was written */
    int64_t first_seq; /* of that */
    struct error *err;
};

static void conflict(struct importing *im, const struct store_import_entry *entry, const char *why)
{
    im->item->conflict = why;
    if (entry == NULL)
        return;
    im->item->stream = entry->stream;
    im->item->seq = entry->seq;
}

/* --- The session ------------------------------------------------------------------------------ */

static bool same_text(struct slice a, struct slice b)
{
    return (a.data == NULL) == (b.data == NULL) && slice_equal(a, b);
}

static const char *difference(const struct importing *im, const struct session *stored)
{
    const struct session *sent = &im->item->session;

    if (!slice_equal(stored->project_path, sent->project_path) ||
        !slice_equal(stored->thread_id, sent->thread_id))
        return "it is there with another project_path or thread_id";
    if (stored->version != sent->version || stored->updated_us != sent->updated_us ||
        stored->status != sent->status)
        return "it is there in another version";
    if (stored->created_us != sent->created_us || stored->recovered_us != sent->recovered_us ||
        stored->lease.token != sent->lease.token || !same_text(stored->parent_id, sent->parent_id))
        return "it is there with another created_at, recovered_at, lease_token or parent_id";
    return im->import->same_context(stored->context, sent->context)
               ? NULL
               : "it is there with another context";
}

/* Finds the session, and says what is in the way. */
static bool look_at_session(struct importing *im)
{
    const bool whole = im->item->has_session;
    const enum write_statement which = whole ? WRITE_FIND_WITH_CONTEXT : WRITE_FIND;
    sqlite3_stmt *stmt = im->ops->statements.prepared[which];
    struct session_row row;
    bool ok;

    write_bind_text(stmt, 1, im->item->session.id);
    if (!write_next_row(&im->ops->statements, which, "finding a session", &ok, im->err)) {
        im->growth_bytes += im->item->session.context_bytes;
        if (ok && !whole)
            conflict(im, NULL, "it is not there, and its entries came without it");
        return ok;
    }
    ok = session_row_read(stmt, whole ? im->ops->adopt : NULL, &row, im->err);
    if (ok) {
        im->session_seq = row.session.seq;
        im->entry_count = row.session.entry_count;
        im->entry_bytes = row.session.entry_bytes;
        im->is_leased = row.session.lease.owner.data != NULL;
        if (whole)
            im->item->conflict = difference(im, &row.session);
        session_row_release(&row);
    }
    write_reset(&im->ops->statements, which);
    return ok;
}

/* --- Its entries ------------------------------------------------------------------------------ */

/* The entry of this key: its time, and whether it is the one that was sent (NULL: any is). */
static bool find_entry(struct importing *im, int64_t seq, const struct store_import_entry *sent,
                       int64_t *us, bool *same)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_IMPORT_ENTRY];
    bool ok;

    *same = false;
    sqlite3_bind_int64(stmt, 1, entry_key(im->stream.number, seq));
    if (!write_next_row(&im->ops->statements, WRITE_IMPORT_ENTRY, "finding an entry", &ok, im->err))
        return ok;
    *us = sqlite3_column_int64(stmt, 0);
    *same =
        sent == NULL || (*us == sent->created_us && slice_equal(column_text(stmt, 1), sent->text));
    write_reset(&im->ops->statements, WRITE_IMPORT_ENTRY);
    return true;
}

static bool open_stream(struct importing *im, struct slice name)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_STREAM_FIND];
    bool ok;

    im->stream = (struct stream){.name = name};
    im->grown = false;
    if (im->session_seq == 0)
        return true;
    sqlite3_bind_int64(stmt, 1, im->session_seq);
    write_bind_text(stmt, 2, name);
    if (!write_next_row(&im->ops->statements, WRITE_STREAM_FIND, "finding a stream", &ok, im->err))
        return ok;
    im->stream.number = sqlite3_column_int64(stmt, 0);
    im->stream.last_seq = sqlite3_column_int64(stmt, 1);
    im->stream.bytes = sqlite3_column_int64(stmt, 2);
    write_reset(&im->ops->statements, WRITE_STREAM_FIND);
    return find_entry(im, im->stream.last_seq, NULL, &im->stream.last_us, &ok);
}

static bool look_at_entry(struct importing *im, const struct store_import_entry *entry)
{
    bool same;
    int64_t us;

    if (entry->seq <= im->stream.last_seq && im->stream.number != 0) {
        if (!find_entry(im, entry->seq, entry, &us, &same))
            return false;
        if (!same)
            conflict(im, entry, "another entry has its seq");
        return true;
    }
    if (im->is_leased)
        conflict(im, entry, "the session is leased, and only its owner may append to it");
    else if (entry->seq != im->stream.last_seq + 1)
        conflict(im, entry, "the entry before it is missing");
    else if (entry->created_us < im->stream.last_us)
        conflict(im, entry, "it is older than the entry before it");
    im->stream.last_seq = entry->seq;
    im->stream.last_us = entry->created_us;
    im->growth_bytes += (int64_t)entry->text.len;
    return true;
}

/* What lies in the stream is asked for by its number; the looking itself moves last_seq on, beyond
 * what is stored. */
static bool look_at_entries(struct importing *im)
{
    const struct store_import_item *item = im->item;
    int64_t stored = 0;

    for (size_t i = 0; i < item->count && item->conflict == NULL; i++) {
        const struct store_import_entry *entry = &item->entries[i];
        if (i == 0 || !slice_equal(entry->stream, im->stream.name)) {
            if (!open_stream(im, entry->stream))
                return false;
            stored = im->stream.last_seq;
        }
        if (entry->seq <= im->stream.last_seq && entry->seq > stored)
            conflict(im, entry, "its seq comes twice");
        else if (!look_at_entry(im, entry))
            return false;
    }
    return true;
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* The order of creation is that of created_at; where two have the same, that of their coming. Many
 * may: behind the one before, the places from there on need not be looked at again. */
static bool find_place(struct importing *im, int64_t *seq)
{
    struct write_statements *statements = &im->ops->statements;
    const int64_t created_us = im->item->session.created_us;
    bool ok = true;

    *seq = created_us == im->ops->imported.created_us ? im->ops->imported.seq + 1 : created_us;
    for (;; (*seq)++) {
        sqlite3_bind_int64(statements->prepared[WRITE_IMPORT_PLACE], 1, *seq);
        if (!write_next_row(statements, WRITE_IMPORT_PLACE, "finding a place", &ok, im->err))
            break;
        write_reset(statements, WRITE_IMPORT_PLACE);
    }
    im->ops->imported.created_us = created_us;
    im->ops->imported.seq = *seq;
    return ok;
}

static bool create(struct importing *im)
{
    struct session *session = &im->item->session;
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_LOG_MAKE];
    struct store_event event;

    if (!find_place(im, &session->seq) || !write_insert(im->ops, session, im->err))
        return false;
    im->session_seq = session->seq;
    im->item->created = true;
    event = write_event_of(session, EVENT_SESSION_CREATED);
    event.id = clock_next(&im->ops->clock);
    event.from = session->parent_id;
    if (!write_event(im->ops, &event, im->err))
        return false;
    if (session->parent_id.data == NULL)
        return true;
    sqlite3_bind_int64(stmt, 1, session->seq);
    sqlite3_bind_int64(stmt, 2, 0);
    sqlite3_bind_int64(stmt, 3, 0);
    sqlite3_bind_int64(stmt, 4, event.id);
    write_bind_text(stmt, 5, session->parent_id);
    return write_run(&im->ops->statements, WRITE_LOG_MAKE, "writing a log", im->err);
}

static bool make_stream(struct importing *im)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_STREAM_MAKE];

    sqlite3_bind_int64(stmt, 1, im->session_seq);
    write_bind_text(stmt, 2, im->stream.name);
    sqlite3_bind_int64(stmt, 3, 0);
    sqlite3_bind_int64(stmt, 4, 0);
    sqlite3_bind_int64(stmt, 5, 0);
    if (!write_run(&im->ops->statements, WRITE_STREAM_MAKE, "making a stream", im->err))
        return false;
    im->stream.number = sqlite3_last_insert_rowid(im->ops->statements.db);
    return im->stream.number <= ENTRY_KEY_STREAMS_MAX ||
           error_set(im->err, ERROR_INTERNAL, NULL, "there have been too many streams");
}

static bool write_uuid(struct importing *im, const struct store_import_entry *entry)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_IMPORT_UUID];

    sqlite3_bind_int64(stmt, 1, im->stream.number);
    write_bind_text(stmt, 2, entry->uuid);
    sqlite3_bind_int64(stmt, 3, entry->seq);
    return write_run(&im->ops->statements, WRITE_IMPORT_UUID, "keeping a uuid", im->err);
}

static bool write_entry(struct importing *im, const struct store_import_entry *entry)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_ENTRY];

    if (im->stream.number == 0 && !make_stream(im))
        return false;
    sqlite3_bind_int64(stmt, 1, entry_key(im->stream.number, entry->seq));
    sqlite3_bind_int64(stmt, 2, entry->created_us);
    write_bind_text(stmt, 3, entry->text);
    if (!write_run(&im->ops->statements, WRITE_ENTRY, "importing an entry", im->err))
        return false;
    search_index_note(&im->ops->search, entry_key(im->stream.number, entry->seq), entry->text,
                      true);
    if (!im->grown)
        im->first_seq = entry->seq;
    im->grown = true;
    im->stream.last_seq = entry->seq;
    im->stream.last_us = entry->created_us;
    im->stream.bytes += (int64_t)entry->text.len;
    im->entry_bytes += (int64_t)entry->text.len;
    im->entry_count++;
    im->item->appended++;
    return entry->uuid.data == NULL || write_uuid(im, entry);
}

/* Of an item without its session the id alone is known, so the rest of the event is read. */
static bool record(struct importing *im, int64_t now)
{
    sqlite3_stmt *stmt = im->ops->statements.prepared[WRITE_FIND];
    struct session_row row;
    bool ok;

    write_bind_text(stmt, 1, im->item->session.id);
    if (!write_next_row(&im->ops->statements, WRITE_FIND, "finding a session", &ok, im->err))
        return ok;
    ok = session_row_read(stmt, NULL, &row, im->err);
    if (ok) {
        struct store_event event = write_event_of(&row.session, EVENT_ENTRIES_APPENDED);
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

/* The stream that was written to, and the sums. */
static bool close_stream(struct importing *im)
{
    const int64_t now = im->grown ? clock_next(&im->ops->clock) : 0;
    sqlite3_stmt *stream = im->ops->statements.prepared[WRITE_STREAM_GROW];
    sqlite3_stmt *log = im->ops->statements.prepared[WRITE_LOG_GROW];

    if (!im->grown)
        return true;
    sqlite3_bind_int64(stream, 1, im->stream.number);
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
           record(im, now);
}

static bool write_entries(struct importing *im)
{
    const struct store_import_item *item = im->item;

    im->grown = false;
    for (size_t i = 0; i < item->count; i++) {
        const struct store_import_entry *entry = &item->entries[i];
        if ((i == 0 || !slice_equal(entry->stream, im->stream.name)) &&
            !(close_stream(im) && open_stream(im, entry->stream)))
            return false;
        if (entry->seq > im->stream.last_seq && !write_entry(im, entry))
            return false;
    }
    return close_stream(im);
}

static bool look_at_item(struct importing *im)
{
    im->item->created = false;
    im->item->appended = 0;
    im->item->conflict = NULL;
    im->item->stream = (struct slice){0};
    if (!look_at_session(im))
        return false;
    return im->item->conflict != NULL || look_at_entries(im);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* No time that the clock gives may be that of something imported, or lie before it. */
static int64_t newest_us(const struct store_import_item *item)
{
    const struct session *session = &item->session;
    int64_t newest = later(later(session->created_us, session->updated_us), session->recovered_us);

    for (size_t i = 0; i < item->count; i++)
        newest = later(newest, item->entries[i].created_us);
    return newest;
}

static bool import_item(struct importing *im)
{
    if (!look_at_item(im))
        return false;
    if (im->item->conflict != NULL)
        return true;
    clock_pass(&im->ops->clock, newest_us(im->item));
    if (!(im->session_seq != 0 || create(im)) || !write_entries(im))
        return false;
    im->ops->change.counts[STORE_SESSIONS_IMPORTED] += im->item->created;
    im->ops->change.counts[STORE_ENTRIES_IMPORTED] += im->item->appended;
    return true;
}

/* --- The batch -------------------------------------------------------------------------------- */

/* Where the size is limited all is looked at first: what is there already needs no room. */
static bool admit(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const struct store_import *import = &job->import;
    int64_t growth_bytes = 0;

    for (size_t i = 0; i < import->count && ops->size.max_bytes != 0; i++) {
        struct importing im = {.ops = ops, .import = import, .item = &import->items[i], .err = err};
        if (!look_at_item(&im))
            return false;
        growth_bytes += im.item->conflict == NULL ? im.growth_bytes : 0;
    }
    return write_size_admit(ops, job, growth_bytes, err);
}

bool write_import(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const struct store_import *import = &job->import;

    if (!admit(ops, job, err))
        return false;
    for (size_t i = 0; i < import->count && job->error.kind == ERROR_NONE; i++) {
        struct importing im = {.ops = ops, .import = import, .item = &import->items[i], .err = err};
        if (!import_item(&im))
            return false;
        clock_pass(&ops->clock, im.session_seq);
    }
    return true;
}
