/* Appends to the streams of a session. The whole batch is checked before anything is written. */

#include "db/runtime/job_arena.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/entry_key.h"
#include "db/sqlite/write/event.h"
#include "db/sqlite/write/lease.h"
#include "db/sqlite/write/operations.h"
#include "db/sqlite/write/quota.h"

#include <stdlib.h>

/* The stored stream; stream_id 0: it does not exist. */
struct stream {
    int64_t stream_id;
    int64_t last_seq;
    int64_t bytes;
};

/* An entry that has a uuid. */
struct named_entry {
    const struct store_new_entry *entry;
    size_t index; /* in the batch */
};

struct batch {
    struct stream stream;
    bool *is_known; /* for each entry: it is stored already */
    struct named_entry *named;
    size_t named_count;
};

static bool find_stream(struct write_operations *ops, const struct store_job *job,
                        struct stream *out, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_STREAM_FIND];
    bool ok;

    *out = (struct stream){0};
    sqlite3_bind_int64(stmt, 1, job->session.seq);
    column_bind_text(stmt, 2, job->append.stream);
    if (!write_next_row(&ops->statements, WRITE_STREAM_FIND, "finding a stream", &ok, err))
        return ok;
    out->stream_id = column_number(stmt, 0, ENTRY_KEY_STREAMS_MAX);
    out->last_seq = column_number(stmt, 1, STORE_STREAM_ENTRIES_MAX);
    out->bytes = column_count(stmt, 2);
    write_reset(&ops->statements, WRITE_STREAM_FIND);
    return true;
}

static int compare_slices(struct slice a, struct slice b)
{
    const int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Sorts by uuid; entries with the same uuid stay in the order in which they were sent. */
static int compare_named(const void *left, const void *right)
{
    const struct named_entry *a = left;
    const struct named_entry *b = right;
    const int order = compare_slices(a->entry->uuid, b->entry->uuid);

    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static void collect_named(struct batch *batch, struct store_job *job)
{
    const struct store_append *append = &job->append;

    batch->is_known = job_arena_alloc(job, append->count * sizeof(*batch->is_known));
    batch->named = job_arena_alloc(job, append->count * sizeof(*batch->named));
    for (size_t i = 0; i < append->count; i++) {
        batch->is_known[i] = false;
        if (append->entries[i].uuid.data != NULL)
            batch->named[batch->named_count++] = (struct named_entry){&append->entries[i], i};
    }
    if (batch->named_count > 1)
        qsort(batch->named, batch->named_count, sizeof(*batch->named), compare_named);
}

/* Of several conflicts, the one with the lowest index is reported. */
static void record_conflict(struct store_job *job, size_t index)
{
    struct store_append *append = &job->append;

    if (job->error.kind == ERROR_ENTRY_CONFLICT && append->conflict < index)
        return;
    append->conflict = index;
    error_set(&job->error, ERROR_ENTRY_CONFLICT, NULL,
              "entry %zu has the uuid of a stored entry with other content; nothing was appended",
              index);
}

/* Checks the first entry with its uuid in the batch: is it stored in the stream? */
static bool find_by_uuid(struct write_operations *ops, struct store_job *job, struct batch *batch,
                         const struct named_entry *named, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_UUID_FIND];
    bool ok;

    sqlite3_bind_int64(stmt, 1, batch->stream.stream_id);
    column_bind_text(stmt, 2, named->entry->uuid);
    if (!write_next_row(&ops->statements, WRITE_UUID_FIND, "finding an entry", &ok, err))
        return ok;
    batch->is_known[named->index] = true;
    if (!slice_equal(column_text(stmt, 0), named->entry->text))
        record_conflict(job, named->index);
    write_reset(&ops->statements, WRITE_UUID_FIND);
    return true;
}

/* Finds the entries that are stored already, and conflicts of the others. */
static bool check_batch(struct write_operations *ops, struct store_job *job, struct batch *batch,
                        struct error *err)
{
    const struct named_entry *first = NULL;

    collect_named(batch, job);
    for (size_t i = 0; i < batch->named_count; i++) {
        const struct named_entry *named = &batch->named[i];
        if (first == NULL || !slice_equal(first->entry->uuid, named->entry->uuid)) {
            first = named;
            if (batch->stream.stream_id != 0 && !find_by_uuid(ops, job, batch, named, err))
                return false;
            continue;
        }
        batch->is_known[named->index] = true;
        if (!slice_equal(first->entry->text, named->entry->text))
            record_conflict(job, named->index);
    }
    return true;
}

static bool write_stream(struct write_operations *ops, const struct store_job *job,
                         struct stream *stream, int64_t now, struct error *err)
{
    const bool is_new = stream->stream_id == 0;
    const enum write_statement which = is_new ? WRITE_STREAM_CREATE : WRITE_STREAM_GROW;
    sqlite3_stmt *stmt = ops->statements.prepared[which];
    int parameter = 0;

    sqlite3_bind_int64(stmt, ++parameter, is_new ? job->session.seq : stream->stream_id);
    if (is_new)
        column_bind_text(stmt, ++parameter, job->append.stream);
    sqlite3_bind_int64(stmt, ++parameter, stream->last_seq);
    sqlite3_bind_int64(stmt, ++parameter, stream->bytes);
    sqlite3_bind_int64(stmt, ++parameter, now);
    if (!write_run(&ops->statements, which, "writing a stream", err))
        return false;
    if (is_new)
        stream->stream_id = sqlite3_last_insert_rowid(ops->statements.db);
    return stream->stream_id <= ENTRY_KEY_STREAMS_MAX ||
           error_set(err, ERROR_INTERNAL, NULL, "the database has no stream number left");
}

static bool write_log(struct write_operations *ops, const struct session *session, int64_t now,
                      struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_LOG_GROW];

    sqlite3_bind_int64(stmt, 1, session->seq);
    sqlite3_bind_int64(stmt, 2, session->entry_count);
    sqlite3_bind_int64(stmt, 3, session->entry_bytes);
    sqlite3_bind_int64(stmt, 4, now);
    return write_run(&ops->statements, WRITE_LOG_GROW, "writing a log", err);
}

