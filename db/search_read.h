/* A search, on a leased reader. */
#ifndef SESSIOND_DB_SEARCH_READ_H
#define SESSIOND_DB_SEARCH_READ_H

#include "db/search_tokens.h"
#include "db/store_search.h"

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

/* What a reader keeps for searches; made by the first one. */
struct search_reader {
    sqlite3_stmt *prepared[SEARCH_READ_STATEMENT_COUNT];
    struct search_tokens tokens;
    store_searchable text_of;
};

void search_reader_release(struct search_reader *search);

/* See db/store_search.h. `arg` is the visitor's. */
MUST_USE bool search_read(struct reader *reader, store_searchable text_of,
                          struct store_search *search, void *arg, struct error *err);

#endif
