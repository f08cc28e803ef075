/* The search state of a reader, and its report to the writer. */
#ifndef SESSIOND_DB_SQLITE_SEARCH_READER_H
#define SESSIOND_DB_SQLITE_SEARCH_READER_H

#include "db/sqlite/search/tokenizer.h"
#include "db/store/search.h"

#include <stdatomic.h>

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

/* A reader's report to the writer: a search found the index corrupt. Any thread. */
struct search_report {
    atomic_int_least64_t seen_at; /* commits in the snapshot, plus one; 0: no report */
    atomic_bool is_certain; /* false: valid only if the tables differ from the expected ones */
};

/* The search state of a reader, created by its first search. The thread that leases the reader. */
struct search_reader {
    struct search_report *report;
    sqlite3_stmt *prepared[SEARCH_READ_STATEMENT_COUNT];
    struct search_tokens tokens;
    store_extract_fn text_of;
};

/* Releases the tokenizer. Closing the connection finalizes the statements. */
void search_reader_release(struct search_reader *search);

#endif
