#include "routes/entries/params.h"

#include "routes/http/query_params.h"
#include "routes/json/utf8.h"

#define LIMIT_MAX 1000
#define WAIT_MAX_SECONDS 60

enum parameter {
    PARAMETER_STREAM,
    PARAMETER_EXPECT_LAST_SEQ,
    PARAMETER_AFTER,
    PARAMETER_AFTER_NAME,
    PARAMETER_BEFORE,
    PARAMETER_ORDER,
    PARAMETER_LIMIT,
    PARAMETER_WAIT,
    PARAMETER_COUNT
};

static const char *const names[PARAMETER_COUNT] = {
    [PARAMETER_STREAM] = "stream", [PARAMETER_EXPECT_LAST_SEQ] = "expect_last_seq",
    [PARAMETER_AFTER] = "after",   [PARAMETER_AFTER_NAME] = "after",
    [PARAMETER_BEFORE] = "before", [PARAMETER_ORDER] = "order",
    [PARAMETER_LIMIT] = "limit",   [PARAMETER_WAIT] = "wait",
};

struct params_parser {
    struct query_params reader;
    int64_t numbers[PARAMETER_COUNT];
    int limit;
    bool descending;
};

static bool reject_value(const struct params_parser *parser, enum parameter which, const char *why)
{
    return query_reject_value(&parser->reader, which, why);
}

bool entries_params_is_stream(struct slice value)
{
    return value.len >= 1 && value.len <= ENTRIES_STREAM_MAX && !json_utf8_has_control(value);
}

static bool parse_order(struct params_parser *parser, struct slice value)
{
    parser->descending = slice_is(value, "desc");
    return parser->descending || slice_is(value, "asc") ||
           reject_value(parser, PARAMETER_ORDER,
                        "order must be asc (oldest first) or desc (newest first)");
}

static bool on_parameter(void *arg, unsigned which, struct slice value)
{
    struct params_parser *parser = arg;
    int64_t *number = &parser->numbers[which];

    switch ((enum parameter)which) {
    case PARAMETER_STREAM:
    case PARAMETER_AFTER_NAME:
        return entries_params_is_stream(value) ||
               reject_value(parser, which,
                            "stream must have 1 to 256 bytes of UTF-8 without control characters");
    case PARAMETER_EXPECT_LAST_SEQ:
    case PARAMETER_AFTER:
        return query_number(value, 0, INT64_MAX, number) ||
               reject_value(parser, which, "the value must be the seq of an entry, or 0");
    case PARAMETER_BEFORE:
        return query_number(value, 1, INT64_MAX, number) ||
               reject_value(parser, which, "the value must be the seq of an entry");
    case PARAMETER_ORDER:
        return parse_order(parser, value);
    case PARAMETER_LIMIT:
        return query_limit(&parser->reader, which, value, LIMIT_MAX, &parser->limit);
    case PARAMETER_WAIT:
        return query_number(value, 1, WAIT_MAX_SECONDS, number) ||
               reject_value(parser, which, "wait must be a number of seconds from 1 to 60");
    case PARAMETER_COUNT:
        break;
    }
    return false;
}

/* `known`: the parameters that this query may have, as bits. */
static bool parse_query(struct params_parser *parser, unsigned known, struct slice query)
{
    parser->reader.names = names;
    parser->reader.count = PARAMETER_COUNT;
    parser->reader.known = known;
    return query_read(&parser->reader, query, on_parameter, parser);
}

static struct slice stream_or_default(const struct params_parser *parser)
{
    return query_has(&parser->reader, PARAMETER_STREAM)
               ? query_text(&parser->reader, PARAMETER_STREAM)
               : SLICE_LITERAL(ENTRIES_STREAM_DEFAULT);
}

bool entries_params_append(struct slice query, struct buffer *text, struct store_append *out,
                           struct error *err)
{
    struct params_parser parser = {.reader = {.text = text, .err = err}};

    if (!parse_query(&parser, QUERY_BIT(PARAMETER_STREAM) | QUERY_BIT(PARAMETER_EXPECT_LAST_SEQ),
                     query))
        return false;
    out->stream = stream_or_default(&parser);
    out->has_expected = query_has(&parser.reader, PARAMETER_EXPECT_LAST_SEQ);
    out->expected = parser.numbers[PARAMETER_EXPECT_LAST_SEQ];
    return true;
}

bool entries_params_read(struct slice query, struct buffer *text, struct store_entry_query *out,
                         int64_t *wait_s, struct error *err)
{
    const unsigned known = QUERY_BIT(PARAMETER_STREAM) | QUERY_BIT(PARAMETER_AFTER) |
                           QUERY_BIT(PARAMETER_BEFORE) | QUERY_BIT(PARAMETER_ORDER) |
                           QUERY_BIT(PARAMETER_LIMIT) | QUERY_BIT(PARAMETER_WAIT);
    struct params_parser parser = {.reader = {.text = text, .err = err}};

    if (!parse_query(&parser, known, query))
        return false;
    if (parser.descending && query_has(&parser.reader, PARAMETER_WAIT))
        return reject_value(&parser, PARAMETER_WAIT,
                            "wait needs order=asc, because new entries are appended at the end");
    out->stream = stream_or_default(&parser);
    out->after = parser.numbers[PARAMETER_AFTER];
    out->before = parser.numbers[PARAMETER_BEFORE];
    out->limit = parser.limit;
    out->descending = parser.descending;
    *wait_s = parser.numbers[PARAMETER_WAIT];
    return true;
}

bool entries_params_streams(struct slice query, struct buffer *text, struct slice *after,
                            int *limit, struct error *err)
{
    struct params_parser parser = {
        .reader = {.text = text, .err = err},
        .limit = LIMIT_MAX,
    };

    if (!parse_query(&parser, QUERY_BIT(PARAMETER_AFTER_NAME) | QUERY_BIT(PARAMETER_LIMIT), query))
        return false;
    *after = query_has(&parser.reader, PARAMETER_AFTER_NAME)
                 ? query_text(&parser.reader, PARAMETER_AFTER_NAME)
                 : SLICE_LITERAL("");
    *limit = parser.limit;
    return true;
}
