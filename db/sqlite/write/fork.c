/*
 * A fork is planned first: which streams, up to which entry. Streams are append-only, so the plan
 * stays the state of one instant, however long the copy takes. The copies are orphaned streams:
 * they belong to no session and are listed as discarded. If the copy is interrupted at any point,
 * garbage collection removes them. The last transaction creates the session and assigns the streams
 * to it.
 */
#include "db/sqlite/write/fork.h"

#include "db/base/monotonic.h"
#include "db/runtime/job_arena.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/entry_key.h"
#include "db/sqlite/write/event.h"
#include "db/sqlite/write/operations.h"
#include "db/sqlite/write/quota.h"

/* Limits of a fork that is copied in the transaction of its batch. It takes one or two
 * milliseconds. */
#define INLINE_FORK_ROWS 200
#define INLINE_FORK_BYTES (256 << 10)

struct fork_stream {
    int64_t source; /* id of the parent's stream */
    int64_t target; /* id of the copy; 0: not begun */
    struct slice name;
    int64_t length; /* entries of the source */
    int64_t up_to;  /* number of its entries to copy */
    int64_t seq;    /* of the last copied entry */
    int64_t bytes;
    int64_t updated_us; /* when the last copied entry was appended */
    bool entries_done;
};

struct fork_plan {
    struct session parent;
    struct fork_stream *streams;
    size_t count;
    size_t at;  /* the stream that is being copied; `count`: all are copied */
    char *uuid; /* the last copied uuid of that stream */
    size_t uuid_len;
    size_t uuid_room;
};

/* --- Copying --------------------------------------------------------------------------------- */

static bool run_for_stream(struct write_operations *ops, enum write_statement which,
                           int64_t stream_id, struct error *err)
{
    sqlite3_bind_int64(ops->statements.prepared[which], 1, stream_id);
    return write_run(&ops->statements, which, "copying a stream", err);
}

/* Allocates a stream id that no stream had, and lists it as discarded. */
static bool create_target(struct write_operations *ops, struct fork_stream *stream,
                          struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_STREAM_CREATE];

    sqlite3_bind_int64(stmt, 1, 0);
    column_bind_text(stmt, 2, SLICE_LITERAL(""));
    for (int parameter = 3; parameter <= 5; parameter++)
        sqlite3_bind_int64(stmt, parameter, 0);
    if (!write_run(&ops->statements, WRITE_STREAM_CREATE, "creating a stream", err))
        return false;
    stream->target = sqlite3_last_insert_rowid(ops->statements.db);
    if (stream->target > ENTRY_KEY_STREAMS_MAX)
        return error_set(err, ERROR_INTERNAL, NULL, "the database has no stream number left");
    return run_for_stream(ops, WRITE_STREAM_REMOVE, stream->target, err) &&
           run_for_stream(ops, WRITE_DISCARD, stream->target, err);
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
    column_bind_text(stmt, 3, text);
    if (!write_run(&ops->statements, WRITE_ENTRY, "copying an entry", err))
        return false;
    search_index_record(&ops->search, entry_key(stream->target, stream->seq), text, true);
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
        if (!ok || monotonic_us() >= until_us || search_index_has_full_step(&ops->search)) {
            write_reset(&ops->statements, WRITE_FORK_ENTRIES);
            return ok;
        }
    }
    stream->entries_done = ok;
    return ok;
}

