#include "db/sqlite/write/bulk.h"

#include "db/runtime/job_arena.h"
#include "db/sqlite/connection/column.h"

#include <stdlib.h>

/* A page ends before its texts exceed this size, but has at least one session. */
#define PAGE_BYTES ((size_t)1 << 20)

/* The same limit for a request with an idempotency key, whose response is stored. */
#define STORED_PAGE_BYTES ((size_t)64 << 10)

bool write_bulk_check_position(const struct write_operations *ops, struct store_job *job)
{
    const struct store_bulk_position *position = &job->bulk.place;

    return position->began_us <= ops->state.clock.last_us ||
           error_set(&job->error, ERROR_INVALID_QUERY, "cursor",
                     "cursor must be a next_cursor of this path");
}

static size_t get_limit(const struct bulk_rows *rows)
{
    const int limit = rows->job->bulk.limit;

    return limit == 0 ? STORE_BULK_MAX : (size_t)limit;
}

bool write_bulk_count_row(struct bulk_rows *rows)
{
    return ++rows->rows_read <= WRITE_BULK_ROWS;
}

bool write_bulk_add(struct bulk_rows *rows, sqlite3_stmt *stmt)
{
    struct store_job *job = rows->job;
    const bool moves = sqlite3_column_count(stmt) > 8;
    const size_t bytes = column_text(stmt, 2).len + column_text(stmt, 3).len +
                         column_text(stmt, 5).len + (moves ? column_text(stmt, 8).len : 0) +
                         UUID_LENGTH;

    const size_t max_bytes = job->idempotency.key.data == NULL ? PAGE_BYTES : STORED_PAGE_BYTES;
    if (rows->count == get_limit(rows) || (rows->count > 0 && rows->bytes + bytes > max_bytes))
        return false;
    if (rows->all == NULL)
        rows->all = job_arena_alloc(job, get_limit(rows) * sizeof(*rows->all));
    struct bulk_row *row = &rows->all[rows->count++];
    *row = (struct bulk_row){
        .session = {.seq = sqlite3_column_int64(stmt, 0),
                    .id = job_arena_copy(job, column_text(stmt, 1)),
                    .project_path = job_arena_copy(job, column_text(stmt, 2)),
                    .thread_id = job_arena_copy(job, column_text(stmt, 3)),
                    .version = column_count(stmt, 4),
                    .lease = {.owner = job_arena_copy(job, column_text(stmt, 5)),
                              .token = column_count(stmt, 6)}},
    };
    if (moves)
        row->destination = job_arena_copy(job, column_text(stmt, 8));
    rows->bytes += bytes;
    return true;
}

bool write_bulk_admit(const struct bulk_rows *rows)
{
    return job_arena_admit(
        rows->job, rows->bytes + rows->count * (sizeof(struct bulk_row) + sizeof(struct session)));
}

static int compare_seq(const void *left, const void *right)
{
    const struct session *a = left;
    const struct session *b = right;

    return (a->seq > b->seq) - (a->seq < b->seq);
}

void write_bulk_set_result(const struct bulk_rows *rows)
{
    struct store_job *job = rows->job;
    struct store_bulk *result = &job->bulk;

    result->changed_count = rows->count;
    if (rows->count == 0)
        return;
    result->changed = job_arena_alloc(job, rows->count * sizeof(*result->changed));
    for (size_t i = 0; i < rows->count; i++)
        result->changed[i] = rows->all[i].session;
    qsort(result->changed, rows->count, sizeof(*result->changed), compare_seq);
}
