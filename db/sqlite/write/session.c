/* The operations on one session: create, put, update, delete. */

#include "db/runtime/job_arena.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/read/list_query.h"
#include "db/sqlite/write/event.h"
#include "db/sqlite/write/lease.h"
#include "db/sqlite/write/operations.h"
#include "db/sqlite/write/quota.h"

/* Limit of the steps of a get-or-create in one turn, which takes about a millisecond. */
#define EXISTING_STEPS 500

static bool is_rejected(const struct store_job *job)
{
    return job->error.kind != ERROR_NONE;
}

static bool write_session_event(struct write_operations *ops, const struct store_job *job,
                                enum store_event_type type, struct error *err)
{
    const struct store_event event = write_event_make(&job->session, type);

    return write_event(ops, &event, err);
}

bool write_insert_session(struct write_operations *ops, const struct session *session,
                          struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_INSERT];

    sqlite3_bind_int64(stmt, 1, session->seq);
    column_bind_text(stmt, 2, session->id);
    column_bind_text(stmt, 3, session->project_path);
    column_bind_text(stmt, 4, session->thread_id);
    column_bind_text(stmt, 5, slice_from(session_status_name(session->status)));
    column_bind_time(stmt, 6, session->created_us);
    if (session->updated_us != session->created_us)
        column_bind_time(stmt, 7, session->updated_us);
    sqlite3_bind_int64(stmt, 8, session->version);
    sqlite3_bind_int64(stmt, 9, session->context_bytes);
    if (session->recovered_us != 0)
        column_bind_time(stmt, 10, session->recovered_us);
    if (session->lease.token != 0)
        sqlite3_bind_int64(stmt, 11, session->lease.token);
    column_bind_text(stmt, 12, session->context);
    if (!write_run(&ops->statements, WRITE_INSERT, "inserting a session", err))
        return false;
    search_index_record(&ops->search, search_context_document(session->seq), session->context,
                        true);
    ops->change.sessions[session->status]++;
    return true;
}

static bool insert_session(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const size_t bytes = job->project_path.len + job->thread_id.len + job->context.len;

    if (!write_quota_admit(ops, job, (int64_t)bytes, err))
        return false;
    if (is_rejected(job))
        return true;
    const int64_t now = clock_next(&ops->state.clock);
    job->session = (struct session){
        .id = {job->id, UUID_LENGTH},
        .project_path = job->project_path,
        .thread_id = job->thread_id,
        .context = job->context,
        .status = SESSION_CREATED,
        .version = 1,
        .created_us = now,
        .updated_us = now,
        .context_bytes = (int64_t)job->context.len,
        .seq = now,
    };
    if (!write_insert_session(ops, &job->session, err))
        return false;
    job->created = true;
    return write_session_event(ops, job, EVENT_SESSION_CREATED, err);
}

enum search_result { SEARCH_FOUND, SEARCH_NONE, SEARCH_CUT };

/* Searches for the newest session with this path and thread that is not TERMINATED, from
 * search->after down to search->floor. SEARCH_CUT: the turn has used up its steps. */
static bool search_existing(struct write_operations *ops, struct store_job *job, char id[UUID_SIZE],
                            enum search_result *result, struct error *err)
{
    struct store_list_query query = list_query_existing(job->project_path, job->thread_id);
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_FIND_EXISTING];
    struct store_existing *search = &job->existing;
    bool is_valid = true;
    bool ok;

    query.after = search->after;
    query.steps = EXISTING_STEPS;
    list_query_bind(stmt, &query);
    *result = SEARCH_NONE;
    if (!write_next_row(&ops->statements, WRITE_FIND_EXISTING, "finding a session", &ok, err))
        return ok;
    if (sqlite3_column_int64(stmt, 0) > search->floor) {
        const struct slice found = column_text(stmt, 1);
        *result = list_query_is_truncated(stmt, &query, &search->after) ? SEARCH_CUT : SEARCH_FOUND;
        is_valid = *result == SEARCH_CUT || found.len == UUID_LENGTH;
        if (*result == SEARCH_FOUND && is_valid)
            memcpy(id, found.data, UUID_LENGTH);
    }
    write_reset(&ops->statements, WRITE_FIND_EXISTING);
    return is_valid || error_set(err, ERROR_INTERNAL, NULL, "the id of a session is not a UUID");
}