static void save_last_uuid(struct store_job *job, struct fork_plan *plan, struct slice uuid)
{
    if (uuid.len > plan->uuid_room) {
        plan->uuid_room = 2 * uuid.len;
        plan->uuid = job_arena_alloc(job, plan->uuid_room);
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
    column_bind_text(stmt, 2, column_text(found, 0));
    sqlite3_bind_int64(stmt, 3, seq);
    return write_run(&ops->statements, WRITE_UUID, "copying a uuid", err);
}

/* Copies in index order. The uuids of later entries are skipped. */
static bool copy_uuids(struct write_operations *ops, struct store_job *job, struct fork_plan *plan,
                       int64_t until_us, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_FORK_UUIDS];
    struct fork_stream *stream = &plan->streams[plan->at];
    bool ok;

    sqlite3_bind_int64(stmt, 1, stream->source);
    column_bind_text(stmt, 2,
                     (struct slice){plan->uuid_len == 0 ? "" : plan->uuid, plan->uuid_len});
    while (write_next_row(&ops->statements, WRITE_FORK_UUIDS, "reading uuids", &ok, err)) {
        ok = copy_uuid(ops, stream, stmt, err);
        if (!ok || monotonic_us() >= until_us) {
            save_last_uuid(job, plan, column_text(stmt, 0));
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

/* The parent was deleted or replaced. */
static void reject_deleted_parent(struct store_job *job)
{
    error_set(&job->error, ERROR_NOT_FOUND, NULL, "the session %s was deleted meanwhile", job->id);
}

/* Rejects the job when the stream does not exist any more: garbage collection removes the entries
 * of a deleted session later. */
static bool check_source(struct write_operations *ops, struct store_job *job, int64_t stream_id,
                         struct error *err)
{
    bool ok;

    sqlite3_bind_int64(ops->statements.prepared[WRITE_FORK_SOURCE], 1, stream_id);
    if (write_next_row(&ops->statements, WRITE_FORK_SOURCE, "finding a stream", &ok, err))
        write_reset(&ops->statements, WRITE_FORK_SOURCE);
    else if (ok)
        reject_deleted_parent(job);
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
    if (!check_source(ops, job, stream->source, err))
        return false;
    if (job->error.kind != ERROR_NONE)
        return true;
    if (stream->target == 0 && !create_target(ops, stream, err))
        return false;
    if (!stream->entries_done)
        return copy_entries(ops, stream, until_us, err);
    return copy_uuids(ops, job, plan, until_us, err);
}

/* Copies until the copy is complete, the job is rejected, or `until_us` is reached. */
static bool copy_until(struct write_operations *ops, struct store_job *job, int64_t until_us,
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

/* --- Planning -------------------------------------------------------------------------------- */

static void add_stream(struct store_job *job, struct fork_plan *plan, sqlite3_stmt *stmt)
{
    const struct fork_stream stream = {
        .source = column_number(stmt, 0, ENTRY_KEY_STREAMS_MAX),
        .name = job_arena_copy(job, column_text(stmt, 1)),
        .length = column_number(stmt, 2, STORE_STREAM_ENTRIES_MAX),
        .up_to = column_number(stmt, 2, STORE_STREAM_ENTRIES_MAX),
    };

    /* The array doubles at each power of two. The old arrays stay in the job's arena. */
    if ((plan->count & (plan->count - 1)) == 0) {
        struct fork_stream *more =
            job_arena_alloc(job, (plan->count == 0 ? 1 : 2 * plan->count) * sizeof(stream));
        if (plan->count > 0)
            memcpy(more, plan->streams, plan->count * sizeof(stream));
        plan->streams = more;
    }
    plan->streams[plan->count++] = stream;
}

static bool find_streams(struct write_operations *ops, struct store_job *job,
                         struct fork_plan *plan, int64_t *bytes, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_FORK_STREAMS];
    bool ok;

    sqlite3_bind_int64(stmt, 1, plan->parent.seq);
    while (write_next_row(&ops->statements, WRITE_FORK_STREAMS, "reading streams", &ok, err)) {
        *bytes += *bytes < COLUMN_COUNT_MAX ? column_count(stmt, 3) : 0;
        add_stream(job, plan, stmt);
    }
    return ok;
}

static bool read_entry_time(struct write_operations *ops, int64_t stream_id, int64_t seq,
                            int64_t *us, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_FORK_TIME];
    bool ok;

    sqlite3_bind_int64(stmt, 1, entry_key(stream_id, seq));
    if (!write_next_row(&ops->statements, WRITE_FORK_TIME, "finding an entry", &ok, err)) {
        if (ok)
            error_set(err, ERROR_INTERNAL, NULL, "a stream lacks its entry %lld", (long long)seq);
        return false;
    }
    *us = column_time(stmt, 0);
    write_reset(&ops->statements, WRITE_FORK_TIME);
    return true;
}

/* Finds how many entries of the stream existed at `us`, by binary search: times within a stream
 * never decrease. */
static bool truncate_at_time(struct write_operations *ops, struct fork_stream *stream, int64_t us,
                             struct error *err)
{
    int64_t high = stream->length;
    int64_t low = 0; /* at least this many entries are not newer than `us` */
    int64_t at_us;

    while (low < high) {
        const int64_t middle = low + (high - low + 1) / 2;
        if (!read_entry_time(ops, stream->source, middle, &at_us, err))
            return false;
        if (at_us <= us)
            low = middle;
        else
            high = middle - 1;
    }
    stream->up_to = low;
    return true;
}

static struct fork_stream *find_named_stream(const struct store_job *job, struct fork_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (slice_equal(plan->streams[i].name, job->fork.stream))
            return &plan->streams[i];
    }
    return NULL;
}

/* Excludes the entries after at_seq. Rejects a job whose at_seq does not exist. */
static bool truncate_plan(struct write_operations *ops, struct store_job *job,
                          struct fork_plan *plan, struct error *err)
{
    struct fork_stream *first = find_named_stream(job, plan);
    const int64_t length = first == NULL ? 0 : first->length;
    int64_t us = 0;

    if (job->fork.at_seq > length) {
        error_set(&job->error, ERROR_INVALID_PAYLOAD, "/at_seq",
                  "at_seq is %lld, and the stream ends with seq %lld", (long long)job->fork.at_seq,
                  (long long)length);
        return true;
    }
    if (job->fork.at_seq > 0 && !read_entry_time(ops, first->source, job->fork.at_seq, &us, err))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        struct fork_stream *stream = &plan->streams[i];
        if (first != NULL && stream == first)
            first->up_to = job->fork.at_seq;
        else if (!truncate_at_time(ops, stream, us, err))
            return false;
    }
    return true;
}

