#include "db/sqlite/connection/reader_pool.h"

#include "db/base/monotonic.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* Limit of the time during which a commit of another program can stay invisible, in ms. */
#define SNAPSHOT_MAX_AGE_MS 100

static int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Number of steps of SQLite's virtual machine between two checks of the deadline. */
#define PROGRESS_STEPS 1000

void reader_pause(struct reader *reader)
{
    if (reader->serve_others == NULL)
        return;
    const int64_t began_us = monotonic_us();
    reader->serve_others(reader->serve_arg);
    reader->paused_us += monotonic_us() - began_us;
}

static int on_progress(void *arg)
{
    struct reader *reader = arg;

    reader_pause(reader);
    return monotonic_ms() > reader->deadline_ms + reader->paused_us / 1000;
}

static bool open_reader(struct reader *reader, const char *path, struct error *err)
{
    if (!connection_open_reader(path, &reader->db, err))
        return false;
    sqlite3_progress_handler(reader->db, PROGRESS_STEPS, on_progress, reader);
    return connection_prepare(reader->db, "BEGIN", &reader->begin, err) &&
           connection_prepare(reader->db, "COMMIT", &reader->end, err) &&
           connection_prepare(reader->db,
                              "SELECT " SESSION_COLUMNS_WITH_CONTEXT " FROM sessions" SESSION_LOG
                              " WHERE id = ?1",
                              &reader->get, err);
}

bool reader_pool_init(struct reader_pool *pool, const char *path, size_t count,
                      int64_t read_limit_ms, session_context_fix fix_context, struct error *err)
{
    pthread_condattr_t attributes;

    *pool = (struct reader_pool){.count = count, .read_limit_ms = read_limit_ms};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->changed, &attributes);
    pthread_condattr_destroy(&attributes);

    pool->readers = calloc(count, sizeof(*pool->readers));
    if (pool->readers == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        struct reader *reader = &pool->readers[i];
        if (!open_reader(reader, path, err)) {
            reader_pool_release(pool);
            return false;
        }
        reader->fix_context = fix_context;
        reader->search.report = &pool->search_report;
        reader->next = pool->_shared.idle;
        pool->_shared.idle = reader;
    }
    return true;
}

void reader_pool_release(struct reader_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++) {
        search_reader_release(&pool->readers[i].search);
        connection_close(pool->readers[i].db);
    }
    free(pool->readers);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
}

static void end_snapshot(struct reader *reader)
{
    if (!reader->has_snapshot)
        return;
    sqlite3_step(reader->end);
    sqlite3_reset(reader->end);
    reader->has_snapshot = false;
}

/* The first SELECT takes the snapshot itself, later than `commits` was read, so the snapshot can
 * only be newer. */
static bool begin_snapshot(struct reader *reader, int64_t commits, int64_t now_ms,
                           struct error *err)
{
    const bool begun = sqlite3_step(reader->begin) == SQLITE_DONE;

    if (!begun)
        sqlite_error_set(reader->db, "beginning a read transaction", err);
    sqlite3_reset(reader->begin);
    reader->has_snapshot = begun;
    reader->snapshot_commits = commits;
    reader->snapshot_began_ms = now_ms;
    return begun;
}

struct reader *reader_pool_lease(struct reader_pool *pool, struct error *err)
{
    pthread_mutex_lock(&pool->lock);
    struct reader *reader = pool->_shared.idle;
    if (reader != NULL) {
        pool->_shared.idle = reader->next;
        reader->leased = true;
        reader->epoch = pool->_shared.epoch;
    }
    pthread_mutex_unlock(&pool->lock);
    if (reader == NULL) {
        error_set(err, ERROR_INTERNAL, NULL, "more threads read than the pool has readers");
        return NULL;
    }

    const int64_t commits = atomic_load(&pool->commits);
    const int64_t now_ms = monotonic_ms();
    reader->deadline_ms = now_ms + pool->read_limit_ms;
    reader->paused_us = 0;
    if (reader->has_snapshot && (reader->snapshot_commits != commits ||
                                 now_ms - reader->snapshot_began_ms > SNAPSHOT_MAX_AGE_MS))
        end_snapshot(reader);
    if (!reader->has_snapshot && !begin_snapshot(reader, commits, now_ms, err)) {
        reader_pool_return(pool, reader);
        return NULL;
    }
    return reader;
}

struct reader *reader_pool_lease_for_list(struct reader_pool *pool, struct error *err)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->_shared.lists_blocked)
        pthread_cond_wait(&pool->changed, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    return reader_pool_lease(pool, err);
}

bool reader_pool_blocks_lists(struct reader_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    const bool is_blocked = pool->_shared.lists_blocked;
    pthread_mutex_unlock(&pool->lock);
    return is_blocked;
}

void reader_pool_block_lists(struct reader_pool *pool, bool hold)
{
    pthread_mutex_lock(&pool->lock);
    pool->_shared.lists_blocked = hold;
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_broadcast(&pool->changed);
}

void reader_pool_return(struct reader_pool *pool, struct reader *reader)
{
    /* The writer may end the snapshot; that must not call serve_others from the progress
     * handler. */
    reader->serve_others = NULL;
    pthread_mutex_lock(&pool->lock);
    if (reader->epoch != pool->_shared.epoch) {
        end_snapshot(reader);
        pthread_cond_broadcast(&pool->changed);
    }
    reader->leased = false;
    reader->next = pool->_shared.idle;
    pool->_shared.idle = reader;
    pthread_mutex_unlock(&pool->lock);
}

void reader_pool_on_commit(struct reader_pool *pool)
{
    atomic_fetch_add(&pool->commits, 1);
}

static bool has_old_lease_locked(const struct reader_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->readers[i].leased && pool->readers[i].epoch != pool->_shared.epoch)
            return true;
    }
    return false;
}

void reader_pool_end_snapshots(struct reader_pool *pool, int64_t limit_ms)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_nsec += limit_ms % 1000 * 1000000;
    deadline.tv_sec += limit_ms / 1000 + deadline.tv_nsec / 1000000000;
    deadline.tv_nsec %= 1000000000;

    pthread_mutex_lock(&pool->lock);
    pool->_shared.epoch++;
    for (struct reader *reader = pool->_shared.idle; reader != NULL; reader = reader->next)
        end_snapshot(reader);
    while (has_old_lease_locked(pool)) {
        if (pthread_cond_timedwait(&pool->changed, &pool->lock, &deadline) == ETIMEDOUT)
            break;
    }
    pthread_mutex_unlock(&pool->lock);
}