/* The search may take several turns, with other writes between them. So after a pass of several
 * turns, a further pass covers the sessions that were created since. If a relocation or an import
 * may have given an older session this path and thread, the search starts again. */
static bool find_existing(struct write_operations *ops, struct store_job *job, bool *found,
                          struct error *err)
{
    struct store_existing *search = &job->existing;
    enum search_result result = SEARCH_NONE;
    char id[UUID_SIZE] = "";
    bool is_full_pass = false;

    if (search->changes != ops->state.pair_changes)
        *search = (struct store_existing){.changes = ops->state.pair_changes};
    while (result == SEARCH_NONE && !is_full_pass) {
        is_full_pass = search->after == 0;
        if (is_full_pass)
            search->newest = ops->state.clock.last_us;
        if (!search_existing(ops, job, id, &result, err))
            return false;
        if (result == SEARCH_NONE && !is_full_pass) {
            search->floor = search->newest;
            search->after = 0;
        }
    }
    search->is_deferred = result == SEARCH_CUT;
    return result != SEARCH_FOUND || write_find_by_id(ops, job, id, true, found, err);
}

bool write_create(struct write_operations *ops, struct store_job *job, struct error *err)
{
    bool found = false;

    if (job->or_existing && !find_existing(ops, job, &found, err))
        return false;
    return found || job->existing.is_deferred || insert_session(ops, job, err);
}

/* The conditions of RFC 9110 §13.1 on an existing session. */
static bool check_preconditions(struct store_job *job)
{
    const int64_t version = job->session.version;

    if (job->match.present && !store_match_names(&job->match, version))
        return error_set(&job->error, ERROR_PRECONDITION_FAILED, "If-Match",
                         "the session has version %lld; read it again and retry with its ETag",
                         (long long)version);
    if (job->none_match.present && store_match_names(&job->none_match, version))
        return error_set(&job->error, ERROR_PRECONDITION_FAILED, "If-None-Match",
                         "the session exists with version %lld", (long long)version);
    return true;
}

bool write_put(struct write_operations *ops, struct store_job *job, struct error *err)
{
    bool found;

    if (!write_find(ops, job, true, &found, err))
        return false;
    if (!found) {
        if (job->match.present) {
            error_set(&job->error, ERROR_PRECONDITION_FAILED, "If-Match",
                      "the session does not exist");
            return true;
        }
        job->error = (struct error){0};
        return insert_session(ops, job, err);
    }
    if (is_rejected(job) || !check_preconditions(job))
        return true;
    if (!slice_equal(job->session.project_path, job->project_path) ||
        !slice_equal(job->session.thread_id, job->thread_id))
        error_set(&job->error, ERROR_SESSION_EXISTS, NULL,
                  "the session %s exists with another project_path or thread_id", job->id);
    return true;
}

/* Rejects the job when the stored session does not allow the change. */
static bool check_change(struct write_operations *ops, struct store_job *job)
{
    const struct session *stored = &job->session;

    if (!write_lease_check_fence(ops, job))
        return false;
    if (!check_preconditions(job))
        return false;
    if (job->has_expected && stored->status != job->expected)
        return error_set(&job->error, ERROR_STATUS_MISMATCH, "/from",
                         "the session has status %s, not %s", session_status_name(stored->status),
                         session_status_name(job->expected));
    if (job->has_status && !session_may_become(stored->status, job->status))
        return error_set(&job->error, ERROR_INVALID_TRANSITION, "/status",
                         "a session with status %s cannot become %s",
                         session_status_name(stored->status), session_status_name(job->status));
    return true;
}

