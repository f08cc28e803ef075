#include "db/sqlite/write/idempotency.h"

#include "db/base/timestamp.h"
#include "db/runtime/job_arena.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/write/quota.h"

/* Limit of the keys that one pass removes, so that it does not delay other writes. */
#define EXPIRE_BATCH_KEYS 64

static struct slice column_blob(sqlite3_stmt *stmt, int column)
{
    const char *data = sqlite3_column_blob(stmt, column);

    return (struct slice){data == NULL ? "" : data, (size_t)sqlite3_column_bytes(stmt, column)};
}

static int64_t oldest_valid_us(const struct write_operations *ops)
{
    return timestamp_now_us() - ops->key_ttl_us;
}

static void replay_response(struct write_operations *ops, struct store_job *job, sqlite3_stmt *stmt)
{
    const struct slice digest = {(const char *)job->idempotency.digest, STORE_DIGEST_BYTES};

    if (!slice_equal(column_blob(stmt, 1), digest)) {
        error_set(&job->error, ERROR_KEY_REUSED, "Idempotency-Key",
                  "the key was used for another request; send a new key with a new request");
        return;
    }
    const struct slice response = column_blob(stmt, 2);
    if (!job_arena_admit(job, response.len))
        return;
    job->idempotency.replayed = true;
    job->idempotency.kept = job_arena_copy(job, response);
    ops->change.counts[STORE_REPLAYS]++;
}

static bool remove_key(struct write_operations *ops, struct slice key, struct error *err)
{
    column_bind_text(ops->statements.prepared[WRITE_KEY_REMOVE], 1, key);
    return write_run(&ops->statements, WRITE_KEY_REMOVE, "deleting an idempotency key", err);
}

bool write_idempotency_find(struct write_operations *ops, struct store_job *job, bool *known,
                            struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_KEY_FIND];
    bool ok;

    column_bind_text(stmt, 1, job->idempotency.key);
    if (!write_next_row(&ops->statements, WRITE_KEY_FIND, "finding an idempotency key", &ok, err))
        return ok;
    *known = sqlite3_column_int64(stmt, 0) >= oldest_valid_us(ops);
    if (*known)
        replay_response(ops, job, stmt);
    write_reset(&ops->statements, WRITE_KEY_FIND);
    return *known || remove_key(ops, job->idempotency.key, err);
}

bool write_idempotency_admit(struct write_operations *ops, struct store_job *job, struct error *err)
{
    return write_quota_admit(ops, job, (int64_t)job->idempotency.key.len + STORE_DIGEST_BYTES, err);
}

bool write_idempotency_store(struct write_operations *ops, struct store_job *job, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_KEY_STORE];
    const struct slice answer = job->idempotency.answer(job);

    sqlite3_bind_int64(stmt, 1, clock_next(&ops->state.clock));
    column_bind_text(stmt, 2, job->idempotency.key);
    sqlite3_bind_blob64(stmt, 3, job->idempotency.digest, STORE_DIGEST_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob64(stmt, 4, answer.data, answer.len, SQLITE_STATIC);
    return write_run(&ops->statements, WRITE_KEY_STORE, "storing an idempotency key", err);
}

bool write_idempotency_expire(struct write_operations *ops, bool *more, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_KEY_EXPIRE];

    sqlite3_bind_int64(stmt, 1, oldest_valid_us(ops));
    sqlite3_bind_int(stmt, 2, EXPIRE_BATCH_KEYS);
    if (!write_run(&ops->statements, WRITE_KEY_EXPIRE, "deleting expired idempotency keys", err))
        return false;
    *more = sqlite3_changes(ops->statements.db) == EXPIRE_BATCH_KEYS;
    return true;
}
