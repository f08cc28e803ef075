/*
 * seed sessiond|fastify FILE ROWS IDS: fills a database that the server itself has made, and
 * writes the ids to the file IDS, one a line. Both kinds get the same sessions.
 */
#include "bench/sample.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ?1 µs, ?2 id, ?3 path, ?4 thread, ?5 status, ?6 time, ?7 context */
static const char *const inserts[][2] = {
    {"sessiond", "INSERT INTO sessions (seq, id, project_path, thread_id, status, created_at,"
                 " updated_at, context_bytes, context)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, length(?7), ?7)"},
    {"fastify", "INSERT INTO sessions (id, project_path, thread_id, status, created_at,"
                " updated_at, context) VALUES (?2, ?3, ?4, ?5, ?6, ?6, ?7)"},
};

#define FIRST_US INT64_C(1700000000000000)
#define STEP_US 1000003

static void insert(sqlite3_stmt *stmt, const struct sample *sample, int64_t us, int i)
{
    static const char *const statuses[] = {"CREATED", "ACTIVE", "PAUSED", "TERMINATED"};
    const char *texts[] = {sample->id,      sample->project_path, sample->thread_id,
                           statuses[i % 4], sample->time,         sample->context};

    sqlite3_bind_int64(stmt, 1, us);
    for (int parameter = 2; parameter <= 7; parameter++)
        sqlite3_bind_text(stmt, parameter, texts[parameter - 2], -1, SQLITE_STATIC);
    sqlite3_step(stmt);
    sqlite3_reset(stmt);
}

static int fill(sqlite3 *db, const char *sql, int rows, FILE *ids)
{
    struct sample sample = {.state = 1};
    sqlite3_stmt *stmt;

    sqlite3_exec(db, "PRAGMA synchronous=OFF; BEGIN", NULL, NULL, NULL);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return SQLITE_ERROR;
    for (int i = 0; i < rows; i++) {
        const int64_t us = FIRST_US + (int64_t)i * STEP_US;
        sample_next(&sample, us);
        insert(stmt, &sample, us, i);
        fprintf(ids, "%s\n", sample.id);
    }
    sqlite3_finalize(stmt);
    return sqlite3_exec(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
}

int main(int argc, char **argv)
{
    const char *sql = NULL;
    sqlite3 *db = NULL;

    for (size_t i = 0; argc == 5 && i < sizeof(inserts) / sizeof(inserts[0]); i++) {
        if (strcmp(argv[1], inserts[i][0]) == 0)
            sql = inserts[i][1];
    }
    if (sql == NULL) {
        fputs("usage: seed sessiond|fastify FILE ROWS IDS\n", stderr);
        return 2;
    }
    FILE *ids = fopen(argv[4], "w");
    if (ids == NULL || sqlite3_open_v2(argv[2], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        fill(db, sql, atoi(argv[3]), ids) != SQLITE_OK) {
        fprintf(stderr, "seed: %s\n", db == NULL ? argv[4] : sqlite3_errmsg(db));
        return 1;
    }
    fclose(ids);
    return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