/* Counts the new status. A terminated session has no owner, so its lease ends. */
static bool apply_status(struct write_operations *ops, struct store_job *job, struct error *err)
{
    struct session *session = &job->session;

    if (!job->has_status)
        return true;
    write_count_status(ops, session->status, job->status);
    session->status = job->status;
    return job->status != SESSION_TERMINATED || write_lease_clear(ops, session, err);
}

/* Writes one event for the change of the status, the context or both. */
static bool write_update_event(struct write_operations *ops, const struct store_job *job,
                               enum session_status from, bool context_changed, struct error *err)
{
    const struct session *session = &job->session;
    const bool has_transitioned = session->status != from;
    struct store_event event = write_event_make(
        session, has_transitioned ? EVENT_SESSION_TRANSITIONED : EVENT_SESSION_UPDATED);

    write_event_status(&event, from, session->status);
    event.context_changed = context_changed;
    return write_event(ops, &event, err);
}

static bool write_row(struct write_operations *ops, struct store_job *job, struct slice context,
                      struct error *err)
{
    const bool has_context = context.data != NULL;
    const enum write_statement which = !has_context      ? WRITE_STATUS
                                       : job->has_status ? WRITE_STATUS_AND_CONTEXT
                                                         : WRITE_CONTEXT;
    sqlite3_stmt *stmt = ops->statements.prepared[which];
    struct session *session = &job->session;
    const enum session_status from = session->status;
    const int64_t now = clock_next(&ops->state.clock);

    sqlite3_bind_int64(stmt, 1, session->seq);
    column_bind_time(stmt, 2, now);
    if (job->has_status)
        column_bind_text(stmt, 3, slice_from(session_status_name(job->status)));
    if (has_context) {
        sqlite3_bind_int64(stmt, 4, (int64_t)context.len);
        column_bind_text(stmt, 5, context);
    }
    if (!write_run(&ops->statements, which, "updating a session", err))
        return false;

    session->version++;
    session->updated_us = now;
    if (has_context) {
        search_index_record(&ops->search, search_context_document(session->seq), context, false);
        session->context = context;
        session->context_bytes = (int64_t)context.len;
    }
    return apply_status(ops, job, err) && write_update_event(ops, job, from, has_context, err);
}

bool write_update(struct write_operations *ops, struct store_job *job, struct error *err)
{
    struct slice context = job->context;
    const bool reads_context = job->edit != NULL || context.data == NULL;
    bool found;

    if (!write_find(ops, job, reads_context, &found, err))
        return false;
    if (!found || is_rejected(job) || !check_change(ops, job))
        return true;
    if (job->edit != NULL) {
        size_t len = 0;
        if (!job->edit(job->edit_arg, job->session.context, &job->edited, &len, &job->error))
            return true;
        context = (struct slice){job->edited, len};
    }
    if (context.data == NULL && !job->has_status)
        return true;
    if (context.data != NULL &&
        !write_quota_admit(ops, job, (int64_t)context.len - job->session.context_bytes, err))
        return false;
    return is_rejected(job) || write_row(ops, job, context, err);
}

bool write_delete_session(struct write_operations *ops, const struct session *session,
                          struct error *err)
{
    sqlite3_bind_int64(ops->statements.prepared[WRITE_REMOVE], 1, session->seq);
    if (!write_run(&ops->statements, WRITE_REMOVE, "deleting a session", err))
        return false;
    ops->change.sessions[session->status]--;
    struct store_event event = write_event_make(session, EVENT_SESSION_DELETED);
    event.id = clock_next(&ops->state.clock);
    return write_event(ops, &event, err);
}

bool write_delete(struct write_operations *ops, struct store_job *job, struct error *err)
{
    bool found;

    if (!write_find(ops, job, false, &found, err))
        return false;
    if (!found || !check_change(ops, job))
        return true;
    return write_delete_session(ops, &job->session, err);
}
