/*
 * What a person typed, as an expression of FTS5 and as words to be marked. Every word is quoted,
 * so nothing that is typed is FTS5's syntax. See db/store/search.h for the language.
 */
#ifndef SESSIOND_DB_SQLITE_SEARCH_QUERY_PARSER_H
#define SESSIOND_DB_SQLITE_SEARCH_QUERY_PARSER_H

#include "db/sqlite/search/tokenizer.h"
#include "db/store/search.h"

/* ` AND "" *` around each word. No quote stands within one. */
#define SEARCH_QUERY_SQL_MAX (STORE_SEARCH_TEXT_MAX_BYTES + 10 * STORE_SEARCH_WORDS_MAX + 1)

struct search_word {
    struct slice text; /* folded; in `folded` */
    bool begins;       /* a term, of one word or several, begins here */
    bool ends;         /* it ends here */
    bool is_prefix;
};

struct search_query {
    char match[SEARCH_QUERY_SQL_MAX]; /* the expression, NUL-terminated */
    size_t match_len;
    struct search_word words[STORE_SEARCH_WORDS_MAX];
    size_t word_count;
    char folded[4 * STORE_SEARCH_TEXT_MAX_BYTES];
    size_t folded_len;
};

/* `text` is UTF-8. ERROR_INVALID_QUERY, naming `q`, when it has no word or too many, or is too
 * long. */
MUST_USE bool search_query_parse(const struct search_tokens *tokens, struct slice text,
                                 struct search_query *out, struct error *err);

#endif
