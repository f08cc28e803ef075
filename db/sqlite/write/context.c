#include "db/sqlite/write/context.h"

#include "db/runtime/job_arena.h"
#include "db/sqlite/connection/column.h"

void write_count_status(struct write_operations *ops, enum session_status from,
                        enum session_status to)
{
    ops->change.sessions[from]--;
    ops->change.sessions[to]++;
}

/* Copies the row into the job's arena, so that it outlives the statement. */
static void copy_row(struct store_job *job, const struct session *found)
{
    struct session *copy = &job->session;

    *copy = *found;
    copy->id = job_arena_copy(job, found->id);
    copy->project_path = job_arena_copy(job, found->project_path);
    copy->thread_id = job_arena_copy(job, found->thread_id);
    copy->context = job_arena_copy(job, found->context);
    copy->parent_id = job_arena_copy(job, found->parent_id);
    copy->lease.owner = job_arena_copy(job, found->lease.owner);
}

bool write_find_by_id(struct write_operations *ops, struct store_job *job, const char *id,
                      bool with_context, bool *found, struct error *err)
{
    const enum write_statement which = with_context ? WRITE_FIND_WITH_CONTEXT : WRITE_FIND;
    sqlite3_stmt *stmt = ops->statements.prepared[which];
    struct session_row row;
    bool ok;

    column_bind_text(stmt, 1, (struct slice){id, UUID_LENGTH});
    *found = write_next_row(&ops->statements, which, "finding a session", &ok, err);
    if (!*found) {
        error_set(&job->error, ERROR_NOT_FOUND, NULL, "no session has the id %s", id);
        return ok;
    }
    ok = session_row_read(stmt, with_context ? ops->fix_context : NULL, &row, err);
    if (ok) {
        if (job_arena_admit(job, row.session.context.len))
            copy_row(job, &row.session);
        session_row_release(&row);
    }
    write_reset(&ops->statements, which);
    return ok;
}

bool write_find(struct write_operations *ops, struct store_job *job, bool with_context, bool *found,
                struct error *err)
{
    return write_find_by_id(ops, job, job->id, with_context, found, err);
}
