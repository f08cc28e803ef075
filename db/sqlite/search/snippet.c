#include "db/sqlite/search/snippet.h"

#define LEAD_BYTES 48
#define MATCHES_MAX 256

/* Matches terms with Shift-And (Baeza-Yates and Gonnet, 1992): bit i of `state` is set if the last
 * words of the text equal the words of a term up to the query's word i. */
struct matching {
    const struct search_query *query;
    uint32_t begins;
    uint32_t ends;
    uint32_t state;
    size_t seen;                           /* number of words */
    size_t starts[STORE_SEARCH_WORDS_MAX]; /* offsets of the last words, a ring buffer */
    struct store_mark found[MATCHES_MAX];
    size_t count;
};

static bool matches_word(const struct search_word *wanted, struct slice word)
{
    if (!wanted->is_prefix)
        return slice_equal(wanted->text, word);
    return word.len >= wanted->text.len &&
           memcmp(word.data, wanted->text.data, wanted->text.len) == 0;
}

static uint32_t match_bits(const struct search_query *query, struct slice word)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < query->word_count; i++)
        bits |= (uint32_t)matches_word(&query->words[i], word) << i;
    return bits;
}

/* Number of words of the longest term that ends at the word `i`. */
static size_t term_length(const struct search_query *query, size_t i)
{
    size_t length = 1;

    while (!query->words[i - length + 1].begins)
        length++;
    return length;
}

static size_t find_longest_term(const struct search_query *query, uint32_t ended)
{
    size_t longest = 0;

    for (size_t i = 0; i < query->word_count; i++) {
        const size_t length = ended >> i & 1 ? term_length(query, i) : 0;
        longest = length > longest ? length : longest;
    }
    return longest;
}

static bool match_word(void *arg, struct slice word, size_t from, size_t to)
{
    struct matching *matching = arg;
    struct store_mark *last = matching->found + matching->count;

    matching->starts[matching->seen++ % STORE_SEARCH_WORDS_MAX] = from;
    matching->state = (matching->state << 1 | matching->begins) & match_bits(matching->query, word);
    const size_t length = find_longest_term(matching->query, matching->state & matching->ends);
    if (length == 0)
        return true;
    from = matching->starts[(matching->seen - length) % STORE_SEARCH_WORDS_MAX];
    if (matching->count > 0 && last[-1].to > from) {
        last[-1].to = to;
        return true;
    }
    *last = (struct store_mark){from, to};
    return ++matching->count < MATCHES_MAX;
}

static void find_matches(const struct search_tokens *tokens, const struct search_query *query,
                         struct slice text, struct matching *out)
{
    out->query = query;
    out->begins = out->ends = out->state = 0;
    out->seen = out->count = 0;
    for (size_t i = 0; i < query->word_count; i++) {
        out->begins |= (uint32_t)query->words[i].begins << i;
        out->ends |= (uint32_t)query->words[i].ends << i;
    }
    search_tokens_visit(tokens, text, match_word, out);
}

/* The first match of the group with the most matches within one snippet. */
static size_t find_densest(const struct matching *matching)
{
    size_t best = 0;
    size_t most = 0;
    size_t end = 0;

    for (size_t i = 0; i < matching->count; i++) {
        while (end < matching->count && matching->found[end].to <= matching->found[i].from +
                                                                       SEARCH_SNIPPET_BYTES -
                                                                       LEAD_BYTES)
            end++;
        if (end > i && end - i > most) {
            most = end - i;
            best = i;
        }
        end = end > i ? end : i + 1;
    }
    return best;
}

static bool is_within_character(char c)
{
    return (c & 0xc0) == 0x80;
}

static bool is_blank(char c)
{
    return c == ' ' || (unsigned char)c < ' ';
}

/* The start of a snippet, at most LEAD_BYTES before `at`: after a space if there is one. */
static size_t find_begin(struct slice text, size_t at)
{
    size_t begin = at > LEAD_BYTES ? at - LEAD_BYTES : 0;

    if (begin == 0)
        return 0;
    for (size_t i = begin; i < at; i++) {
        if (is_blank(text.data[i]))
            return i + 1;
    }
    while (begin < at && is_within_character(text.data[begin]))
        begin++;
    return begin;
}

/* The end of a snippet: at a space if there is one after `least`. */
static size_t find_end(struct slice text, size_t begin, size_t least)
{
    size_t end = begin + SEARCH_SNIPPET_BYTES;

    if (end >= text.len)
        return text.len;
    for (size_t i = end; i > least; i--) {
        if (is_blank(text.data[i]))
            return i;
    }
    while (end > begin && is_within_character(text.data[end]))
        end--;
    return end;
}

static void append_text(struct search_snippet *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        out->text[out->len++] = c;
        if (is_blank(c))
            out->text[out->len - 1] = ' ';
    }
}

static void add_marks(const struct matching *matching, size_t begin, size_t end,
                      struct search_snippet *out)
{
    for (size_t i = 0; i < matching->count && out->mark_count < SEARCH_SNIPPET_MARKS; i++) {
        const struct store_mark *found = &matching->found[i];
        const size_t to = found->to < end ? found->to : end;
        if (found->from < begin || found->from >= end)
            continue;
        out->marks[out->mark_count++] =
            (struct store_mark){out->len + found->from - begin, out->len + to - begin};
    }
}

void search_snippet_make(const struct search_tokens *tokens, const struct search_query *query,
                         struct slice text, struct search_snippet *out)
{
    struct matching matching;
    size_t begin = 0;
    size_t least = 0;

    find_matches(tokens, query, text, &matching);
    if (matching.count > 0) {
        const struct store_mark *first = &matching.found[find_densest(&matching)];
        begin = find_begin(text, first->from);
        least = first->to;
    }
    const size_t end = find_end(text, begin, least);

    out->len = out->mark_count = 0;
    if (text.len == 0)
        return; /* corrupt: such a text is not indexed, and may be NULL */
    if (begin > 0)
        append_text(out, SLICE_LITERAL("…"));
    add_marks(&matching, begin, end, out);
    append_text(out, (struct slice){text.data + begin, end - begin});
    if (end < text.len)
        append_text(out, SLICE_LITERAL("…"));
}
