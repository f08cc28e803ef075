#include "routes/events/params.h"

#include "db/base/timestamp.h"
#include "routes/events/consumer_name.h"
#include "routes/http/query_params.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

/* So many are read well within a millisecond. */
#define SHORT_LIMIT 200

/* So many are looked at within some 50 ms. */
#define SCAN_MAX 100000

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

#define ALL_BUT_BEFORE ((QUERY_BIT(PARAMETER_COUNT) - 1) & ~QUERY_BIT(PARAMETER_BEFORE))
#define OF_A_TIMELINE                                                                              \
    (QUERY_BIT(PARAMETER_BEFORE) | QUERY_BIT(PARAMETER_LIMIT) | QUERY_BIT(PARAMETER_TYPE))

struct reading {
    struct query_params reader;
    struct store_event_query query;
};

static bool refuse(const struct reading *reading, enum parameter which, const char *why)
{
    return query_refuse_value(&reading->reader, which, why);
}

static bool read_type(struct reading *reading, struct slice value)
{
    enum store_event_type type;

    if (!store_event_parse(value, &type))
        return refuse(reading, PARAMETER_TYPE,
                      "type is one of session.created, .updated, .transitioned, .deleted, "
                      ".recovered, .relocated, entries.appended, lease.granted, .released, "
                      ".expired, .stolen");
    reading->query.types |= 1U << type;
    return true;
}

/* Ids are stored in lower case. */
static bool read_id(struct reading *reading, struct slice value)
{
    const size_t at = reading->reader.places[PARAMETER_SESSION_ID].at;
    char id[UUID_SIZE];

    if (!uuid_read(value, id))
        return refuse(reading, PARAMETER_SESSION_ID, "a session's id is a UUID");
    memcpy(reading->reader.text->data + at, id, UUID_LENGTH);
    return true;
}

static bool take(void *arg, unsigned which, struct slice value)
{
    struct reading *reading = arg;

    switch ((enum parameter)which) {
    case PARAMETER_AFTER:
        return query_number(value, 0, TIMESTAMP_MAX_US, &reading->query.after) ||
               refuse(reading, which, "after is the id of an event, or 0 for the oldest one on");
    case PARAMETER_BEFORE:
        return query_number(value, 1, TIMESTAMP_MAX_US, &reading->query.before) ||
               refuse(reading, which, "before is the id of an event");
    case PARAMETER_LIMIT:
        return query_limit(&reading->reader, which, value, LIMIT_MAX, &reading->query.limit);
    case PARAMETER_TYPE:
        return read_type(reading, value);
    case PARAMETER_SESSION_ID:
        return read_id(reading, value);
    case PARAMETER_THREAD_ID:
    case PARAMETER_PROJECT_PATH:
        return value.len > 0 || refuse(reading, which, "it must not be empty");
    case PARAMETER_CONSUMER:
        return consumer_name_is(value) || refuse(reading, which, CONSUMER_NAME_RULE);
    case PARAMETER_COUNT:
        break;
    }
    return false;
}

static bool read_query(struct slice query, struct reading *reading, unsigned known,
                       struct store_event_query *out)
{
    struct query_params *reader = &reading->reader;

    reader->names = names;
    reader->count = PARAMETER_COUNT;
    reader->known = known;
    reader->repeatable = QUERY_BIT(PARAMETER_TYPE);
    reading->query = (struct store_event_query){.limit = LIMIT_DEFAULT, .scan = SCAN_MAX};
    if (!query_read(reader, query, take, reading))
        return false;
    if (query_has(reader, PARAMETER_CONSUMER) && query_has(reader, PARAMETER_AFTER))
        return refuse(reading, PARAMETER_AFTER,
                      "a consumer's place stands for `after`: send one of them");
    *out = reading->query;
    out->session_id = query_text(reader, PARAMETER_SESSION_ID);
    out->thread_id = query_text(reader, PARAMETER_THREAD_ID);
    out->project_path = query_text(reader, PARAMETER_PROJECT_PATH);
    out->consumer = query_text(reader, PARAMETER_CONSUMER);
    return true;
}

bool event_params_read(struct slice query, struct buffer *text, struct store_event_query *out,
                       struct error *err)
{
    struct reading reading = {.reader = {.text = text, .err = err}};

    return read_query(query, &reading, ALL_BUT_BEFORE, out);
}

bool event_params_read_stream(struct slice query, struct buffer *text,
                              struct store_event_query *out, bool *placed, struct error *err)
{
    struct reading reading = {.reader = {.text = text, .err = err}};

    if (!read_query(query, &reading, ALL_BUT_BEFORE & ~QUERY_BIT(PARAMETER_LIMIT), out))
        return false;
    *placed = query_has(&reading.reader, PARAMETER_AFTER) ||
              query_has(&reading.reader, PARAMETER_CONSUMER);
    return true;
}

bool event_params_read_timeline(struct slice query, struct buffer *text,
                                struct store_event_query *out, struct error *err)
{
    struct reading reading = {.reader = {.text = text, .err = err}};

    if (!read_query(query, &reading, OF_A_TIMELINE, out))
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
