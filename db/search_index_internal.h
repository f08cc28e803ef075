/* What the files of the search index share. */
#ifndef SESSIOND_DB_SEARCH_INDEX_INTERNAL_H
#define SESSIOND_DB_SEARCH_INDEX_INTERNAL_H

#include "db/search_index.h"

/* Prepares the statements, once the tables are there. */
MUST_USE bool search_index_prepare(struct search_index *index, struct error *err);

/* Runs SEARCH_ADD_BACKLOG, SEARCH_CUT_BACKLOG or SEARCH_END_BACKLOG. */
MUST_USE bool search_index_set_backlog(struct search_index *index, enum search_statement which,
                                       int64_t first, int64_t last, struct error *err);

#endif
