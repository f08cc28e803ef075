/* A search, on a leased reader. */
#ifndef SESSIOND_DB_SQLITE_SEARCH_EXECUTE_H
#define SESSIOND_DB_SQLITE_SEARCH_EXECUTE_H

#include "db/base/error.h"
#include "db/store/search.h"

struct reader;

/* See db/store/search.h. `arg` is the visitor's. An index that is corrupt is reported, and gives an
 * incomplete result. */
MUST_USE bool search_read(struct reader *reader, store_extract_fn text_of,
                          struct store_search *search, void *arg, struct error *err);

#endif
