#include "db/sqlite/search/query_parser.h"

#include "db/sqlite/search/fold.h"

/* A separator between terms. U+0000 would end an expression. */
static bool is_space(char c)
{
    return c == ' ' || (unsigned char)c < ' ';
}

/* Removes the next term from the front: it ends at the closing quote, or at a space or a quote. */
static struct slice parse_term(struct slice *rest)
{
    struct slice term;
    size_t at = 0;

    while (at < rest->len && is_space(rest->data[at]))
        at++;
    const bool is_quoted = at < rest->len && rest->data[at] == '"';
    at += is_quoted;
    term.data = rest->data + at;
    while (at < rest->len && rest->data[at] != '"' && (is_quoted || !is_space(rest->data[at])))
        at++;
    term.len = (size_t)(rest->data + at - term.data);
    at += is_quoted && at < rest->len;
    *rest = (struct slice){rest->data + at, rest->len - at};
    return term;
}

/* Removes a * after the term, inside or outside the quotes. True when there was one. */
static bool parse_star(struct slice *term, struct slice *rest)
{
    bool has_star = false;

    while (term->len > 0 && term->data[term->len - 1] == '*') {
        term->len--;
        has_star = true;
    }
    while (rest->len > 0 && *rest->data == '*') {
        *rest = (struct slice){rest->data + 1, rest->len - 1};
        has_star = true;
    }
    return has_star;
}

struct adding {
    struct search_query *query;
    bool has_too_many;
};

static bool add_word(void *arg, struct slice word, size_t from, size_t to)
{
    struct adding *adding = arg;
    struct search_query *query = adding->query;
    char *dest = query->folded + query->folded_len;

    (void)from;
    (void)to;
    adding->has_too_many = query->word_count == STORE_SEARCH_WORDS_MAX ||
                           word.len > sizeof(query->folded) - query->folded_len;
    if (adding->has_too_many)
        return false;
    memcpy(dest, word.data, word.len);
    query->folded_len += word.len;
    query->words[query->word_count++] = (struct search_word){.text = {dest, word.len}};
    return true;
}

static size_t count_characters(struct slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += (text.data[i] & 0xc0) != 0x80;
    return count;
}

static void append_to_match(struct search_query *query, struct slice text)
{
    memcpy(query->match + query->match_len, text.data, text.len);
    query->match_len += text.len;
}

static void append_quoted(struct search_query *query, struct slice term, bool is_prefix)
{
    if (query->match_len > 0)
        append_to_match(query, SLICE_LITERAL(" AND "));
    append_to_match(query, SLICE_LITERAL("\""));
    for (size_t i = 0; i < term.len; i++)
        append_to_match(query, is_space(term.data[i]) ? SLICE_LITERAL(" ")
                                                      : (struct slice){term.data + i, 1});
    append_to_match(query, is_prefix ? SLICE_LITERAL("\" *") : SLICE_LITERAL("\""));
}

static bool add_term(const struct search_tokens *tokens, struct slice term, bool is_prefix,
                     struct search_query *query, struct error *err)
{
    struct adding adding = {.query = query};
    const size_t first = query->word_count;

    search_tokens_visit(tokens, term, add_word, &adding);
    if (adding.has_too_many)
        return error_set(err, ERROR_INVALID_QUERY, "q",
                         "q has more than %d words, which is the limit", STORE_SEARCH_WORDS_MAX);
    if (query->word_count == first)
        return true;
    struct search_word *last = &query->words[query->word_count - 1];
    query->words[first].begins = true;
    last->ends = true;
    last->is_prefix = is_prefix;
    if (is_prefix && count_characters(last->text) < STORE_SEARCH_PREFIX_MIN)
        return error_set(err, ERROR_INVALID_QUERY, "q", "a * must follow at least %d letters",
                         STORE_SEARCH_PREFIX_MIN);
    append_quoted(query, term, is_prefix);
    return true;
}

bool search_query_parse(const struct search_tokens *tokens, struct slice text,
                        struct search_query *out, struct error *err)
{
    char folded[STORE_SEARCH_TEXT_MAX_BYTES];
    struct slice rest;

    out->match_len = out->word_count = out->folded_len = 0;
    if (text.len > STORE_SEARCH_TEXT_MAX_BYTES)
        return error_set(err, ERROR_INVALID_QUERY, "q",
                         "q has more than %d bytes, which is the limit",
                         STORE_SEARCH_TEXT_MAX_BYTES);
    if (text.len > 0)
        memcpy(folded, text.data, text.len);
    search_fold_marks(folded, text.len);
    rest = (struct slice){folded, search_fold_letters((struct slice){folded, text.len}, folded)};
    while (rest.len > 0) {
        struct slice term = parse_term(&rest);
        const bool is_prefix = parse_star(&term, &rest);
        if (!add_term(tokens, term, is_prefix, out, err))
            return false;
    }
    if (out->word_count == 0)
        return error_set(err, ERROR_INVALID_QUERY, "q",
                         "q has no word; a word has letters or digits");
    out->match[out->match_len] = '\0';
    return true;
}
