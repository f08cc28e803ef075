#include "routes/events/params.h"

#include "db/base/timestamp.h"
#include "routes/events/consumer_name.h"
#include "routes/http/query_params.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

/* Reading this many events takes well under a millisecond. */
#define SHORT_LIMIT 200

/* Scanning this many rows takes about 50 ms. */
#define SCAN_MAX_ROWS 100000

enum parameter {
    PARAMETER_AFTER,
    PARAMETER_BEFORE,
    PARAMETER_LIMIT,
    PARAMETER_TYPE,
    PARAMETER_SESSION_ID,
    PARAMETER_THREAD_ID,
    PARAMETER_PROJECT_PATH,
    PARAMETER_CONSUMER,
    PARAMETER_COUNT
};

static const char *const names[PARAMETER_COUNT] = {
    "after", "before", "limit", "type", "session_id", "thread_id", "project_path", "consumer",
};

#define PAGE_PARAMETERS ((QUERY_BIT(PARAMETER_COUNT) - 1) & ~QUERY_BIT(PARAMETER_BEFORE))
#define TIMELINE_PARAMETERS                                                                        \
    (QUERY_BIT(PARAMETER_BEFORE) | QUERY_BIT(PARAMETER_LIMIT) | QUERY_BIT(PARAMETER_TYPE))

struct params_parser {
    struct query_params reader;
    struct store_event_query query;
};

static bool reject_value(const struct params_parser *parser, enum parameter which, const char *why)
{
    return query_reject_value(&parser->reader, which, why);
}

static bool parse_type(struct params_parser *parser, struct slice value)
{
    enum store_event_type type;

    if (!store_event_parse(value, &type))
        return reject_value(
            parser, PARAMETER_TYPE,
            "type must be one of session.created, .updated, .transitioned, .deleted, "
            ".recovered, .relocated, entries.appended, lease.granted, .released, "
            ".expired, .stolen");
    parser->query.types |= 1U << type;
    return true;
}

/* Validates the id and converts it to lower case in place, as ids are stored. */
static bool parse_session_id(struct params_parser *parser, struct slice value)
{
    const size_t at = parser->reader.ranges[PARAMETER_SESSION_ID].at;
    char id[UUID_SIZE];

    if (!uuid_read(value, id))
        return reject_value(parser, PARAMETER_SESSION_ID, "session_id must be a UUID");
    memcpy(parser->reader.text->data + at, id, UUID_LENGTH);
    return true;
}

static bool on_parameter(void *arg, unsigned which, struct slice value)
{
    struct params_parser *parser = arg;

    switch ((enum parameter)which) {
    case PARAMETER_AFTER:
        return query_number(value, 0, TIMESTAMP_MAX_US, &parser->query.after) ||
               reject_value(parser, which,
                            "after must be the id of an event, or 0 to begin with the oldest");
    case PARAMETER_BEFORE:
        return query_number(value, 1, TIMESTAMP_MAX_US, &parser->query.before) ||
               reject_value(parser, which, "before must be the id of an event");
    case PARAMETER_LIMIT:
        return query_limit(&parser->reader, which, value, LIMIT_MAX, &parser->query.limit);
    case PARAMETER_TYPE:
        return parse_type(parser, value);
    case PARAMETER_SESSION_ID:
        return parse_session_id(parser, value);
    case PARAMETER_THREAD_ID:
    case PARAMETER_PROJECT_PATH:
        return value.len > 0 || reject_value(parser, which, "the value must not be empty");
    case PARAMETER_CONSUMER:
        return consumer_name_is_valid(value) || reject_value(parser, which, CONSUMER_NAME_RULE);
    case PARAMETER_COUNT:
        break;
    }
    return false;
}

static bool read_query(struct slice query, struct params_parser *parser, unsigned known,
                       struct store_event_query *out)
{
    struct query_params *reader = &parser->reader;

    reader->names = names;
    reader->count = PARAMETER_COUNT;
    reader->known = known;
    reader->repeatable = QUERY_BIT(PARAMETER_TYPE);
    parser->query = (struct store_event_query){.limit = LIMIT_DEFAULT, .scan = SCAN_MAX_ROWS};
    if (!query_read(reader, query, on_parameter, parser))
        return false;
    if (query_has(reader, PARAMETER_CONSUMER) && query_has(reader, PARAMETER_AFTER))
        return reject_value(parser, PARAMETER_AFTER,
                            "consumer and after exclude each other; send one of them");
    *out = parser->query;
    out->session_id = query_text(reader, PARAMETER_SESSION_ID);
    out->thread_id = query_text(reader, PARAMETER_THREAD_ID);
    out->project_path = query_text(reader, PARAMETER_PROJECT_PATH);
    out->consumer = query_text(reader, PARAMETER_CONSUMER);
    return true;
}

bool event_params_read(struct slice query, struct buffer *text, struct store_event_query *out,
                       struct error *err)
{
    struct params_parser parser = {.reader = {.text = text, .err = err}};

    return read_query(query, &parser, PAGE_PARAMETERS, out);
}

bool event_params_read_stream(struct slice query, struct buffer *text,
                              struct store_event_query *out, bool *has_position, struct error *err)
{
    struct params_parser parser = {.reader = {.text = text, .err = err}};

    if (!read_query(query, &parser, PAGE_PARAMETERS & ~QUERY_BIT(PARAMETER_LIMIT), out))
        return false;
    *has_position =
        query_has(&parser.reader, PARAMETER_AFTER) || query_has(&parser.reader, PARAMETER_CONSUMER);
    return true;
}

bool event_params_read_timeline(struct slice query, struct buffer *text,
                                struct store_event_query *out, struct error *err)
{
    struct params_parser parser = {.reader = {.text = text, .err = err}};

    if (!read_query(query, &parser, TIMELINE_PARAMETERS, out))
        return false;
    out->timeline = true;
    return true;
}

bool event_params_is_long(const struct store_event_query *query)
{
    return query->limit > SHORT_LIMIT || query->timeline || query->types != 0 ||
           query->session_id.data != NULL || query->thread_id.data != NULL ||
           query->project_path.data != NULL;
}
