#include "db/write_operations.h"

#include "db/connection.h"
#include "db/timestamp.h"
#include "db/translate.h"

#include <stdio.h>
#include <stdlib.h>

#define STORED_TIME_LENGTH (TIMESTAMP_LENGTH + 6)

static const char *const statement_texts[WRITE_STATEMENT_COUNT] = {
    [WRITE_INSERT] = "INSERT INTO sessions (seq, id, project_path, thread_id, status, created_at,"
                     " updated_at, context_bytes, context)"
                     " VALUES (?1, ?2, ?3, ?4, 'CREATED', ?5, ?5, ?6, ?7)",
    [WRITE_FIND] = "SELECT " SESSION_COLUMNS " FROM sessions WHERE id = ?1",
    [WRITE_FIND_WITH_CONTEXT] =
        "SELECT " SESSION_COLUMNS_WITH_CONTEXT " FROM sessions WHERE id = ?1",
    [WRITE_STATUS] = "UPDATE sessions SET version = version + 1, updated_at = ?2, status = ?3"
                     " WHERE seq = ?1",
    [WRITE_CONTEXT] = "UPDATE sessions SET version = version + 1, updated_at = ?2,"
                      " context_bytes = ?4, context = ?5 WHERE seq = ?1",
    [WRITE_STATUS_AND_CONTEXT] =
        "UPDATE sessions SET version = version + 1, updated_at = ?2, status = ?3,"
        " context_bytes = ?4, context = ?5 WHERE seq = ?1",
    [WRITE_REMOVE] = "DELETE FROM sessions WHERE seq = ?1",
};

bool write_operations_init(struct write_operations *ops, sqlite3 *db, session_adopter adopt,
                           struct error *err)
{
    *ops = (struct write_operations){.db = db, .adopt = adopt};
    for (int i = 0; i < WRITE_STATEMENT_COUNT; i++) {
        if (!connection_prepare(db, statement_texts[i], &ops->statements[i], err))
            return false;
    }
    return clock_init(&ops->clock, db, err);
}

