#include "db/sqlite/search/tokenizer.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/search/fold.h"

#include <stdlib.h>

/* See https://sqlite.org/fts5.html#extending_fts5 */
fts5_api *search_tokens_api(sqlite3 *db, struct error *err)
{
    fts5_api *api = NULL;
    sqlite3_stmt *stmt;

    if (!connection_prepare(db, "SELECT fts5(?1)", &stmt, err))
        return NULL;
    sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    if (api == NULL)
        error_set(err, ERROR_INTERNAL, NULL, "this SQLite was built without FTS5");
    return api;
}

bool search_tokens_init(struct search_tokens *tokens, sqlite3 *db, struct error *err)
{
    /* The same options as in db/sqlite/schema/search.sql. */
    const char *options[] = {"remove_diacritics", "2"};
    fts5_api *api = search_tokens_api(db, err);
    void *context;

    *tokens = (struct search_tokens){0};
    if (api == NULL)
        return false;
    if (api->xFindTokenizer(api, "unicode61", &context, &tokens->methods) != SQLITE_OK ||
        tokens->methods.xCreate(context, options, 2, &tokens->tokenizer) != SQLITE_OK)
        return error_set(err, ERROR_INTERNAL, NULL, "SQLite has no tokenizer unicode61");
    return true;
}

void search_tokens_release(struct search_tokens *tokens)
{
    if (tokens->tokenizer != NULL)
        tokens->methods.xDelete(tokens->tokenizer);
    tokens->tokenizer = NULL;
}

struct visiting {
    search_token_fn visit;
    void *arg;
    char *folded; /* the last word */
    size_t room;
};

static int on_token(void *arg, int flags, const char *word, int len, int from, int to)
{
    struct visiting *visiting = arg;
    const struct slice text = {word, (size_t)len};

    (void)flags;
    if (text.len > visiting->room) {
        free(visiting->folded);
        visiting->room = 2 * text.len;
        visiting->folded = malloc(visiting->room);
        if (visiting->folded == NULL)
            abort();
    }
    const size_t folded_len = search_fold_letters(text, visiting->folded);
    return visiting->visit(visiting->arg, (struct slice){visiting->folded, folded_len},
                           (size_t)from, (size_t)to)
               ? SQLITE_OK
               : SQLITE_DONE;
}

void search_tokens_visit(const struct search_tokens *tokens, struct slice text,
                         search_token_fn visit, void *arg)
{
    struct visiting visiting = {.visit = visit, .arg = arg};
    char *copy = malloc(text.len + 1);

    if (copy == NULL)
        abort();
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    search_fold_marks(copy, text.len);
    tokens->methods.xTokenize(tokens->tokenizer, &visiting, FTS5_TOKENIZE_AUX, copy, (int)text.len,
                              on_token);
    free(copy);
    free(visiting.folded);
}
