/* Many sessions in one statement: recovery after a crash, moves of a folder. */

#include "db/column.h"
#include "db/job_memory.h"
#include "db/write_operations.h"

#include <stdlib.h>

/* The changed sessions while their number is not known; ids and paths are in the job's memory. */
struct changed {
    struct session *sessions;
    size_t count;
    size_t capacity;
};

/* Takes the row on which `stmt` stands: seq, id, project_path. */
static void add_row(struct changed *changed, struct store_job *job, sqlite3_stmt *stmt)
{
    if (changed->count == changed->capacity) {
        changed->capacity = changed->capacity == 0 ? 16 : 2 * changed->capacity;
        changed->sessions =
            reallocarray(changed->sessions, changed->capacity, sizeof(*changed->sessions));
        if (changed->sessions == NULL)
            abort();
    }
    changed->sessions[changed->count++] = (struct session){
        .seq = sqlite3_column_int64(stmt, 0),
        .id = job_memory_keep(job, column_text(stmt, 1)),
        .project_path = job_memory_keep(job, column_text(stmt, 2)),
    };
}

static int compare_seq(const void *left, const void *right)
{
    const struct session *a = left;
    const struct session *b = right;

    return (a->seq > b->seq) - (a->seq < b->seq);
}

/* Runs a bound statement that returns rows, and puts these into the job, oldest first. */
static bool run_and_take(struct write_operations *ops, struct store_job *job,
                         enum write_statement which, const char *doing, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[which];
    struct changed changed = {0};
    bool ok;

    while (write_next_row(&ops->statements, which, doing, &ok, err))
        add_row(&changed, job, stmt);
    if (changed.count > 0) {
        qsort(changed.sessions, changed.count, sizeof(*changed.sessions), compare_seq);
        job->changed = job_memory(job, changed.count * sizeof(*changed.sessions));
        memcpy(job->changed, changed.sessions, changed.count * sizeof(*changed.sessions));
    }
    job->changed_count = changed.count;
    free(changed.sessions);
    return ok;
}

bool write_recover(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const bool all = job->owner.data == NULL;
    const enum write_statement which = all ? WRITE_RECOVER_UNLEASED : WRITE_RECOVER_OWNED;
    sqlite3_stmt *stmt = ops->statements.prepared[which];

    job->session.recovered_us = clock_next(&ops->clock);
    write_bind_time(stmt, 1, job->session.recovered_us);
    if (!all)
        write_bind_text(stmt, 2, job->owner);
    if (!run_and_take(ops, job, which, "recovering sessions", err))
        return false;
    ops->change.sessions[SESSION_ACTIVE] -= (int64_t)job->changed_count;
    ops->change.sessions[SESSION_PAUSED] += (int64_t)job->changed_count;
    ops->change.counts[STORE_SESSIONS_RECOVERED] += (int64_t)job->changed_count;
    return true;
}

/* The root is written `/`, but what is below it begins with one slash, not two. */
static struct slice without_last_slashes(struct slice path)
{
    while (path.len > 0 && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

static void bind_move(sqlite3_stmt *stmt, const struct store_job *job)
{
    write_bind_text(stmt, 1, without_last_slashes(job->project_path));
    write_bind_text(stmt, 2, without_last_slashes(job->destination));
}

static bool fits(struct store_job *job)
{
    for (size_t i = 0; i < job->changed_count; i++) {
        if (job->changed[i].project_path.len > job->max_path_bytes)
            return error_set(&job->error, ERROR_INVALID_PAYLOAD, "/to",
                             "the project_path of session %.36s would be longer than %zu bytes",
                             job->changed[i].id.data, job->max_path_bytes);
    }
    return true;
}

bool write_relocate(struct write_operations *ops, struct store_job *job, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_RELOCATE];

    bind_move(ops->statements.prepared[WRITE_RELOCATION], job);
    if (!run_and_take(ops, job, WRITE_RELOCATION, "finding what moves", err))
        return false;
    if (!fits(job) || job->dry_run || job->changed_count == 0)
        return true;
    bind_move(stmt, job);
    write_bind_time(stmt, 3, clock_next(&ops->clock));
    return write_run(&ops->statements, WRITE_RELOCATE, "moving sessions", err);
}