static bool write_entry(struct write_operations *ops, int64_t stream_id, int64_t seq, int64_t now,
                        const struct store_new_entry *entry, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_ENTRY];

    sqlite3_bind_int64(stmt, 1, entry_key(stream_id, seq));
    sqlite3_bind_int64(stmt, 2, now);
    column_bind_text(stmt, 3, entry->text);
    if (!write_run(&ops->statements, WRITE_ENTRY, "appending an entry", err))
        return false;
    search_index_record(&ops->search, entry_key(stream_id, seq), entry->text, true);
    if (entry->uuid.data == NULL)
        return true;
    stmt = ops->statements.prepared[WRITE_UUID];
    sqlite3_bind_int64(stmt, 1, stream_id);
    column_bind_text(stmt, 2, entry->uuid);
    sqlite3_bind_int64(stmt, 3, seq);
    return write_run(&ops->statements, WRITE_UUID, "storing a uuid", err);
}

/* Rejects the job when a new stream exceeds the limit. */
static bool admit_stream(struct write_operations *ops, struct store_job *job, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_STREAM_COUNT];
    bool ok;

    sqlite3_bind_int64(stmt, 1, job->session.seq);
    sqlite3_bind_int64(stmt, 2, ops->max_streams);
    if (!write_next_row(&ops->statements, WRITE_STREAM_COUNT, "counting streams", &ok, err))
        return ok;
    const int64_t streams = sqlite3_column_int64(stmt, 0);
    write_reset(&ops->statements, WRITE_STREAM_COUNT);
    if (streams < ops->max_streams)
        return true;
    ops->change.counts[STORE_QUOTA_REJECTED]++;
    error_set(
        &job->error, ERROR_DATABASE_FULL, NULL,
        "the session has %lld streams, which is the limit (--max-streams-per-session); append "
        "to one of them, or raise the limit",
        (long long)streams);
    return true;
}

