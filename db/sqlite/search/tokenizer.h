/*
 * Words as the full-text tables have them: SQLite's own tokenizer, run over any text and followed
 * by db/sqlite/search/fold.h. A tokenizer belongs to its connection's thread.
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

/* A word, folded, and where in the text it stands. Returns false to see no more. */
typedef bool (*search_token_fn)(void *arg, struct slice word, size_t from, size_t to);

/* FTS5's interface on a connection. NULL, with `err`, when this SQLite has none. */
fts5_api *search_tokens_api(sqlite3 *db, struct error *err);

MUST_USE bool search_tokens_init(struct search_tokens *tokens, sqlite3 *db, struct error *err);
void search_tokens_release(struct search_tokens *tokens);

void search_tokens_visit(const struct search_tokens *tokens, struct slice text,
                         search_token_fn visit, void *arg);

#endif
