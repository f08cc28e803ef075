/* The best places of a search, behind those of the pages before. Plain values. */
#ifndef SESSIOND_DB_SQLITE_SEARCH_TOP_K_H
#define SESSIOND_DB_SQLITE_SEARCH_TOP_K_H

#include "db/store/search.h"

struct top_k {
    size_t limit;
    struct store_search_cursor after;                              /* score 0: the first page */
    struct store_search_cursor places[STORE_SEARCH_LIMIT_MAX + 1]; /* best first */
    size_t count; /* one more than the limit: more */
};

void top_k_init(struct top_k *ranking, size_t limit, struct store_search_cursor after);

void top_k_add(struct top_k *ranking, struct store_search_cursor place);

#endif