static void bind_text(sqlite3_stmt *stmt, int parameter, struct slice text)
{
    sqlite3_bind_text64(stmt, parameter, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_time(sqlite3_stmt *stmt, int parameter, int64_t us)
{
    char text[STORED_TIME_LENGTH];

    timestamp_format(us, text);
    memcpy(text + TIMESTAMP_LENGTH, "+00:00", 6);
    sqlite3_bind_text(stmt, parameter, text, STORED_TIME_LENGTH, SQLITE_TRANSIENT);
}

/* Steps a statement that returns no row, and always resets it. */
static bool run(struct write_operations *ops, enum write_statement which, const char *doing,
                struct error *err)
{
    sqlite3_stmt *stmt = ops->statements[which];
    const bool done = sqlite3_step(stmt) == SQLITE_DONE;

    if (!done)
        translate_failure(ops->db, doing, err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return done;
}

/* Copies what a found row shows into memory of the job, so that it outlives the statement. */
static void keep_row(struct store_job *job, const struct session *found)
{
    const struct slice parts[] = {found->id, found->project_path, found->thread_id, found->context};
    struct slice *kept[] = {&job->session.id, &job->session.project_path, &job->session.thread_id,
                            &job->session.context};
    size_t size = 1;

    for (size_t i = 0; i < 4; i++)
        size += parts[i].len;
    job->session = *found;
    job->memory = malloc(size);
    if (job->memory == NULL)
        abort();
    char *at = job->memory;
    for (size_t i = 0; i < 4; i++) {
        if (parts[i].data == NULL)
            continue;
        memcpy(at, parts[i].data, parts[i].len);
        *kept[i] = (struct slice){at, parts[i].len};
        at += parts[i].len;
    }
}

/* Finds the job's session and keeps it. *found tells whether there is one. */
static bool find(struct write_operations *ops, struct store_job *job, bool with_context,
                 bool *found, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements[with_context ? WRITE_FIND_WITH_CONTEXT : WRITE_FIND];
    struct session_row row;
    bool ok = false;

    bind_text(stmt, 1, (struct slice){job->id, ID_LENGTH});
    const int result = sqlite3_step(stmt);
    *found = result == SQLITE_ROW;
    if (result == SQLITE_DONE) {
        ok = true;
    } else if (result != SQLITE_ROW) {
        translate_failure(ops->db, "finding a session", err);
    } else if (session_row_read(stmt, with_context ? ops->adopt : NULL, &row, err)) {
        keep_row(job, &row.session);
        session_row_release(&row);
        ok = true;
    }
    sqlite3_reset(stmt);
    return ok;
}

static bool not_found(struct store_job *job)
{
    error_set(&job->error, ERROR_NOT_FOUND, NULL, "there is no session with the id %s", job->id);
    return true;
}

static bool create(struct write_operations *ops, struct store_job *job, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements[WRITE_INSERT];
    const int64_t now = clock_next(&ops->clock);

    sqlite3_bind_int64(stmt, 1, now);
    bind_text(stmt, 2, (struct slice){job->id, ID_LENGTH});
    bind_text(stmt, 3, job->project_path);
    bind_text(stmt, 4, job->thread_id);
    bind_time(stmt, 5, now);
    sqlite3_bind_int64(stmt, 6, (int64_t)job->context.len);
    bind_text(stmt, 7, job->context);
    if (!run(ops, WRITE_INSERT, "inserting a session", err))
        return false;

    job->created = true;
    job->session = (struct session){
        .id = {job->id, ID_LENGTH},
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
    ops->sessions[SESSION_CREATED]++;
    return true;
}

static bool put(struct write_operations *ops, struct store_job *job, struct error *err)
{
    bool found;

    if (!find(ops, job, true, &found, err))
        return false;
    if (!found)
        return create(ops, job, err);
    if (!slice_equal(job->session.project_path, job->project_path) ||
        !slice_equal(job->session.thread_id, job->thread_id))
        error_set(&job->error, ERROR_SESSION_EXISTS, NULL,
                  "the id %s belongs to a session of another project_path or thread_id", job->id);
    return true;
}

static bool matches(const struct store_match *match, int64_t version)
{
    if (!match->present || match->any)
        return true;
    for (size_t i = 0; i < match->count; i++) {
        if (match->versions[i] == version)
            return true;
    }
    return false;
}

/* What is stored must allow what is asked. */
static bool allowed(struct store_job *job)
{
    const struct session *stored = &job->session;

    if (!matches(&job->match, stored->version))
        return error_set(&job->error, ERROR_PRECONDITION_FAILED, "If-Match",
                         "the session is at version %lld: read it again and retry with its ETag",
                         (long long)stored->version);
    if (job->has_status && !session_may_become(stored->status, job->status))
        return error_set(&job->error, ERROR_INVALID_TRANSITION, "/status",
                         "a session that is %s cannot become %s",
                         session_status_name(stored->status), session_status_name(job->status));
    return true;
}

static bool write_row(struct write_operations *ops, struct store_job *job, struct slice context,
                      struct error *err)
{
    const bool has_context = context.data != NULL;
    const enum write_statement which = !has_context      ? WRITE_STATUS
                                       : job->has_status ? WRITE_STATUS_AND_CONTEXT
                                                         : WRITE_CONTEXT;
    sqlite3_stmt *stmt = ops->statements[which];
    struct session *session = &job->session;
    const int64_t now = clock_next(&ops->clock);

    sqlite3_bind_int64(stmt, 1, session->seq);
    bind_time(stmt, 2, now);
    if (job->has_status) {
        bind_text(stmt, 3, slice_from(session_status_name(job->status)));
    }
    if (has_context) {
        sqlite3_bind_int64(stmt, 4, (int64_t)context.len);
        bind_text(stmt, 5, context);
    }
    if (!run(ops, which, "updating a session", err))
        return false;

    session->version++;
    session->updated_us = now;
    if (has_context) {
        session->context = context;
        session->context_bytes = (int64_t)context.len;
    }
    if (job->has_status) {
        ops->sessions[session->status]--;
        ops->sessions[job->status]++;
        session->status = job->status;
    }
    return true;
}

static bool update(struct write_operations *ops, struct store_job *job, struct error *err)
{
    struct slice context = job->context;
    const bool reads_context = job->edit != NULL || context.data == NULL;
    bool found;

    if (!find(ops, job, reads_context, &found, err))
        return false;
    if (!found)
        return not_found(job);
    if (!allowed(job))
        return true;
    if (job->edit != NULL) {
        size_t len = 0;
        if (!job->edit(job->edit_arg, job->session.context, &job->edited, &len, &job->error))
            return true;
        context = (struct slice){job->edited, len};
    }
    if (context.data == NULL && !job->has_status)
        return true;
    return write_row(ops, job, context, err);
}

static bool remove_session(struct write_operations *ops, struct store_job *job, struct error *err)
{
    bool found;

    if (!find(ops, job, false, &found, err))
        return false;
    if (!found)
        return not_found(job);
    if (!allowed(job))
        return true;
    sqlite3_bind_int64(ops->statements[WRITE_REMOVE], 1, job->session.seq);
    if (!run(ops, WRITE_REMOVE, "deleting a session", err))
        return false;
    ops->sessions[job->session.status]--;
    return true;
}

bool write_operations_apply(struct write_operations *ops, struct store_job *job, struct error *err)
{
    switch (job->operation) {
    case STORE_CREATE:
        return create(ops, job, err);
    case STORE_PUT:
        return put(ops, job, err);
    case STORE_UPDATE:
        return update(ops, job, err);
    case STORE_DELETE:
        return remove_session(ops, job, err);
    case STORE_PROBE:
        clock_next(&ops->clock); /* an UPDATE to the same value would write nothing */
        return clock_reserve(&ops->clock, ops->db, true, err);
    case STORE_LIST:
    case STORE_BACKUP:
        break;
    }
    return error_set(err, ERROR_INTERNAL, NULL, "this is no write");
}
