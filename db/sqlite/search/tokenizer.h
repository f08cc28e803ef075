/*
 * The tokenizer of the full-text tables: SQLite's unicode61 and db/sqlite/search/fold.h, for any
 * text. A tokenizer belongs to the thread of its connection.
 */
#ifndef SESSIOND_DB_SQLITE_SEARCH_TOKENIZER_H
#define SESSIOND_DB_SQLITE_SEARCH_TOKENIZER_H

#include "db/base/error.h"
#include "db/base/slice.h"

#include <sqlite3.h>

struct search_tokens {
    fts5_tokenizer methods;
    Fts5Tokenizer *tokenizer;
};

/* Receives a folded word and its byte range in the text. `word` is valid during the call. Returns
 * false to stop. */
typedef bool (*search_token_fn)(void *arg, struct slice word, size_t from, size_t to);

/* Returns FTS5's API of a connection. NULL, with *err set, when this SQLite has no FTS5. */
fts5_api *search_tokens_api(sqlite3 *db, struct error *err);

/* Creates the tokenizer. ERROR_INTERNAL when SQLite has none. search_tokens_release frees it;
 * *tokens may be zero. */
MUST_USE bool search_tokens_init(struct search_tokens *tokens, sqlite3 *db, struct error *err);
void search_tokens_release(struct search_tokens *tokens);

/* Calls `visit` for each word of the text. Aborts when memory runs out. */
void search_tokens_visit(const struct search_tokens *tokens, struct slice text,
                         search_token_fn visit, void *arg);

#endif
