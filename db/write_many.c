/* Many sessions in one transaction: recovery after a crash, moves of a folder. */

#include "db/column.h"
#include "db/job_memory.h"
#include "db/write_event.h"

#include <stdlib.h>

/* A session that is to be changed; its texts are in the job's memory. */
struct row {
    struct session session;
    struct slice destination; /* RELOCATE: its project_path afterwards */
};

struct rows {
    struct row *all;
    size_t count;
    size_t capacity;
};

/* Takes the row on which `stmt` stands: MANY_COLUMNS and, for a move, where to. */
static void add_row(struct rows *rows, struct store_job *job, sqlite3_stmt *stmt)
{
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity == 0 ? 16 : 2 * rows->capacity;
        rows->all = reallocarray(rows->all, rows->capacity, sizeof(*rows->all));
        if (rows->all == NULL)
            abort();
    }
    struct row *row = &rows->all[rows->count++];
    *row = (struct row){
        .session = {.seq = sqlite3_column_int64(stmt, 0),
                    .id = job_memory_keep(job, column_text(stmt, 1)),
                    .project_path = job_memory_keep(job, column_text(stmt, 2)),
                    .thread_id = job_memory_keep(job, column_text(stmt, 3)),
                    .version = sqlite3_column_int64(stmt, 4),
                    .lease = {.owner = job_memory_keep(job, column_text(stmt, 5)),
                              .token = sqlite3_column_int64(stmt, 6)}},
    };
    if (sqlite3_column_count(stmt) > 7)
        row->destination = job_memory_keep(job, column_text(stmt, 7));
}

/* Runs a bound statement that finds rows, oldest first, before any of them is changed. */
static bool take_rows(struct write_operations *ops, struct store_job *job,
                      enum write_statement which, struct rows *rows, struct error *err)
{
    bool ok;

    while (write_next_row(&ops->statements, which, "finding sessions", &ok, err))
        add_row(rows, job, ops->statements.prepared[which]);
    return ok;
}

/* Puts the sessions into the job's answer, as they are now. */
static void tell(struct store_job *job, const struct rows *rows)
{
    if (rows->count > 0)
        job->changed = job_memory(job, rows->count * sizeof(*job->changed));
    for (size_t i = 0; i < rows->count; i++)
        job->changed[i] = rows->all[i].session;
    job->changed_count = rows->count;
}

static bool recover_row(struct write_operations *ops, const struct store_job *job,
                        struct session *session, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_RECOVER];
    const struct session_lease lease = session->lease;

    session->version++;
    session->updated_us = clock_next(&ops->state.clock);
    sqlite3_bind_int64(stmt, 1, session->seq);
    write_bind_time(stmt, 2, session->updated_us);
    write_bind_time(stmt, 3, job->session.recovered_us);
    if (!write_run(&ops->statements, WRITE_RECOVER, "recovering a session", err))
        return false;
    struct store_event event = write_event_of(session, EVENT_SESSION_RECOVERED);
    write_event_status(&event, SESSION_ACTIVE, SESSION_PAUSED);
    event.lease_owner = lease.owner;
    event.lease_token = lease.owner.data == NULL ? 0 : lease.token;
    return write_event(ops, &event, err);
}

bool write_recover(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const bool all = job->owner.data == NULL;
    const enum write_statement which = all ? WRITE_UNLEASED : WRITE_OWNED;
    struct rows rows = {0};

    if (!all)
        write_bind_text(ops->statements.prepared[which], 1, job->owner);
    job->session.recovered_us = clock_next(&ops->state.clock);
    bool ok = take_rows(ops, job, which, &rows, err);
    for (size_t i = 0; i < rows.count && ok; i++)
        ok = recover_row(ops, job, &rows.all[i].session, err);
    if (ok) {
        tell(job, &rows);
        ops->change.sessions[SESSION_ACTIVE] -= (int64_t)rows.count;
        ops->change.sessions[SESSION_PAUSED] += (int64_t)rows.count;
        ops->change.counts[STORE_SESSIONS_RECOVERED] += (int64_t)rows.count;
    }
    free(rows.all);
    return ok;
}

/* The root is written `/`, but what is below it begins with one slash, not two. */
static struct slice without_last_slashes(struct slice path)
{
    while (path.len > 0 && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

static bool fits(struct store_job *job, const struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->all[i].destination.len > job->max_path_bytes)
            return error_set(&job->error, ERROR_INVALID_PAYLOAD, "/to",
                             "the project_path of session %.36s would be longer than %zu bytes",
                             rows->all[i].session.id.data, job->max_path_bytes);
    }
    return true;
}

static bool move_row(struct write_operations *ops, struct row *row, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_RELOCATE];
    struct session *session = &row->session;
    const struct slice from = session->project_path;

    session->version++;
    session->updated_us = clock_next(&ops->state.clock);
    session->project_path = row->destination;
    sqlite3_bind_int64(stmt, 1, session->seq);
    write_bind_time(stmt, 2, session->updated_us);
    write_bind_text(stmt, 3, session->project_path);
    if (!write_run(&ops->statements, WRITE_RELOCATE, "moving a session", err))
        return false;
    struct store_event event = write_event_of(session, EVENT_SESSION_RELOCATED);
    event.from = from;
    return write_event(ops, &event, err);
}

bool write_relocate(struct write_operations *ops, struct store_job *job, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_RELOCATION];
    struct rows rows = {0};

    write_bind_text(stmt, 1, without_last_slashes(job->project_path));
    write_bind_text(stmt, 2, without_last_slashes(job->destination));
    bool ok = take_rows(ops, job, WRITE_RELOCATION, &rows, err);
    if (ok && fits(job, &rows)) {
        for (size_t i = 0; i < rows.count && ok; i++) {
            if (job->dry_run)
                rows.all[i].session.project_path = rows.all[i].destination;
            else
                ok = move_row(ops, &rows.all[i], err);
        }
    }
    if (ok)
        tell(job, &rows);
    free(rows.all);
    return ok;
}
