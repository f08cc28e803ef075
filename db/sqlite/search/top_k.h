/* The best hits of a search after those of the previous pages. Plain values. */
#ifndef SESSIOND_DB_SQLITE_SEARCH_TOP_K_H
#define SESSIOND_DB_SQLITE_SEARCH_TOP_K_H

#include "db/store/search.h"

struct top_k {
    size_t limit;
    struct store_search_cursor after;                              /* score 0: first page */
    struct store_search_cursor places[STORE_SEARCH_LIMIT_MAX + 1]; /* best first */
    size_t count;                                                  /* limit + 1: there are more */
};

/* Empties the ranking. `limit` is at most STORE_SEARCH_LIMIT_MAX. */
void top_k_init(struct top_k *ranking, size_t limit, struct store_search_cursor after);

/* Inserts a hit if it is after `after` and among the best limit + 1. */
void top_k_add(struct top_k *ranking, struct store_search_cursor position);

#endif
