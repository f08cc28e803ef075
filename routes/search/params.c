#include "routes/search/params.h"

#include "routes/http/query_params.h"

#define LIMIT_DEFAULT 20

enum parameter {
    PARAMETER_Q,
    PARAMETER_LIMIT,
    PARAMETER_CURSOR,
    PARAMETER_STATUS,
    PARAMETER_THREAD_ID,
    PARAMETER_PROJECT_PATH,
    PARAMETER_COUNT
};

static const char *const names[PARAMETER_COUNT] = {
    "q", "limit", "cursor", "status", "thread_id", "project_path",
};

struct params_parser {
    struct query_params reader;
    struct store_search_query *query;
};

static bool reject_value(const struct params_parser *parser, enum parameter which, const char *why)
{
    return query_reject_value(&parser->reader, which, why);
}

/* Parses a decimal number and removes it from the front of *rest. Returns false when there is no
 * digit or the number exceeds 64 bits. */
static bool parse_number(struct slice *rest, uint64_t *out)
{
    uint64_t number = 0;
    size_t at = 0;

    for (; at < rest->len && rest->data[at] >= '0' && rest->data[at] <= '9'; at++) {
        const uint64_t digit = (uint64_t)(rest->data[at] - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *rest = (struct slice){rest->data + at, rest->len - at};
    *out = number;
    return at > 0;
}

static bool parse_cursor(struct params_parser *parser, struct slice value)
{
    uint64_t score;
    uint64_t document;

    if (!parse_number(&value, &score) || score < 1 || score > STORE_SEARCH_SCORE_MAX ||
        value.len == 0 || *value.data != '-')
        goto refused;
    value = (struct slice){value.data + 1, value.len - 1};
    if (!parse_number(&value, &document) || value.len > 0)
        goto refused;
    parser->query->after = (struct store_search_cursor){(int64_t)score, (int64_t)document};
    return true;

refused:
    return reject_value(parser, PARAMETER_CURSOR,
                        "cursor must be the next_cursor of the previous page");
}

static bool on_parameter(void *arg, unsigned which, struct slice value)
{
    struct params_parser *parser = arg;

    switch ((enum parameter)which) {
    case PARAMETER_LIMIT:
        return query_limit(&parser->reader, which, value, STORE_SEARCH_LIMIT_MAX,
                           &parser->query->limit);
    case PARAMETER_CURSOR:
        return parse_cursor(parser, value);
    case PARAMETER_STATUS:
        return query_status(&parser->reader, which, value, &parser->query->statuses);
    case PARAMETER_THREAD_ID:
    case PARAMETER_PROJECT_PATH:
        return value.len > 0 || reject_value(parser, which, "the value must not be empty");
    case PARAMETER_Q:
    case PARAMETER_COUNT:
        break;
    }
    return true;
}

bool search_params_read(struct slice query, struct buffer *text, struct store_search_query *out,
                        struct error *err)
{
    struct params_parser parser = {
        .reader = {.names = names,
                   .count = PARAMETER_COUNT,
                   .known = QUERY_BIT(PARAMETER_COUNT) - 1,
                   .repeatable = QUERY_BIT(PARAMETER_STATUS),
                   .text = text,
                   .err = err},
        .query = out,
    };

    *out = (struct store_search_query){.limit = LIMIT_DEFAULT};
    if (!query_read(&parser.reader, query, on_parameter, &parser))
        return false;
    if (!query_has(&parser.reader, PARAMETER_Q))
        return reject_value(&parser, PARAMETER_Q,
                            "q is missing; set it to the words to search for");
    out->text = query_text(&parser.reader, PARAMETER_Q);
    out->thread_id = query_text(&parser.reader, PARAMETER_THREAD_ID);
    out->project_path = query_text(&parser.reader, PARAMETER_PROJECT_PATH);
    return true;
}

void search_params_add_cursor(struct buffer *out, const struct store_search_cursor *last)
{
    buffer_printf(out, "%lld-%llu", (long long)last->score, (unsigned long long)last->document);
}
