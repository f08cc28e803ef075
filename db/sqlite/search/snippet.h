/* The part of a text in which a query's words stand closest together, with these marked. */
#ifndef SESSIOND_DB_SQLITE_SEARCH_SNIPPET_H
#define SESSIOND_DB_SQLITE_SEARCH_SNIPPET_H

#include "db/sqlite/search/query_parser.h"

#define SEARCH_SNIPPET_BYTES 240
#define SEARCH_SNIPPET_MARKS 32

struct search_snippet {
    char text[SEARCH_SNIPPET_BYTES + 2 * sizeof("…")];
    size_t len;
    struct store_mark marks[SEARCH_SNIPPET_MARKS];
    size_t mark_count;
};

/* Cuts between characters, at spaces where there are some, and puts … where something is left out.
 * Control characters become spaces. A text in which nothing matches gives its beginning. */
void search_snippet_make(const struct search_tokens *tokens, const struct search_query *query,
                         struct slice text, struct search_snippet *out);

#endif
