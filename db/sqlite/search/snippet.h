/* Makes a snippet: the part of a text with the highest density of the query's words, which are
 * marked. Pure, on the thread of the tokenizer. */
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

/* Cuts between characters, at spaces if possible, and adds … where text is omitted. Replaces
 * control characters by spaces. Without a match, the snippet is the beginning of the text. */
void search_snippet_make(const struct search_tokens *tokens, const struct search_query *query,
                         struct slice text, struct search_snippet *out);

#endif