/* Sums what the batch adds, before anything is written. False rejects the job. */
static bool sum_batch(struct store_job *job, struct batch *batch)
{
    struct store_append *append = &job->append;
    int64_t bytes = 0;

    for (size_t i = 0; i < append->count; i++) {
        if (batch->is_known[i])
            continue;
        append->appended++;
        bytes += (int64_t)append->entries[i].text.len;
    }
    append->duplicates = (int64_t)append->count - append->appended;
    if (append->appended > STORE_STREAM_ENTRIES_MAX - append->last_seq)
        return error_set(&job->error, ERROR_INVALID_PAYLOAD, NULL,
                         "a stream cannot have more than %lld entries; append to another stream",
                         (long long)STORE_STREAM_ENTRIES_MAX);
    if (append->appended > 0)
        append->first_seq = append->last_seq + 1;
    append->last_seq += append->appended;
    batch->stream.last_seq = append->last_seq;
    batch->stream.bytes += bytes;
    job->session.entry_count += append->appended;
    job->session.entry_bytes += bytes;
    return true;
}

static void count_entries(struct write_operations *ops, const struct store_append *append)
{
    ops->change.counts[STORE_ENTRIES_APPENDED] += append->appended;
    ops->change.counts[STORE_ENTRIES_DUPLICATE] += append->duplicates;
}

static bool write_append_event(struct write_operations *ops, const struct store_job *job,
                               int64_t now, struct error *err)
{
    const struct store_append *append = &job->append;
    struct store_event event = write_event_make(&job->session, EVENT_ENTRIES_APPENDED);

    event.id = now;
    event.stream = append->stream;
    event.first_seq = append->first_seq;
    event.last_seq = append->last_seq;
    return write_event(ops, &event, err);
}

static bool write_batch(struct write_operations *ops, struct store_job *job, struct batch *batch,
                        struct error *err)
{
    const struct store_append *append = &job->append;
    const int64_t now = clock_next(&ops->state.clock);
    int64_t seq = append->first_seq;

    if (!write_stream(ops, job, &batch->stream, now, err) ||
        !write_log(ops, &job->session, now, err))
        return false;
    for (size_t i = 0; i < append->count; i++) {
        if (batch->is_known[i])
            continue;
        if (!write_entry(ops, batch->stream.stream_id, seq++, now, &append->entries[i], err))
            return false;
        ops->change.counts[STORE_ENTRIES_BYTES] += (int64_t)append->entries[i].text.len;
    }
    return write_append_event(ops, job, now, err);
}

static bool check_expected_seq(struct store_job *job)
{
    const struct store_append *append = &job->append;

    return !append->has_expected || append->expected == append->last_seq ||
           error_set(&job->error, ERROR_PRECONDITION_FAILED, "expect_last_seq",
                     "the stream ends with seq %lld; read the new entries, then append the "
                     "missing ones",
                     (long long)append->last_seq);
}

bool write_append(struct write_operations *ops, struct store_job *job, struct error *err)
{
    struct store_append *append = &job->append;
    struct batch batch = {0};
    bool found;

    append->appended = append->duplicates = append->first_seq = append->last_seq = 0;
    if (!write_find(ops, job, false, &found, err))
        return false;
    if (!found || job->error.kind != ERROR_NONE || !write_lease_check_fence(ops, job))
        return true;
    if (!find_stream(ops, job, &batch.stream, err))
        return false;
    append->last_seq = batch.stream.last_seq;
    if (!check_expected_seq(job))
        return true;
    if (!check_batch(ops, job, &batch, err))
        return false;
    const int64_t stored_bytes = batch.stream.bytes;
    if (job->error.kind != ERROR_NONE || !sum_batch(job, &batch))
        return true;
    if (batch.stream.stream_id == 0 && append->appended > 0 && !admit_stream(ops, job, err))
        return false;
    if (job->error.kind != ERROR_NONE)
        return true;
    if (!write_quota_admit(ops, job, batch.stream.bytes - stored_bytes, err))
        return false;
    if (job->error.kind != ERROR_NONE)
        return true;
    count_entries(ops, append);
    return append->appended == 0 || write_batch(ops, job, &batch, err);
}
