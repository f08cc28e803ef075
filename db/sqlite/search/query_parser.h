/*
 * Translates a user's query into an FTS5 expression and a list of words to mark in snippets. Each
 * word is quoted, so the user's text is never FTS5 syntax. See db/store/search.h for the query
 * language.
 */
#ifndef SESSIOND_DB_SQLITE_SEARCH_QUERY_PARSER_H
#define SESSIOND_DB_SQLITE_SEARCH_QUERY_PARSER_H

#include "db/sqlite/search/tokenizer.h"
#include "db/store/search.h"

/* ` AND "" *` around each word. A word has no quote character. */
#define SEARCH_QUERY_SQL_MAX (STORE_SEARCH_TEXT_MAX_BYTES + 10 * STORE_SEARCH_WORDS_MAX + 1)

struct search_word {
    struct slice text; /* folded; in `folded` */
    bool begins;       /* first word of a term */
    bool ends;         /* last word of a term */
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

/* Parses a UTF-8 query. Pure, on the thread of `tokens`. ERROR_INVALID_QUERY with the field `q`
 * when it has no word, too many words, or too many bytes. */
MUST_USE bool search_query_parse(const struct search_tokens *tokens, struct slice text,
                                 struct search_query *out, struct error *err);

#endif
