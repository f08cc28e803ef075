#include "routes/event_request.h"

#include "db/timestamp.h"
#include "routes/consumer_name.h"
#include "routes/query.h"

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

#define BIT(parameter) (1U << (parameter))
#define ALL_BUT_BEFORE ((BIT(PARAMETER_COUNT) - 1) & ~BIT(PARAMETER_BEFORE))
#define OF_A_TIMELINE (BIT(PARAMETER_BEFORE) | BIT(PARAMETER_LIMIT) | BIT(PARAMETER_TYPE))

/* A decoded text, as its place in the buffer, which moves while it grows. */
struct text_place {
    size_t at;
    size_t len;
};

struct reading {
    struct store_event_query query;
    unsigned known; /* the parameters that there are here, as bits */
    unsigned seen;
    struct text_place places[PARAMETER_COUNT];
    struct buffer *text;
};

static bool refuse(enum parameter parameter, const char *why, struct error *err)
{
    return error_set(err, ERROR_INVALID_QUERY, names[parameter], "%s", why);
}

static bool read_limit(struct slice value, struct reading *reading, struct error *err)
{
    int64_t limit;

    if (!query_number(value, 1, LIMIT_MAX, &limit))
        return refuse(PARAMETER_LIMIT, "limit is a number from 1 to 1000", err);
    reading->query.limit = (int)limit;
    return true;
}

static bool read_type(struct slice value, struct reading *reading, struct error *err)
{
    enum store_event_type type;

    if (!store_event_parse(value, &type))
        return refuse(PARAMETER_TYPE,
                      "type is one of session.created, .updated, .transitioned, .deleted, "
                      ".recovered, .relocated, entries.appended, lease.granted, .released, "
                      ".expired, .stolen",
                      err);
    reading->query.types |= 1U << type;
    return true;
}

/* Ids are stored in lower case. */
static bool read_id(struct text_place place, struct reading *reading, struct error *err)
{
    char *text = reading->text->data;
    char id[ID_SIZE];

    if (text == NULL || !id_parse((struct slice){text + place.at, place.len}, id))
        return refuse(PARAMETER_SESSION_ID, "a session's id is a UUID", err);
    memcpy(text + place.at, id, ID_LENGTH);
    return true;
}

static bool read_value(enum parameter which, struct reading *reading, struct error *err)
{
    const struct text_place place = reading->places[which];
    const char *text = reading->text->data;
    const struct slice value = {text == NULL ? "" : text + place.at, place.len};

    switch (which) {
    case PARAMETER_AFTER:
        return query_number(value, 0, TIMESTAMP_MAX_US, &reading->query.after) ||
               refuse(which, "after is the id of an event, or 0 for the oldest one on", err);
    case PARAMETER_BEFORE:
        return query_number(value, 1, TIMESTAMP_MAX_US, &reading->query.before) ||
               refuse(which, "before is the id of an event", err);
    case PARAMETER_LIMIT:
        return read_limit(value, reading, err);
    case PARAMETER_TYPE:
        return read_type(value, reading, err);
    case PARAMETER_SESSION_ID:
        return read_id(place, reading, err);
    case PARAMETER_THREAD_ID:
    case PARAMETER_PROJECT_PATH:
        return place.len > 0 || refuse(which, "it must not be empty", err);
    case PARAMETER_CONSUMER:
        return consumer_name_is(value) || refuse(which, CONSUMER_NAME_RULE, err);
    case PARAMETER_COUNT:
        break;
    }
    return false;
}

static bool refuse_unknown(const struct reading *reading, const struct query_parameter *parameter,
                           struct error *err)
{
    struct buffer why = {0};
    const char *separator = "";

    buffer_add_text(&why, "there is no such parameter here; there are ");
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        if (!(reading->known & BIT(i)))
            continue;
        buffer_printf(&why, "%s%s", separator, names[i]);
        separator = ", ";
    }
    buffer_add_char(&why, '\0');
    query_refuse(parameter, why.data, err);
    buffer_release(&why);
    return false;
}

static bool read_parameter(const struct query_parameter *parameter, struct reading *reading,
                           struct error *err)
{
    unsigned which = 0;

    while (which < PARAMETER_COUNT &&
           !(reading->known & BIT(which) && slice_is(parameter->name, names[which])))
        which++;
    if (which == PARAMETER_COUNT)
        return refuse_unknown(reading, parameter, err);
    if (reading->seen & BIT(which) && which != PARAMETER_TYPE)
        return refuse((enum parameter)which, "this parameter may stand only once", err);
    reading->seen |= BIT(which);
    reading->places[which].at = reading->text->len;
    if (!query_decode(parameter, reading->text, err))
        return false;
    reading->places[which].len = reading->text->len - reading->places[which].at;
    return read_value((enum parameter)which, reading, err);
}

static struct slice read_text(const struct reading *reading, enum parameter which)
{
    if (!(reading->seen & BIT(which)))
        return (struct slice){0};
    return (struct slice){reading->text->data + reading->places[which].at,
                          reading->places[which].len};
}

static bool read_query(struct slice query, struct reading *reading, struct store_event_query *out,
                       struct error *err)
{
    struct query_parameter parameter;

    reading->query = (struct store_event_query){.limit = LIMIT_DEFAULT, .scan = SCAN_MAX};
    while (query_next(&query, &parameter)) {
        if (!read_parameter(&parameter, reading, err))
            return false;
    }
    if (reading->seen & BIT(PARAMETER_CONSUMER) && reading->seen & BIT(PARAMETER_AFTER))
        return refuse(PARAMETER_AFTER, "a consumer's place stands for `after`: send one of them",
                      err);
    *out = reading->query;
    out->session_id = read_text(reading, PARAMETER_SESSION_ID);
    out->thread_id = read_text(reading, PARAMETER_THREAD_ID);
    out->project_path = read_text(reading, PARAMETER_PROJECT_PATH);
    out->consumer = read_text(reading, PARAMETER_CONSUMER);
    return true;
}

bool event_request_read(struct slice query, struct buffer *text, struct store_event_query *out,
                        struct error *err)
{
    struct reading reading = {.known = ALL_BUT_BEFORE, .text = text};

    return read_query(query, &reading, out, err);
}

bool event_request_read_stream(struct slice query, struct buffer *text,
                               struct store_event_query *out, bool *placed, struct error *err)
{
    struct reading reading = {.known = ALL_BUT_BEFORE & ~BIT(PARAMETER_LIMIT), .text = text};

    if (!read_query(query, &reading, out, err))
        return false;
    *placed = (reading.seen & (BIT(PARAMETER_AFTER) | BIT(PARAMETER_CONSUMER))) != 0;
    return true;
}

bool event_request_read_timeline(struct slice query, struct buffer *text,
                                 struct store_event_query *out, struct error *err)
{
    struct reading reading = {.known = OF_A_TIMELINE, .text = text};

    if (!read_query(query, &reading, out, err))
        return false;
    out->timeline = true;
    return true;
}

bool event_request_is_long(const struct store_event_query *query)
{
    return query->limit > SHORT_LIMIT || query->timeline || query->types != 0 ||
           query->session_id.data != NULL || query->thread_id.data != NULL ||
           query->project_path.data != NULL;
}
