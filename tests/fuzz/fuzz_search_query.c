/*
 * What a person types, and a text behind a line end: FTS5 takes every expression that is made of
 * it, its words begin and end in pairs, and the snippet of a text that FTS5 finds has a mark, of
 * one that it does not find none unless a part of the words is there.
 *
 * Covers: db/sqlite/search/fold.c db/sqlite/search/query_parser.c db/sqlite/search/snippet.c
 * db/sqlite/search/tokenizer.c
 */
#include "db/sqlite/search/fold.h"
#include "db/sqlite/search/snippet.h"
#include "routes/json/utf8.h"
#include "tests/fuzz/expect.h"

#include <stdint.h>
#include <stdlib.h>

#define MAX_BYTES 3000

static sqlite3 *db;
static sqlite3_stmt *put;
static sqlite3_stmt *look;
static struct search_tokens tokens;

static void prepare(void)
{
    struct error err;

    if (db != NULL)
        return;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "CREATE VIRTUAL TABLE t USING fts5(text,"
                     " tokenize = 'unicode61 remove_diacritics 2')",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "REPLACE INTO t (rowid, text) VALUES (1, ?1)", -1, &put, NULL) !=
            SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT rowid FROM t WHERE t MATCH ?1", -1, &look, NULL) !=
            SQLITE_OK ||
        !search_tokens_init(&tokens, db, &err))
        abort();
}

/* The text is folded before it is indexed, as db/sqlite/search/index.c does. */
static bool is_found(const struct search_query *query, struct slice text)
{
    static char folded[MAX_BYTES];

    memcpy(folded, text.data, text.len);
    search_fold_marks(folded, text.len);
    const size_t folded_len = search_fold_letters((struct slice){folded, text.len}, folded);
    sqlite3_bind_text64(put, 1, folded, folded_len, SQLITE_STATIC, SQLITE_UTF8);
    expect(sqlite3_step(put) == SQLITE_DONE, "the text is not taken", text);
    sqlite3_reset(put);
    sqlite3_bind_text(look, 1, query->match, -1, SQLITE_STATIC);
    const int result = sqlite3_step(look);
    expect(result == SQLITE_ROW || result == SQLITE_DONE, sqlite3_errmsg(db),
           slice_from(query->match));
    sqlite3_reset(look);
    return result == SQLITE_ROW;
}

static void check_words(const struct search_query *query, struct slice typed)
{
    bool open = false;

    for (size_t i = 0; i < query->word_count; i++) {
        expect(query->words[i].begins != open, "a term within a term", typed);
        open = !query->words[i].ends;
        expect(query->words[i].text.len > 0, "an empty word", typed);
    }
    expect(!open && query->word_count > 0, "a term without an end", typed);
}

static void check_snippet(const struct search_query *query, struct slice text)
{
    const bool found = is_found(query, text);
    struct search_snippet snippet;
    size_t behind = 0;

    search_snippet_make(&tokens, query, text, &snippet);
    expect(snippet.len <= sizeof(snippet.text), "the length", text);
    expect(!found || snippet.mark_count > 0, "no mark", text);
    for (size_t i = 0; i < snippet.mark_count; i++) {
        const struct store_mark *mark = &snippet.marks[i];
        expect(mark->from >= behind && mark->from < mark->to && mark->to <= snippet.len,
               "a mark's place", text);
        behind = mark->to;
    }
}

static bool is_utf8(struct slice text)
{
    const char *end = text.data + text.len;

    for (const char *at = text.data; at < end;) {
        const size_t len = (unsigned char)*at < 0x80 ? 1 : json_utf8_length(at, end);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct search_query query;
    const char *line_end = size == 0 ? NULL : memchr(data, '\n', size);
    struct error err = {0};

    if (line_end == NULL || size > MAX_BYTES)
        return 0;
    const struct slice typed = {(const char *)data, (size_t)(line_end - (const char *)data)};
    const struct slice text = {line_end + 1, size - typed.len - 1};
    if (!is_utf8(typed) || !is_utf8(text))
        return 0;
    prepare();
    if (!search_query_parse(&tokens, typed, &query, &err)) {
        expect(err.kind == ERROR_INVALID_QUERY && strcmp(err.field, "q") == 0, "a refusal", typed);
        return 0;
    }
    check_words(&query, typed);
    check_snippet(&query, text);
    return 0;
}
