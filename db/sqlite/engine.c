#include "db/store/open.h"

#include "db/base/durable_file.h"
#include "db/base/lock_file.h"
#include "db/base/monotonic.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/file/migrate.h"
#include "db/sqlite/maintenance/vacuum.h"
#include "db/sqlite/read/entries.h"
#include "db/sqlite/read/events.h"
#include "db/sqlite/read/session.h"
#include "db/sqlite/read/worker.h"
#include "db/sqlite/writer/writer.h"
#include "db/store/stats.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Limit of the bytes of a path in a message. */
#define PATH_SHOWN_BYTES 200

struct store {
    struct store_options options;
    int lock;
    sqlite3 *db; /* the writer's */
    struct job_queue queue;
    struct stats stats;
    struct reader_pool readers;
    struct read_worker lists;
    struct read_worker searches;
    struct writer writer;
};

/* An existing file keeps its journal mode until the migration has accepted it. */
static bool migrate_file(const struct store *store, struct error *err)
{
    const struct store_options *options = &store->options;
    int64_t pages;

    if (!connection_integer(store->db, "PRAGMA page_count", &pages, err))
        return false;
    if (pages == 0 &&
        !(vacuum_prepare_new(store->db, err) && connection_make_durable(store->db, err)))
        return false;
    return migrate_run(store->db, options->fix_legacy_context, &options->observer, err) &&
           connection_make_durable(store->db, err) &&
           vacuum_convert(store->db, &options->observer, err) &&
           retention_query_index(store->db, options->retain_us, err);
}

static bool open_writer(struct store *store, struct error *err)
{
    const struct store_options *options = &store->options;

    backup_remove_stale(options->path);
    store->writer = (struct writer){
        .readers = &store->readers,
        .queue = &store->queue,
        .stats = &store->stats,
        .observer = options->observer,
        .long_jobs = {.max_forks = options->max_forks,
                      .max_client_forks = options->max_client_forks},
    };
    if (!connection_open_writer(options->path, &store->db, err) || !migrate_file(store, err) ||
        !stats_init(&store->stats, store->db, err))
        return false;
    store->writer.operations = (struct write_operations){
        .fix_context = options->fix_legacy_context,
        .key_ttl_us = options->key_ttl_us,
        .search =
            {
                .text_of = options->search_text,
                .rule = options->search_rule,
                .fix_context = options->fix_legacy_context,
                .observer = &store->options.observer,
                .report = &store->readers.search_report,
            },
        .event_retention_us = options->event_retention_us,
        .max_events = options->max_events,
        .max_consumers = options->max_consumers,
        .max_streams = options->max_streams,
        .state = {.events = store->stats.events, .size = {.max_bytes = options->max_db_bytes}},
    };
    memcpy(store->writer.operations.state.purge.retain_us, options->retain_us,
           sizeof(options->retain_us));
    backup_init(&store->writer.backup, store->db, options->path);
    return search_index_open(&store->writer.operations.search, store->db, err) &&
           writer_init(&store->writer, store->db, options->checkpoint_pages, err) &&
           writer_truncate_wal(&store->writer, err) != CHECKPOINT_FATAL &&
           writer_restart_leases(&store->writer, err) &&
           writer_run_maintenance(&store->writer, err);
}

/* The list thread and the search thread read in addition to the callers. */
static bool start_threads(struct store *store, struct error *err)
{
    const struct store_options *options = &store->options;

    if (!reader_pool_init(&store->readers, options->path,
                          (size_t)options->readers + (size_t)2 * READ_WORKER_READERS,
                          options->read_limit_ms, options->fix_legacy_context, err))
        return false;
    store->lists.retain_us = store->options.retain_us;
    store->lists.slice_us = store->searches.slice_us = READ_WORKER_SLICE_US;
    if (!read_worker_start(&store->lists, &store->readers, options->max_queue, err))
        goto no_lists;
    store->searches.text_of = options->search_text;
    if (!read_worker_start(&store->searches, &store->readers, options->max_queue, err))
        goto no_searches;
    if (!writer_start(&store->writer, err))
        goto no_writer;
    return true;

no_writer:
    read_worker_stop(&store->searches);
no_searches:
    read_worker_stop(&store->lists);
no_lists:
    reader_pool_release(&store->readers);
    return false;
}

/* The next step for the user after this SQLite result code. */
static const char *get_next_step(int result)
{
    switch (result & 0xff) {
    case SQLITE_NOTADB:
        return "move it away or point --db at another file";
    case SQLITE_CORRUPT:
        return "run sessiond check on it, or restore a backup";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "another program uses it; stop that program and start the service again";
    case SQLITE_FULL:
        return "free disk space and start the service again";
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
        return "check the file, its folder and their permissions, or point --db at another file";
    default:
        return "check the path and the permissions of the user of the service, or point --db at "
               "another file";
    }
}

bool store_open_explain(const char *path, struct error *err)
{
    const struct error found = *err;
    const char *why;
    const int result = sqlite_error_result_of(&found, &why);
    const bool has_step = result == SQLITE_OK && strchr(why, ';') != NULL;
    const char *step = has_step ? "" : get_next_step(result);
    const char *separator = has_step ? "" : "; ";

    if (strstr(why, path) != NULL)
        return error_set(err, found.kind, NULL, "%s%s%s", why, separator, step);
    return error_set(err, found.kind, NULL, "cannot open %.*s%s: %s%s%s", PATH_SHOWN_BYTES, path,
                     strlen(path) > PATH_SHOWN_BYTES ? "…" : "", why, separator, step);
}

