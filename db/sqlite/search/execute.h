/* Executes a search on a leased reader. The thread that leases the reader. */
#ifndef SESSIOND_DB_SQLITE_SEARCH_EXECUTE_H
#define SESSIOND_DB_SQLITE_SEARCH_EXECUTE_H

#include "db/base/error.h"
#include "db/store/search.h"

struct reader;

/* See db/store/search.h. `arg` is passed to the visitor. If the index is corrupt, the search
 * reports it to the writer and returns an incomplete result. Errors: ERROR_NO_SEARCH when text_of
 * is NULL, ERROR_INVALID_QUERY, ERROR_STORAGE_BUSY, ERROR_INTERNAL. */
MUST_USE bool search_read(struct reader *reader, store_extract_fn text_of,
                          struct store_search *search, void *arg, struct error *err);

#endif