/* --- Publishing ------------------------------------------------------------------------------ */

static bool unmark_orphan(struct write_operations *ops, int64_t stream_id, struct error *err)
{
    sqlite3_bind_int64(ops->statements.prepared[WRITE_DISCARD_STREAM], 1, stream_id);
    return write_run(&ops->statements, WRITE_DISCARD_STREAM, "publishing a stream", err);
}

static bool publish_stream(struct write_operations *ops, struct store_job *job,
                           const struct fork_stream *stream, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_STREAM_PUBLISH];
    struct store_event event = write_event_make(&job->session, EVENT_ENTRIES_APPENDED);

    sqlite3_bind_int64(stmt, 1, job->session.seq);
    column_bind_text(stmt, 2, stream->name);
    sqlite3_bind_int64(stmt, 3, stream->up_to);
    sqlite3_bind_int64(stmt, 4, stream->bytes);
    sqlite3_bind_int64(stmt, 5, stream->updated_us);
    sqlite3_bind_int64(stmt, 6, stream->target);
    if (!write_run(&ops->statements, WRITE_STREAM_PUBLISH, "publishing a stream", err) ||
        !unmark_orphan(ops, stream->target, err))
        return false;
    job->session.entry_count += stream->up_to;
    job->session.entry_bytes += stream->bytes;
    event.id = clock_next(&ops->state.clock);
    event.stream = stream->name;
    event.first_seq = 1;
    event.last_seq = stream->up_to;
    return write_event(ops, &event, err);
}

/* The timeline of a session ends at the last change of its log. */
static bool publish_log(struct write_operations *ops, const struct session *session,
                        struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_LOG_CREATE];

    sqlite3_bind_int64(stmt, 1, session->seq);
    sqlite3_bind_int64(stmt, 2, session->entry_count);
    sqlite3_bind_int64(stmt, 3, session->entry_bytes);
    sqlite3_bind_int64(stmt, 4, ops->state.clock.last_us);
    column_bind_text(stmt, 5, session->parent_id);
    return write_run(&ops->statements, WRITE_LOG_CREATE, "writing a log", err);
}

static bool publish_session(struct write_operations *ops, struct store_job *job, struct error *err)
{
    struct store_event event = write_event_make(&job->session, EVENT_SESSION_CREATED);

    event.from = job->session.parent_id;
    return write_insert_session(ops, &job->session, err) && write_event(ops, &event, err);
}

static struct session make_session(const struct store_job *job, int64_t now)
{
    const struct session *parent = &job->fork.plan->parent;