bool store_open(const struct store_options *options, struct store **out, struct error *err)
{
    struct store *store = calloc(1, sizeof(*store));

    if (store == NULL)
        abort();
    connection_configure_library();
    store->options = *options;
    store->lock = -1;
    job_queue_init(&store->queue, options->max_queue);
    if (durable_file_make_folder(options->path, err) &&
        lock_file_acquire(options->path, &store->lock, err) && open_writer(store, err) &&
        start_threads(store, err)) {
        *out = store;
        return true;
    }
    search_index_release(&store->writer.operations.search);
    connection_close(store->db);
    job_queue_release(&store->queue);
    if (store->lock >= 0)
        close(store->lock);
    free(store);
    return store_open_explain(options->path, err);
}

void store_reject_long_jobs(struct store *store)
{
    long_jobs_reject_all(&store->writer.long_jobs);
    backup_reject_all(&store->writer.backup);
}

void store_close(struct store *store)
{
    struct error err;

    if (store == NULL)
        return;
    read_worker_stop(&store->searches);
    read_worker_stop(&store->lists);
    job_queue_close(&store->queue);
    writer_join(&store->writer);
    if (writer_has_failed(&store->writer))
        return;
    reader_pool_release(&store->readers);
    search_index_release(&store->writer.operations.search);
    const enum checkpoint_result result = writer_truncate_wal(&store->writer, &err);
    if (result == CHECKPOINT_FATAL) {
        writer_fail(&store->writer, err.detail);
        return;
    }
    if (result == CHECKPOINT_COMPLETE)
        connection_close_last(store->db);
    else
        connection_close(store->db);
    job_queue_release(&store->queue);
    close(store->lock);
    free(store);
}

bool store_get(struct store *store, const char *id, store_row_fn visit, void *arg,
               struct error *err)
{
    struct reader *reader = reader_pool_lease(&store->readers, err);

    if (reader == NULL)
        return false;
    const bool found = read_get(reader, id, visit, arg, err);
    reader_pool_return(&store->readers, reader);
    return found;
}

bool store_list(struct store *store, const struct store_list_query *query, store_row_fn visit,
                void *arg, struct store_page *page, struct error *err)
{
    struct reader *reader = reader_pool_lease(&store->readers, err);

    if (reader == NULL)
        return false;
    const bool ok = read_list(reader, query, visit, arg, page, err);
    reader_pool_return(&store->readers, reader);
    return ok;
}

bool store_events(struct store *store, const struct store_event_query *query, store_event_fn visit,
                  void *arg, struct store_event_page *page, struct error *err)
{
    struct reader *reader = reader_pool_lease(&store->readers, err);

    if (reader == NULL)
        return false;
    const bool ok = read_events(reader, query, visit, arg, page, err);
    reader_pool_return(&store->readers, reader);
    return ok;
}

bool store_consumer(struct store *store, struct slice name, struct store_consumer *out,
                    struct error *err)
{
    struct reader *reader = reader_pool_lease(&store->readers, err);

    if (reader == NULL)
        return false;
    const bool ok = read_consumer(reader, name, out, err);
    reader_pool_return(&store->readers, reader);
    return ok;
}

int64_t store_newest_event(const struct store *store)
{
    return atomic_load(&store->stats.newest_event);
}

bool store_entries(struct store *store, const struct store_entry_query *query, store_entry_fn visit,
                   void *arg, struct store_entry_page *page, struct error *err)
{
    struct reader *reader = reader_pool_lease(&store->readers, err);

    if (reader == NULL)
        return false;
    const bool ok = read_entries(reader, query, visit, arg, page, err);
    reader_pool_return(&store->readers, reader);
    return ok;
}

bool store_streams(struct store *store, const char *id, struct slice after, int limit,
                   store_stream_fn visit, void *arg, bool *more, struct error *err)
{
    struct reader *reader = reader_pool_lease(&store->readers, err);

    if (reader == NULL)
        return false;
    const bool ok = read_streams(reader, id, after, limit, visit, arg, more, err);
    reader_pool_return(&store->readers, reader);
    return ok;
}

static bool is_long_read(enum store_operation operation)
{
    return operation == STORE_LIST || operation == STORE_EVENTS || operation == STORE_ENTRIES ||
           operation == STORE_RETENTION;
}

static struct job_queue *queue_for(struct store *store, enum store_operation operation)
{
    if (operation == STORE_SEARCH)
        return &store->searches.queue;
    return is_long_read(operation) ? &store->lists.queue : &store->queue;
}

bool store_has_just_committed(const struct store *store)
{
    const int64_t committed_us = atomic_load(&store->stats.committed_us);

    return committed_us != 0 && monotonic_us() - committed_us < PROBE_INTERVAL_US;
}

bool store_reserve(struct store *store, enum store_operation operation)
{
    return job_queue_reserve(queue_for(store, operation));
}

void store_submit(struct store *store, struct store_job *job)
{
    if (job->operation == STORE_CREATE)
        uuid_make(job->id);
    if (job->operation == STORE_FORK)
        uuid_make(job->fork.id);
    job_queue_push(queue_for(store, job->operation), job);
}

void store_stats(struct store *store, struct store_stats *out)
{
    stats_read(&store->stats, out);
    out->queue_depth = (int64_t)atomic_load(&store->queue.reserved);
}
