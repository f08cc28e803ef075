#include "db/sqlite/write/quota.h"

#include "db/sqlite/connection/connection.h"

#include <stdio.h>

/* Nearly full: at least four fifths of the limit. It ends a hundredth of the limit lower, so that a
 * size that varies around the threshold is reported once. */
static int64_t warn_bytes(const struct database_size *size)
{
    return size->max_bytes - size->max_bytes / 5;
}

static int64_t recovered_bytes(const struct database_size *size)
{
    return warn_bytes(size) - size->max_bytes / 100;
}

bool write_quota_init(struct write_operations *ops, struct error *err)
{
    int64_t mode;

    if (!connection_integer(ops->statements.db, "PRAGMA auto_vacuum", &mode, err) ||
        !connection_integer(ops->statements.db, "PRAGMA page_size", &ops->state.size.page_bytes,
                            err))
        return false;
    ops->state.size.shrinks = mode == 2;
    return write_quota_measure(ops, err);
}

static bool read_number(struct write_operations *ops, enum write_statement which, int64_t *out,
                        struct error *err)
{
    bool ok;

    if (!write_next_row(&ops->statements, which, "measuring the database", &ok, err))
        return ok;
    *out = sqlite3_column_int64(ops->statements.prepared[which], 0);
    write_reset(&ops->statements, which);
    return true;
}

bool write_quota_measure(struct write_operations *ops, struct error *err)
{
    struct database_size *size = &ops->state.size;
    int64_t pages = 0;

    if (!read_number(ops, WRITE_PAGE_COUNT, &pages, err) ||
        !read_number(ops, WRITE_FREE_PAGES, &size->free_pages, err))
        return false;
    size->used_bytes = (pages - size->free_pages) * size->page_bytes;
    return true;
}

bool write_quota_admit(struct write_operations *ops, struct store_job *job, int64_t growth_bytes,
                       struct error *err)
{
    const struct database_size *size = &ops->state.size;

    if (size->max_bytes == 0 || growth_bytes <= 0)
        return true;
    if (!write_quota_measure(ops, err))
        return false;
    if (size->used_bytes <= size->max_bytes - growth_bytes)
        return true;
    ops->change.counts[STORE_QUOTA_REJECTED]++;
    error_set(&job->error, ERROR_DATABASE_FULL, NULL,
              "%lld more bytes do not fit; the database stores %lld bytes of --max-db-size (%lld); "
              "delete "
              "or purge sessions, or raise the limit",
              (long long)growth_bytes, (long long)size->used_bytes, (long long)size->max_bytes);
    return true;
}

bool write_quota_describe(struct database_size *size, char *text, size_t text_size)
{
    const bool was_nearly_full = size->nearly_full;

    if (size->max_bytes == 0)
        return false;
    size->nearly_full =
        size->used_bytes >= (was_nearly_full ? recovered_bytes(size) : warn_bytes(size));
    if (size->nearly_full == was_nearly_full)
        return false;
    snprintf(text, text_size, "the database stores %lld bytes of --max-db-size (%lld)",
             (long long)size->used_bytes, (long long)size->max_bytes);
    return true;
}
