/* A search, on a leased reader. */
#ifndef SESSIOND_DB_SQLITE_SEARCH_EXECUTE_H
#define SESSIOND_DB_SQLITE_SEARCH_EXECUTE_H

#include "db/sqlite/search/tokenizer.h"
#include "db/store/search.h"

#include <stdatomic.h>

struct reader;

enum search_read_statement {
    SEARCH_READ_ENTRIES,
    SEARCH_READ_CONTEXTS,
    SEARCH_READ_STREAM,
    SEARCH_READ_SESSION,
    SEARCH_READ_ENTRY,
    SEARCH_READ_CONTEXT,
    SEARCH_READ_BACKLOG,
    SEARCH_READ_STATEMENT_COUNT
};

/* From readers to the writer: a search found the index corrupt. */
struct search_report {
    atomic_int_least64_t seen_at; /* the commits in the snapshot, plus one; 0: no report */
    atomic_bool is_certain; /* false: right only when the tables differ from the expected ones */
};

/* What a reader keeps for searches; made by the first one. */
struct search_reader {
    struct search_report *report;
    sqlite3_stmt *prepared[SEARCH_READ_STATEMENT_COUNT];
    struct search_tokens tokens;
    store_searchable text_of;
};

/* Whether this result code of a statement on the search tables means that the tables are corrupt,
 * and not that the disk is full or fails. */
bool search_tables_are_blamed(int result);

void search_reader_release(struct search_reader *search);

/* See db/store/search.h. `arg` is the visitor's. An index that is corrupt is reported, and gives an
 * incomplete result. */
MUST_USE bool search_read(struct reader *reader, store_searchable text_of,
                          struct store_search *search, void *arg, struct error *err);

#endif
