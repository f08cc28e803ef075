/*
 * The full-text index of entries and contexts: tables (db/sqlite/schema/search.sql) that are
 * updated in the transaction of each change. SQLite writes the words of a transaction at COMMIT as
 * one segment of the index, if the documents come in ascending order. So changes are recorded, and
 * applied together at the end of the transaction. Changes that would make a transaction long, and
 * documents that are older than the index, are put into a backlog, which a maintenance task
 * indexes. A document is an entry, with its key as the number, or a context, with a number below
 * zero. Owned by the writer thread.
 */
#ifndef SESSIOND_DB_SQLITE_SEARCH_INDEX_H
#define SESSIOND_DB_SQLITE_SEARCH_INDEX_H

#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/maintenance/skipped_rows.h"
#include "db/sqlite/search/reader.h"
#include "db/store/open.h"

enum search_statement {
    SEARCH_ADD_ENTRY,
    SEARCH_REMOVE_ENTRY,
    SEARCH_FIND_CONTEXT,
    SEARCH_REPLACE_CONTEXT,
    SEARCH_REMOVE_CONTEXT,
    SEARCH_IN_BACKLOG,
    SEARCH_ADD_BACKLOG,
    SEARCH_NEXT_BACKLOG,
    SEARCH_CUT_BACKLOG,
    SEARCH_END_BACKLOG,
    SEARCH_ENTRIES,
    SEARCH_CONTEXTS,
    SEARCH_STATEMENT_COUNT
};

struct search_change {
    int64_t document;
    size_t order; /* position among the changes of the transaction */
    char *text;   /* folded, owned; NULL: none */
    size_t len;
    char *shown; /* of a context, owned: the text before folding; NULL: identical */
    size_t shown_len;
    bool is_removal;
    bool is_deferred; /* deferred to the backlog */
    bool waits;       /* was in the backlog when the change was recorded: it is not indexed */
};

struct search_index {
    store_extract_fn text_of; /* NULL: search is off, and no function has an effect */
    int rule;                 /* version of text_of */
    session_context_fix fix_context;
    const struct store_observer *observer;
    struct search_report *report; /* written by the readers */
    sqlite3 *db;
    sqlite3_stmt *prepared[SEARCH_STATEMENT_COUNT];
    struct search_change *changes; /* of the open transaction */
    size_t count;
    size_t capacity;
    size_t bytes; /* of the texts of `changes` */
    /* false: no entry is in the backlog; a context may be, and indexing it twice is harmless */
    bool has_backlog;
    bool had_backlog;         /* has_backlog when the open transaction began */
    int64_t applied;          /* documents that the open transaction indexed */
    int64_t taken;            /* documents that the open transaction removed from the backlog */
    int64_t indexed_unlogged; /* committed documents of these since the last log message */
    bool failed;              /* recording a change failed in the open transaction; see `failure` */
    struct error failure;
    /* the open transaction, or the last one that was rolled back, found the index corrupt */
    bool is_corrupt;
    bool is_suspect;    /* the tables may have caused the last rollback */
    int64_t rebuilds;   /* rebuilds of a corrupt index that the statistics do not count yet */
    int unfinished;     /* rebuilds since the backlog was last empty */
    int64_t rebuilt_at; /* snapshots with this number of commits show the last rebuild */
};

/* The document number of the context of a session, and its inverse. */
static inline int64_t search_context_document(int64_t session_seq)
{
    return (int64_t)((uint64_t)session_seq ^ (uint64_t)INT64_MIN);
}

/* Creates the tables, or drops them when text_of is NULL, since they would become outdated.
 * Replaces tables that are corrupt or that this program did not create. If that also fails, it
 * notifies the observer and search stays off. The caller has set the members up to `report`. `db`
 * is borrowed. False: *err is a storage error. */
MUST_USE bool search_index_open(struct search_index *index, sqlite3 *db, struct error *err);

/* Frees the recorded changes. */
void search_index_release(struct search_index *index);

/* Records a document. A context that is `is_new` and has no text needs no row. Determines now
 * whether the index already has the document, since the backlog may be indexed later in the
 * transaction. */
void search_index_record(struct search_index *index, int64_t document, struct slice json,
                         bool is_new);

/* Records the removal of an entry; `json` is its stored text. */
void search_index_record_removal(struct search_index *index, int64_t document, struct slice json);

/* Whether the recorded changes fill one step of a maintenance task, which takes about 10 ms. */
bool search_index_has_full_step(const struct search_index *index);

/* Applies the recorded changes. Call last in the transaction. False: *err is set; roll back. */
MUST_USE bool search_index_apply(struct search_index *index, struct error *err);

/* Ends the transaction. Call after COMMIT, or between a failure and ROLLBACK, while SQLite still
 * reports the cause. */
void search_index_end(struct search_index *index, bool committed);

/* Reads and clears the readers' report. If the index is corrupt, sets is_corrupt and *err and
 * returns false. */
MUST_USE bool search_index_check_report(struct search_index *index, struct error *err);

/* Whether a corrupt index caused the rollback. Call after ROLLBACK. */
bool search_index_is_corrupt(struct search_index *index);

/* Call after ROLLBACK of a transaction that found the index corrupt, with the cause in `why`.
 * Replaces the tables by empty ones and puts all documents into the backlog. If that fails or was
 * done repeatedly, turns search off. The transaction can then be retried. False: *err is a storage
 * error. */
MUST_USE bool search_index_rebuild(struct search_index *index, const struct error *why,
                                   struct error *err);

/* Removes some documents from the backlog and records them. *more: others are left. Fails, and sets
 * is_corrupt, when a reader reported that the index is corrupt. */
MUST_USE bool search_index_process_backlog(struct search_index *index, struct skipped_rows *skipped,
                                           bool *more, struct error *err);

#endif
