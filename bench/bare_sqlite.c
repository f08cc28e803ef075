/*
 * bare_sqlite FILE BATCH SECONDS: what SQLite alone can do. It inserts sessions into a file that
 * sessiond has made, BATCH in a commit, with the settings of db/sqlite/connection/connection.c and
 * the checkpoints of db/sqlite/writer/writer.c, and prints: inserts, seconds, CPU µs per insert,
 * RSS in KiB.
 */
#include "bench/sample.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define CHECKPOINT_PAGES 10000

static double seconds_now(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int64_t us_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int count_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    *(int *)arg = pages;
    return SQLITE_OK;
}

static int insert(sqlite3_stmt *stmt, struct sample *sample, int64_t *last_us)
{
    const int64_t now_us = us_now();

    *last_us = now_us > *last_us ? now_us : *last_us + 1;
    sample_next(sample, *last_us);
    sqlite3_bind_int64(stmt, 1, *last_us);
    sqlite3_bind_text(stmt, 2, sample->id, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, sample->project_path, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, sample->thread_id, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, sample->time, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 6, sample->context, -1, SQLITE_STATIC);
    const int result = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return result == SQLITE_DONE;
}

static int run(sqlite3 *db, int batch, double limit, long *inserted)
{
    struct sample sample = {.state = (uint64_t)us_now()};
    const double began = seconds_now(CLOCK_MONOTONIC);
    sqlite3_stmt *stmt;
    int64_t last_us = 0;
    int pages = 0;

    sqlite3_wal_hook(db, count_pages, &pages);
    if (sqlite3_prepare_v2(db,
                           "INSERT INTO sessions (seq, id, project_path, thread_id, status,"
                           " created_at, updated_at, context_bytes, context)"
                           " VALUES (?1, ?2, ?3, ?4, 'CREATED', ?5, ?5, length(?6), ?6)",
                           -1, &stmt, NULL) != SQLITE_OK)
        return 0;
    while (seconds_now(CLOCK_MONOTONIC) - began < limit) {
        sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        for (int i = 0; i < batch; i++) {
            if (!insert(stmt, &sample, &last_us))
                return 0;
        }
        if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            return 0;
        *inserted += batch;
        if (pages >= CHECKPOINT_PAGES)
            sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    sqlite3_finalize(stmt);
    return 1;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    long inserted = 0;
    sqlite3 *db;

    if (argc != 4) {
        fputs("usage: bare_sqlite FILE BATCH SECONDS\n", stderr);
        return 2;
    }
    if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=OFF;"
                     "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384",
                     NULL, NULL, NULL) != SQLITE_OK)
        return 1;
    const double began = seconds_now(CLOCK_MONOTONIC);
    const double cpu = seconds_now(CLOCK_PROCESS_CPUTIME_ID);
    if (!run(db, atoi(argv[2]), atof(argv[3]), &inserted)) {
        fprintf(stderr, "bare_sqlite: %s\n", sqlite3_errmsg(db));
        return 1;
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld %.6f %.2f %ld\n", inserted, seconds_now(CLOCK_MONOTONIC) - began,
           (seconds_now(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)inserted, usage.ru_maxrss);
    return 0;
}
