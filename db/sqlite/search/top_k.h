/* The best places of a search, behind those of the pages before. Plain values. */
#ifndef SESSIOND_DB_SQLITE_SEARCH_TOP_K_H
#define SESSIOND_DB_SQLITE_SEARCH_TOP_K_H

#include "db/store/search.h"

struct search_ranking {
    size_t limit;
    struct store_search_place after;                              /* score 0: the first page */
    struct store_search_place places[STORE_SEARCH_LIMIT_MAX + 1]; /* best first */
    size_t count; /* one more than the limit: more */
};

void search_ranking_init(struct search_ranking *ranking, size_t limit,
                         struct store_search_place after);

void search_ranking_add(struct search_ranking *ranking, struct store_search_place place);

#endif
