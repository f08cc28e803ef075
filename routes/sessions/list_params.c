#include "routes/sessions/list_params.h"

#include "routes/http/query_params.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 1000

/* A list of this many rows without contexts takes well under a millisecond, unless it intersects
 * two indexes. */
#define SHORT_LIMIT 200

enum parameter {
    PARAMETER_LIMIT,
    PARAMETER_CURSOR,
    PARAMETER_STATUS,
    PARAMETER_THREAD_ID,
    PARAMETER_PROJECT_PATH,
    PARAMETER_ORDER,
    PARAMETER_INCLUDE,
    PARAMETER_COUNT
};

static const char *const names[PARAMETER_COUNT] = {
    "limit", "cursor", "status", "thread_id", "project_path", "order", "include",
};

struct params_parser {
    struct query_params reader;
    struct store_list_query query;
};

static bool reject_value(const struct params_parser *parser, enum parameter which, const char *why)
{
    return query_reject_value(&parser->reader, which, why);
}

static bool parse_order(struct params_parser *parser, struct slice value)
{
    parser->query.ascending = slice_is(value, "asc");
    return parser->query.ascending || slice_is(value, "desc") ||
           reject_value(parser, PARAMETER_ORDER,
                        "order must be desc (newest first) or asc (oldest first)");
}

static bool on_parameter(void *arg, unsigned which, struct slice value)
{
    struct params_parser *parser = arg;

    switch ((enum parameter)which) {
    case PARAMETER_LIMIT:
        return query_limit(&parser->reader, which, value, LIMIT_MAX, &parser->query.limit);
    case PARAMETER_CURSOR:
        return query_number(value, 1, INT64_MAX, &parser->query.after) ||
               reject_value(parser, which, "cursor must be the next_cursor of the previous page");
    case PARAMETER_STATUS:
        return query_status(&parser->reader, which, value, &parser->query.statuses);
    case PARAMETER_THREAD_ID:
        return value.len > 0 || reject_value(parser, which, "thread_id must not be empty");
    case PARAMETER_PROJECT_PATH:
        return value.len > 0 || reject_value(parser, which, "project_path must not be empty");
    case PARAMETER_ORDER:
        return parse_order(parser, value);
    case PARAMETER_INCLUDE:
        parser->query.with_context = true;
        return slice_is(value, "context") || reject_value(parser, which, "include must be context");
    case PARAMETER_COUNT:
        break;
    }
    return false;
}

bool list_params_read(struct slice query, struct buffer *text, struct store_list_query *out,
                      struct error *err)
{
    struct params_parser parser = {
        .reader = {.names = names,
                   .count = PARAMETER_COUNT,
                   .known = QUERY_BIT(PARAMETER_COUNT) - 1,
                   .repeatable = QUERY_BIT(PARAMETER_STATUS),
                   .text = text,
                   .err = err},
        .query = {.limit = LIMIT_DEFAULT},
    };

    if (!query_read(&parser.reader, query, on_parameter, &parser))
        return false;
    *out = parser.query;
    out->thread_id = query_text(&parser.reader, PARAMETER_THREAD_ID);
    out->project_path = query_text(&parser.reader, PARAMETER_PROJECT_PATH);
    return true;
}

bool list_params_is_long(const struct store_list_query *query)
{
    const bool intersects = query->thread_id.data != NULL && query->project_path.data != NULL;

    return query->with_context || intersects || query->limit > SHORT_LIMIT;
}

void list_params_add_cursor(struct buffer *out, const struct store_page *page)
{
    buffer_add_int(out, page->last);
}

void list_params_add_link(struct buffer *out, struct slice query, const struct store_page *page)
{
    struct query_parameter parameter;

    buffer_add_text(out, "</sessions?");
    while (query_next(&query, &parameter)) {
        if (slice_is(parameter.name, "cursor"))
            continue;
        query_add_raw(out, parameter.raw);
        buffer_add_char(out, '&');
    }
    buffer_add_text(out, "cursor=");
    list_params_add_cursor(out, page);
    buffer_add_text(out, ">; rel=\"next\"");
}
