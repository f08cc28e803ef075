/* Copies the streams of a fork, entry by entry, for as long as it is given. */

#include "db/base/monotonic.h"
#include "db/runtime/job_arena.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/entry_key.h"
#include "db/sqlite/write/fork_internal.h"

static bool run_for(struct write_operations *ops, enum write_statement which, int64_t number,
                    struct error *err)
{
    sqlite3_bind_int64(ops->statements.prepared[which], 1, number);
    return write_run(&ops->statements, which, "copying a stream", err);
}

/* A number that no stream had, and that is taken for discarded. */
static bool make_target(struct write_operations *ops, struct fork_stream *stream, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_STREAM_MAKE];

    sqlite3_bind_int64(stmt, 1, 0);
    write_bind_text(stmt, 2, SLICE_LITERAL(""));
    for (int parameter = 3; parameter <= 5; parameter++)
        sqlite3_bind_int64(stmt, parameter, 0);
    if (!write_run(&ops->statements, WRITE_STREAM_MAKE, "making a stream", err))
        return false;
    stream->target = sqlite3_last_insert_rowid(ops->statements.db);
    if (stream->target > ENTRY_KEY_STREAMS_MAX)
        return error_set(err, ERROR_INTERNAL, NULL, "there have been too many streams");
    return run_for(ops, WRITE_STREAM_REMOVE, stream->target, err) &&
           run_for(ops, WRITE_DISCARD, stream->target, err);
}

static bool copy_entry(struct write_operations *ops, struct fork_stream *stream,
                       sqlite3_stmt *found, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_ENTRY];
    const struct slice text = column_text(found, 2);

    stream->seq = entry_key_seq(sqlite3_column_int64(found, 0));
    stream->updated_us = column_time(found, 1);
    stream->bytes += (int64_t)text.len;
    sqlite3_bind_int64(stmt, 1, entry_key(stream->target, stream->seq));
    sqlite3_bind_int64(stmt, 2, stream->updated_us);
    write_bind_text(stmt, 3, text);
    if (!write_run(&ops->statements, WRITE_ENTRY, "copying an entry", err))
        return false;
    search_index_note(&ops->search, entry_key(stream->target, stream->seq), text, true);
    return true;
}

static bool copy_entries(struct write_operations *ops, struct fork_stream *stream, int64_t until_us,
                         struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_FORK_ENTRIES];
    bool ok;

    sqlite3_bind_int64(stmt, 1, entry_key(stream->source, stream->seq));
    sqlite3_bind_int64(stmt, 2, entry_key(stream->source, stream->up_to));
    while (write_next_row(&ops->statements, WRITE_FORK_ENTRIES, "reading entries", &ok, err)) {
        ok = copy_entry(ops, stream, stmt, err);
        if (!ok || monotonic_us() >= until_us || search_index_has_a_step(&ops->search)) {
            write_reset(&ops->statements, WRITE_FORK_ENTRIES);
            return ok;
        }
    }
    stream->entries_done = ok;
    return ok;
}

static void remember_uuid(struct store_job *job, struct fork_plan *plan, struct slice uuid)
{
    if (uuid.len > plan->uuid_room) {
        plan->uuid_room = 2 * uuid.len;
        plan->uuid = job_memory(job, plan->uuid_room);
    }
    if (uuid.len > 0)
        memcpy(plan->uuid, uuid.data, uuid.len);
    plan->uuid_len = uuid.len;
}

static bool copy_uuid(struct write_operations *ops, struct fork_stream *stream, sqlite3_stmt *found,
                      struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_UUID];
    const int64_t seq = sqlite3_column_int64(found, 1);

    if (seq > stream->up_to)
        return true;
    sqlite3_bind_int64(stmt, 1, stream->target);
    write_bind_text(stmt, 2, column_text(found, 0));
    sqlite3_bind_int64(stmt, 3, seq);
    return write_run(&ops->statements, WRITE_UUID, "copying a uuid", err);
}

/* In their own order, in which they lie. Those of later entries are passed over. */
static bool copy_uuids(struct write_operations *ops, struct store_job *job, struct fork_plan *plan,
                       int64_t until_us, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_FORK_UUIDS];
    struct fork_stream *stream = &plan->streams[plan->at];
    bool ok;

    sqlite3_bind_int64(stmt, 1, stream->source);
    write_bind_text(stmt, 2, (struct slice){plan->uuid_len == 0 ? "" : plan->uuid, plan->uuid_len});
    while (write_next_row(&ops->statements, WRITE_FORK_UUIDS, "reading uuids", &ok, err)) {
        ok = copy_uuid(ops, stream, stmt, err);
        if (!ok || monotonic_us() >= until_us) {
            remember_uuid(job, plan, column_text(stmt, 0));
            write_reset(&ops->statements, WRITE_FORK_UUIDS);
            return ok;
        }
    }
    if (!ok)
        return false;
    plan->at++;
    plan->uuid_len = 0;
    return true;
}

void write_fork_refuse_deleted(struct store_job *job)
{
    error_set(&job->error, ERROR_NOT_FOUND, NULL, "the session %s was deleted meanwhile", job->id);
}

/* A deleted session's entries go by and by. */
bool write_fork_check_source(struct write_operations *ops, struct store_job *job, int64_t number,
                             struct error *err)
{
    bool ok;

    sqlite3_bind_int64(ops->statements.prepared[WRITE_FORK_SOURCE], 1, number);
    if (write_next_row(&ops->statements, WRITE_FORK_SOURCE, "finding a stream", &ok, err))
        write_reset(&ops->statements, WRITE_FORK_SOURCE);
    else if (ok)
        write_fork_refuse_deleted(job);
    return ok;
}

static bool copy_stream(struct write_operations *ops, struct store_job *job, struct fork_plan *plan,
                        int64_t until_us, struct error *err)
{
    struct fork_stream *stream = &plan->streams[plan->at];

    if (stream->up_to == 0) {
        plan->at++;
        return true;
    }
    if (!write_fork_check_source(ops, job, stream->source, err))
        return false;
    if (job->error.kind != ERROR_NONE)
        return true;
    if (stream->target == 0 && !make_target(ops, stream, err))
        return false;
    if (!stream->entries_done)
        return copy_entries(ops, stream, until_us, err);
    return copy_uuids(ops, job, plan, until_us, err);
}

bool write_fork_copy(struct write_operations *ops, struct store_job *job, int64_t until_us,
                     struct error *err)
{
    struct fork_plan *plan = job->fork.plan;

    while (plan->at < plan->count && job->error.kind == ERROR_NONE) {
        if (!copy_stream(ops, job, plan, until_us, err))
            return false;
        if (monotonic_us() >= until_us)
            return true;
    }
    return true;
}
