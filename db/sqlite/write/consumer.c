#include "db/sqlite/write/consumer.h"

#include "db/sqlite/connection/column.h"
#include "db/sqlite/write/quota.h"

static bool find_consumer(struct write_operations *ops, const struct store_job *job, bool *found,
                          struct error *err)
{
    bool ok;

    column_bind_text(ops->statements.prepared[WRITE_CONSUMER_FIND], 1, job->consumer.name);
    *found = write_next_row(&ops->statements, WRITE_CONSUMER_FIND, "finding a consumer", &ok, err);
    if (*found)
        write_reset(&ops->statements, WRITE_CONSUMER_FIND);
    return ok;
}

/* Rejects the job when a new consumer exceeds a limit. */
static bool check_limits(struct write_operations *ops, struct store_job *job, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_CONSUMER_COUNT];
    bool ok;

    sqlite3_bind_int64(stmt, 1, ops->max_consumers);
    if (!write_next_row(&ops->statements, WRITE_CONSUMER_COUNT, "counting consumers", &ok, err))
        return ok;
    const int64_t count = sqlite3_column_int64(stmt, 0);
    write_reset(&ops->statements, WRITE_CONSUMER_COUNT);
    if (count < ops->max_consumers)
        return write_quota_admit(ops, job, (int64_t)job->consumer.name.len, err);
    ops->change.counts[STORE_QUOTA_REJECTED]++;
    error_set(&job->error, ERROR_DATABASE_FULL, NULL,
              "there are %lld consumers, which is the limit (--max-consumers); delete one that is "
              "not used any more, or raise the limit",
              (long long)count);
    return true;
}

bool write_consumer_put(struct write_operations *ops, struct store_job *job, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_CONSUMER_PUT];
    bool found;

    if (!find_consumer(ops, job, &found, err))
        return false;
    if (!found && !check_limits(ops, job, err))
        return false;
    if (job->error.kind != ERROR_NONE)
        return true;
    job->created = !found;
    job->consumer.updated_us = clock_next(&ops->state.clock);
    column_bind_text(stmt, 1, job->consumer.name);
    sqlite3_bind_int64(stmt, 2, job->consumer.after);
    sqlite3_bind_int64(stmt, 3, job->consumer.updated_us);
    return write_run(&ops->statements, WRITE_CONSUMER_PUT, "storing a consumer offset", err);
}

bool write_consumer_remove(struct write_operations *ops, struct store_job *job, struct error *err)
{
    const struct slice name = job->consumer.name;
    bool found;

    if (!find_consumer(ops, job, &found, err))
        return false;
    if (!found) {
        error_set(&job->error, ERROR_NOT_FOUND, NULL, "no consumer has the name %.*s",
                  (int)name.len, name.data);
        return true;
    }
    column_bind_text(ops->statements.prepared[WRITE_CONSUMER_REMOVE], 1, name);
    return write_run(&ops->statements, WRITE_CONSUMER_REMOVE, "deleting a consumer", err);
}