    return (struct session){
        .id = {job->fork.id, UUID_LENGTH},
        .project_path = job->project_path.data == NULL ? parent->project_path : job->project_path,
        .thread_id = job->thread_id.data == NULL ? parent->thread_id : job->thread_id,
        .context = parent->context,
        .status = SESSION_CREATED,
        .version = 1,
        .created_us = now,
        .updated_us = now,
        .context_bytes = parent->context_bytes,
        .parent_id = {job->id, UUID_LENGTH},
        .seq = now,
    };
}

static bool publish_fork(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const struct fork_plan *plan = job->fork.plan;

    job->session = make_session(job, clock_next(&ops->state.clock));
    if (!publish_session(ops, job, err))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->streams[i].up_to > 0 && !publish_stream(ops, job, &plan->streams[i], err))
            return false;
    }
    job->created = true;
    ops->change.counts[STORE_FORKS]++;
    return publish_log(ops, &job->session, err);
}

/* --- The job --------------------------------------------------------------------------------- */

/* The size of a truncated stream is not known in advance, so it is estimated by the share of its
 * entries. */
static int64_t estimate_growth(const struct fork_plan *plan, int64_t bytes)
{
    double length = 0;
    double up_to = 0;

    for (size_t i = 0; i < plan->count; i++) {
        length += (double)plan->streams[i].length;
        up_to += (double)plan->streams[i].up_to;
    }
    return plan->parent.context_bytes +
           (length > 0 ? (int64_t)((double)bytes * (up_to / length)) : 0);
}

/* *small: the fork is copied in this transaction. */
static bool plan_fork(struct write_operations *ops, struct store_job *job, bool *small,
                      struct error *err)
{
    struct fork_plan *plan;
    int64_t bytes = 0;
    int64_t rows = 0;
    bool found;

    if (!write_find(ops, job, true, &found, err))
        return false;
    if (!found || job->error.kind != ERROR_NONE)
        return true;
    plan = job_arena_alloc(job, sizeof(*plan));
    *plan = (struct fork_plan){.parent = job->session};
    if (!find_streams(ops, job, plan, &bytes, err) ||
        (job->fork.has_at_seq && !truncate_plan(ops, job, plan, err)) ||
        (job->error.kind == ERROR_NONE &&
         !write_quota_admit(ops, job, estimate_growth(plan, bytes), err)))
        return false;
    for (size_t i = 0; i < plan->count; i++)
        rows += plan->streams[i].length + plan->streams[i].up_to;
    *small = rows <= INLINE_FORK_ROWS && bytes <= INLINE_FORK_BYTES;
    job->fork.plan = plan;
    return true;
}

/* Checks that the parent is still the session that was copied. */
static bool recheck_parent(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const struct fork_plan *plan = job->fork.plan;
    bool found;

    if (!write_find(ops, job, false, &found, err))
        return false;
    if (found && job->session.seq != plan->parent.seq)
        reject_deleted_parent(job);
    if (job->error.kind != ERROR_NONE || plan->count == 0)
        return true;
    return check_source(ops, job, plan->streams[0].source, err);
}

bool write_fork_is_deferred(const struct store_job *job)
{
    return job->operation == STORE_FORK && job->fork.plan != NULL && !job->created &&
           job->error.kind == ERROR_NONE;
}

bool write_fork(struct write_operations *ops, struct store_job *job, struct error *err)
{
    bool small = false;

    if (job->fork.plan == NULL) {
        if (!plan_fork(ops, job, &small, err))
            return false;
        if (job->error.kind != ERROR_NONE || !small)
            return true;
        if (!copy_until(ops, job, INT64_MAX, err))
            return false;
    } else if (!recheck_parent(ops, job, err)) {
        return false;
    }
    return job->error.kind != ERROR_NONE || publish_fork(ops, job, err);
}

bool write_fork_is_copied(const struct store_job *job)
{
    return job->fork.plan->at == job->fork.plan->count;
}

bool write_fork_copy(struct write_operations *ops, struct store_job *job, int64_t until_us,
                     struct error *err)
{
    const struct fork_plan *plan = job->fork.plan;

    if (!copy_until(ops, job, until_us, err))
        return false;
    for (size_t i = 0; i < plan->count && ops->state.copying_from == 0; i++)
        ops->state.copying_from = plan->streams[i].target;
    return true;
}

void write_fork_end(struct write_operations *ops)
{
    ops->state.copying_from = 0;
}
