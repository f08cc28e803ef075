/*
 * A pool of read-only connections: one for each reading thread, so a lease never waits. Last in,
 * first out, so that the connection with the warmest page cache is used.
 *
 * A reader keeps its read transaction open between leases until something is committed: beginning a
 * transaction takes SQLite's file locks, which cost more than a SELECT by key. The writer calls
 * reader_pool_on_commit after every COMMIT, before it completes a job, so a lease shows every write
 * that was acknowledged before it. An open snapshot prevents the reset of the WAL, so
 * reader_pool_end_snapshots ends them for a checkpoint. For the same reason a read has a time
 * limit: SQLite interrupts a longer one. Any thread unless stated otherwise.
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_READER_POOL_H
#define SESSIOND_DB_SQLITE_CONNECTION_READER_POOL_H

#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/read/list_query.h"
#include "db/sqlite/search/reader.h"

#include <pthread.h>
#include <stdatomic.h>

/* Statements for events and consumers; db/sqlite/read/events.c has their SQL. */
enum reader_event_statement {
    READER_EVENTS_KEPT,
    READER_EVENTS_AFTER,
    READER_EVENTS_BEFORE,
    READER_EVENT_AT,
    READER_SESSION_LIFE,
    READER_CONSUMER,
    READER_EVENT_STATEMENTS
};

/* Statements of db/sqlite/read/entries.c. */
enum read_entries_statement {
    READ_STREAM,
    READ_ENTRIES_UP,
    READ_ENTRIES_DOWN,
    READ_STREAMS,
    READ_ENTRIES_STATEMENTS
};

struct reader {
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *end;
    sqlite3_stmt *get;
    sqlite3_stmt *lists[LIST_QUERY_SHAPES];         /* prepared on first use */
    sqlite3_stmt *events[READER_EVENT_STATEMENTS];  /* prepared on first use */
    sqlite3_stmt *entries[READ_ENTRIES_STATEMENTS]; /* prepared on first use */
    struct search_reader search;
    session_context_fix fix_context;
    bool has_snapshot;
    int64_t snapshot_commits; /* the snapshot shows at least these commits */
    int64_t snapshot_began_ms;
    int64_t deadline_ms;             /* of the read that leases it */
    int64_t paused_us;               /* pauses of that read; the deadline moves by them */
    void (*serve_others)(void *arg); /* called at intervals during that read; NULL: none */
    void *serve_arg;
    uint64_t epoch; /* of the pool, when the snapshot was last checked */
    bool leased;
    struct reader *next;
};

struct reader_pool {
    struct reader *readers;
    size_t count;
    int64_t read_limit_ms;
    atomic_int_least64_t commits;
    struct search_report search_report;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a lease of an earlier epoch was returned, or lists were unblocked */
    struct {
        struct reader *idle;
        uint64_t epoch; /* snapshots of an earlier epoch must end */
        bool lists_blocked;
    } _shared;
};

/* Opens `count` connections to the database at `path`. A read may take `read_limit_ms`. On failure
 * nothing is left open. reader_pool_release closes the connections; no lease may be left. */
MUST_USE bool reader_pool_init(struct reader_pool *pool, const char *path, size_t count,
                               int64_t read_limit_ms, session_context_fix fix_context,
                               struct error *err);
void reader_pool_release(struct reader_pool *pool);

/* Leases a reader whose snapshot shows all acknowledged writes. NULL, with *err set, when SQLite
 * cannot begin a transaction. At most `count` leases at a time. Never waits. reader_pool_return
 * ends the lease. */
struct reader *reader_pool_lease(struct reader_pool *pool, struct error *err);

/* The same for the list thread: waits first while lists are blocked. */
struct reader *reader_pool_lease_for_list(struct reader_pool *pool, struct error *err);

/* Whether a list that begins now would wait. */
bool reader_pool_blocks_lists(struct reader_pool *pool);

/* Calls serve_others between two steps of a read and adds the duration to paused_us. */
void reader_pause(struct reader *reader);

/* Blocks or unblocks the list thread. Lists take long, and with one list after the other there
 * would be no moment at which none of them has a snapshot that uses the WAL. */
void reader_pool_block_lists(struct reader_pool *pool, bool hold);

/* Returns a leased reader. All its statements must have been reset. */
void reader_pool_return(struct reader_pool *pool, struct reader *reader);

/* A COMMIT succeeded: snapshots from before it are not used again. Writer thread. */
void reader_pool_on_commit(struct reader_pool *pool);

/* Ends all snapshots: those of idle readers at once, the others when their readers are returned.
 * Waits at most `limit_ms` for the latter. Writer thread. */
void reader_pool_end_snapshots(struct reader_pool *pool, int64_t limit_ms);

#endif
