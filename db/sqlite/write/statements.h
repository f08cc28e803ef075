/*
 * The prepared statements of the writer, by name, and the functions that step and reset them. Owned
 * by the writer thread.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_STATEMENTS_H
#define SESSIOND_DB_SQLITE_WRITE_STATEMENTS_H

#include "db/base/error.h"
#include "db/base/slice.h"

#include <sqlite3.h>
#include <stdint.h>

/* The first columns that write_bulk_add (bulk.h) reads. */
#define WRITE_BULK_COLUMNS                                                                         \
    "seq, id, project_path, thread_id, version, lease_owner, lease_token, updated_at"

enum write_statement {
    WRITE_INSERT,
    WRITE_FIND,
    WRITE_FIND_WITH_CONTEXT,
    WRITE_FIND_EXISTING,
    WRITE_STATUS,
    WRITE_CONTEXT,
    WRITE_STATUS_AND_CONTEXT,
    WRITE_REMOVE,
    WRITE_LEASE_GRANT,
    WRITE_LEASE_RENEW,
    WRITE_LEASE_END,
    WRITE_LEASE_CLEAR,
    WRITE_LEASE_OVERDUE,
    WRITE_LEASE_NEXT,
    WRITE_LEASE_NEXT_STALE,
    WRITE_LEASE_REPAIR,
    WRITE_LEASE_RESTART,
    WRITE_LEASE_RESTART_TERM,
    WRITE_LEASE_TERM,
    WRITE_LEASE_FLOOR,
    WRITE_ACTIVE,
    WRITE_RECOVER,
    WRITE_RELOCATION_GROUP,
    WRITE_RELOCATION,
    WRITE_RELOCATE,
    WRITE_KEY_FIND,
    WRITE_KEY_STORE,
    WRITE_KEY_REMOVE,
    WRITE_KEY_EXPIRE,
    WRITE_EVENT,
    WRITE_EVENT_OLDEST,
    WRITE_EVENT_REMOVE,
    WRITE_EVENT_REMOVED,
    WRITE_CONSUMER_PUT,
    WRITE_CONSUMER_FIND,
    WRITE_CONSUMER_COUNT,
    WRITE_STREAM_COUNT,
    WRITE_CONSUMER_REMOVE,
    WRITE_STREAM_FIND,
    WRITE_STREAM_CREATE,
    WRITE_STREAM_GROW,
    WRITE_LOG_GROW,
    WRITE_ENTRY,
    WRITE_UUID_FIND,
    WRITE_UUID,
    WRITE_FORK_STREAMS,
    WRITE_FORK_TIME,
    WRITE_FORK_SOURCE,
    WRITE_FORK_ENTRIES,
    WRITE_FORK_UUIDS,
    WRITE_STREAM_REMOVE,
    WRITE_STREAM_PUBLISH,
    WRITE_LOG_CREATE,
    WRITE_DISCARD,
    WRITE_IMPORT_ENTRY,
    WRITE_IMPORT_SEQ_TAKEN,
    WRITE_IMPORT_UUID,
    WRITE_DISCARDED_FIND,
    WRITE_DISCARD_ENTRY,
    WRITE_DISCARD_ENTRY_RETURNING,
    WRITE_DISCARD_UUID,
    WRITE_DISCARD_STREAM,
    WRITE_PURGE_TERMINATED,
    WRITE_PURGE_IDLE,
    WRITE_PAGE_COUNT,
    WRITE_FREE_PAGES,
    WRITE_VACUUM,
    WRITE_STATEMENT_COUNT
};

struct write_statements {
    sqlite3 *db;
    sqlite3_stmt *prepared[WRITE_STATEMENT_COUNT];
};

/* Prepares all statements except those of retention. `db` is borrowed; closing it finalizes
 * them. */
MUST_USE bool write_statements_init(struct write_statements *statements, sqlite3 *db,
                                    struct error *err);

/* Prepares a retention statement on its first use. */
MUST_USE bool write_prepare(struct write_statements *statements, enum write_statement which,
                            struct error *err);

/* Steps a statement that returns no row, and resets it. `doing` completes "while …" in the
 * error. */
MUST_USE bool write_run(struct write_statements *statements, enum write_statement which,
                        const char *doing, struct error *err);

/* Steps to the next row. False at the end and on failure; *ok is false on failure. In both cases
 * the statement is reset and its bindings are cleared. */
MUST_USE bool write_next_row(struct write_statements *statements, enum write_statement which,
                             const char *doing, bool *ok, struct error *err);

/* Resets a statement before its last row, and clears its bindings. */
void write_reset(struct write_statements *statements, enum write_statement which);

#endif
