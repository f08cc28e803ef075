/*
 * Read-only connections, lent to whoever reads: as many as there are reading threads, so a lease
 * never waits. Last in, first out, so that the warmest page cache is used.
 *
 * A reader keeps its read transaction open from one lease to the next for as long as nothing was
 * committed: beginning one takes SQLite's file locks, which cost more than a SELECT by key. The
 * writer calls reader_pool_committed after every COMMIT, before it answers anyone, so a lease shows
 * every write that was acknowledged before it. An open snapshot keeps the write-ahead log from
 * being reset: reader_pool_end_snapshots ends them for a checkpoint. For the same reason a read has
 * a limit: SQLite ends one that takes longer.
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_READER_POOL_H
#define SESSIOND_DB_SQLITE_CONNECTION_READER_POOL_H

#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/read/list_query.h"
#include "db/sqlite/search/reader.h"

#include <pthread.h>
#include <stdatomic.h>

/* Of events and of readers' places: db/sqlite/read/events.c knows their SQL. */
enum reader_event_statement {
    READER_EVENTS_KEPT,
    READER_EVENTS_AFTER,
    READER_EVENTS_BEFORE,
    READER_EVENT_AT,
    READER_SESSION_LIFE,
    READER_CONSUMER,
    READER_EVENT_STATEMENTS
};

/* Of db/sqlite/read/entries.c. */
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
    sqlite3_stmt *lists[LIST_QUERY_SHAPES];         /* prepared when first used */
    sqlite3_stmt *events[READER_EVENT_STATEMENTS];  /* the same */
    sqlite3_stmt *entries[READ_ENTRIES_STATEMENTS]; /* the same */
    struct search_reader search;
    session_context_fix fix_context;
    bool has_snapshot;
    int64_t snapshot_commits; /* the commits that it shows, at least */
    int64_t snapshot_began_ms;
    int64_t deadline_ms;             /* of the read for which it is leased */
    int64_t paused_us;               /* how long that read has paused, which moves its deadline */
    void (*serve_others)(void *arg); /* called at intervals within that read; NULL: not */
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
    pthread_cond_t changed; /* an old lease has come back, or a hold has ended */
    struct {
        struct reader *idle;
        uint64_t epoch; /* snapshots of an earlier one must end */
        bool lists_wait;
    } _shared;
};

MUST_USE bool reader_pool_init(struct reader_pool *pool, const char *path, size_t count,
                               int64_t read_limit_ms, session_context_fix fix_context,
                               struct error *err);
void reader_pool_release(struct reader_pool *pool);

/* Lends a reader inside a snapshot that is new enough. NULL, with `err`, when SQLite cannot begin
 * one. At most `count` leases at a time. */
struct reader *reader_pool_lease(struct reader_pool *pool, struct error *err);

/* For the list thread, which can wait: first for the end of a hold. */
struct reader *reader_pool_lease_for_list(struct reader_pool *pool, struct error *err);

/* Whether a list that begins now would wait. */
bool reader_pool_blocks_lists(struct reader_pool *pool);

/* Between two steps of a read: calls serve_others, and adds the time that it takes to paused_us. */
void reader_pause(struct reader *reader);

/* Holds the list thread back, or lets it go on. A list takes long, and where one follows the other
 * there is no moment at which none has a snapshot of what is in the log. */
void reader_pool_block_lists(struct reader_pool *pool, bool hold);

/* Takes a reader back. All its statements must have been reset. */
void reader_pool_return(struct reader_pool *pool, struct reader *reader);

/* A COMMIT succeeded: snapshots from before it are not used again. */
void reader_pool_committed(struct reader_pool *pool);

/* Ends all snapshots: the idle readers' at once, the others' when they come back; waits for these
 * for at most `limit_ms`. */
void reader_pool_end_snapshots(struct reader_pool *pool, int64_t limit_ms);

#endif
