/*
 * What makes entries and contexts searchable: full-text tables (db/schema/search.sql), kept up to
 * date in the transaction of each change. SQLite writes the words of a transaction at its COMMIT
 * as one part of the index, as long as the documents come in ascending order: so changes are noted
 * and applied all at once at the transaction's end. What would make a transaction long, and what
 * was there before search was on, waits in a backlog that a chore works off, the newest first.
 *
 * A document is an entry, numbered by its key, or a context, numbered below zero. Writer thread.
 */
#ifndef SESSIOND_DB_SEARCH_INDEX_H
#define SESSIOND_DB_SEARCH_INDEX_H

#include "db/session_row.h"
#include "db/store_open.h"

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
    char *text;   /* owned; NULL: none */
    size_t len;
    bool removed;
    bool later; /* goes to the backlog */
};

struct search_index {
    store_searchable text_of; /* NULL: search is off, and every function does nothing */
    int rule;                 /* its number */
    session_adopter adopt;
    const struct store_observer *observer;
    sqlite3 *db;
    sqlite3_stmt *prepared[SEARCH_STATEMENT_COUNT];
    struct search_change *changes; /* of the open transaction */
    size_t count;
    size_t capacity;
    size_t bytes;      /* of their texts */
    bool has_backlog;  /* false: no entry waits, and a context that does may be indexed twice */
    bool was_backlog;  /* when the open transaction began */
    int64_t applied;   /* documents that the open transaction put into the index */
    int64_t caught_up; /* documents taken off the backlog since it was last told */
    bool touched;      /* by the open transaction */
    bool damaged;      /* the last transaction found it so */
};

static inline int64_t search_context_document(int64_t session_seq)
{
    return session_seq + INT64_MIN;
}

/* Makes the tables, or drops them when text_of is NULL: they would no longer show what is stored.
 * What the struct names up to `observer` has been set by the caller; `db` is borrowed. */
MUST_USE bool search_index_open(struct search_index *index, sqlite3 *db, struct error *err);

/* Frees what is noted. */
void search_index_release(struct search_index *index);

/* Notes a document. A context that is `is_new` and has no text needs no row. */
void search_index_note(struct search_index *index, int64_t document, struct slice json,
                       bool is_new);

/* Notes that an entry goes; `json` is what it was. */
void search_index_note_removal(struct search_index *index, int64_t document, struct slice json);

/* Whether as much is noted as a chore should do in one step: it takes some ten milliseconds. */
bool search_index_has_a_step(const struct search_index *index);

/* Last in the transaction: applies what was noted. */
MUST_USE bool search_index_apply(struct search_index *index, struct error *err);

/* After COMMIT, or after what failed and before ROLLBACK: SQLite still tells why. */
void search_index_settle(struct search_index *index, bool committed);

/* Rolls back, and marks a damaged index: the next start makes it anew from what is stored. */
void search_index_condemn(struct search_index *index);

/* Takes some documents off the backlog and notes them. *more: others are left. */
MUST_USE bool search_index_catch_up(struct search_index *index, bool *more, struct error *err);

#endif
