/*
 * What makes entries and contexts searchable: full-text tables (db/sqlite/schema/search.sql), kept
 * up to date in the transaction of each change. SQLite writes the words of a transaction at its
 * COMMIT as one part of the index, as long as the documents come in ascending order: so changes are
 * noted and applied all at once at the transaction's end. What would make a transaction long, and
 * what was there before search was on, waits in a backlog, which a maintenance task indexes. A
 * document is an entry, numbered by its key, or a context, numbered below zero. Writer thread.
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
    size_t order; /* among the changes of the transaction */
    char *text;   /* folded, owned; NULL: none */
    size_t len;
    char *shown; /* of a context, owned: the text that was folded; NULL: they are the same */
    size_t shown_len;
    bool removed;
    bool later; /* goes to the backlog */
    bool waits; /* was in the backlog when the change was noted: the index does not have it */
};

struct search_index {
    store_extract_fn text_of; /* NULL: search is off, and every function does nothing */
    int rule;                 /* its number */
    session_context_fix fix_context;
    const struct store_observer *observer;
    struct search_report *report; /* of the readers */
    sqlite3 *db;
    sqlite3_stmt *prepared[SEARCH_STATEMENT_COUNT];
    struct search_change *changes; /* of the open transaction */
    size_t count;
    size_t capacity;
    size_t bytes;      /* of their texts */
    bool has_backlog;  /* false: no entry waits, and a context that does may be indexed twice */
    bool was_backlog;  /* when the open transaction began */
    int64_t applied;   /* documents that the open transaction put into the index */
    int64_t taken;     /* documents that the open transaction took off the backlog */
    int64_t caught_up; /* committed ones of these, since they were last logged */
    bool failed; /* noting a change failed in the open transaction, for the reason `failure` */
    struct error failure;
    bool is_corrupt;    /* the open transaction, or the one just rolled back, found it so */
    bool is_suspect;    /* the tables may be why the last transaction was rolled back */
    int64_t rebuilds;   /* of a corrupt index, not counted in the statistics yet */
    int unfinished;     /* rebuilds since the backlog was last empty */
    int64_t rebuilt_at; /* a snapshot of as many commits shows the last rebuild */
};

static inline int64_t search_context_document(int64_t session_seq)
{
    return (int64_t)((uint64_t)session_seq ^ (uint64_t)INT64_MIN);
}

/* Makes the tables, or drops them when text_of is NULL: they would no longer show what is stored.
 * Tables that are corrupt, or that this program did not make, are replaced; where that fails too
 * the observer is told and search stays off. What the struct names up to `report` has been set by
 * the caller; `db` is borrowed. False: the storage has failed. */
MUST_USE bool search_index_open(struct search_index *index, sqlite3 *db, struct error *err);

void search_index_release(struct search_index *index); /* frees what is noted */

/* Notes a document. A context that is `is_new` and has no text needs no row. Whether the index has
 * the document already is decided here: the backlog may be indexed later in the transaction. */
void search_index_note(struct search_index *index, int64_t document, struct slice json,
                       bool is_new);

/* Notes that an entry goes; `json` is what it was. */
void search_index_note_removal(struct search_index *index, int64_t document, struct slice json);

/* Whether as much is noted as a maintenance task should do in one step of about 10 ms. */
bool search_index_has_a_step(const struct search_index *index);

/* Last in the transaction: applies what was noted. */
MUST_USE bool search_index_apply(struct search_index *index, struct error *err);

/* After COMMIT, or after what failed and before ROLLBACK: SQLite still tells why. */
void search_index_end(struct search_index *index, bool committed);

/* Takes the readers' report. When it is right, sets is_corrupt and `err` and returns false. */
MUST_USE bool search_index_take_report(struct search_index *index, struct error *err);

/* After ROLLBACK: whether a corrupt index was the cause. */
bool search_index_is_corrupt(struct search_index *index);

/* After ROLLBACK of a transaction that found the index corrupt, for the reason `why`: replaces the
 * tables by empty ones and puts all documents into the backlog, or, when that fails or happened
 * repeatedly, turns search off. The transaction can be run again. False: the storage has failed. */
MUST_USE bool search_index_rebuild(struct search_index *index, const struct error *why,
                                   struct error *err);

/* Takes some documents off the backlog and notes them. *more: others are left. Fails, and sets
 * is_corrupt, when a reader reported that the index is corrupt. */
MUST_USE bool search_index_catch_up(struct search_index *index, struct skipped_rows *skipped,
                                    bool *more, struct error *err);

#endif
