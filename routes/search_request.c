#include "routes/search_request.h"

#include "routes/query.h"

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

/* The buffer moves while it grows: of a text its place is kept until all is read. */
struct text_place {
    size_t at;
    size_t len;
};

struct reading {
    struct store_search_query *query;
    struct buffer *text;
    struct text_place texts[PARAMETER_COUNT];
    unsigned seen; /* bit 1 << parameter */
    struct error *err;
};

static bool refuse(const struct reading *reading, enum parameter which, const char *why)
{
    return error_set(reading->err, ERROR_INVALID_QUERY, names[which], "%s", why);
}

/* Takes decimal digits off the front; false when there are none, or too many for 64 bits. */
static bool take_number(struct slice *rest, uint64_t *out)
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

static bool read_limit(struct reading *reading, struct slice value)
{
    uint64_t limit;

    if (!take_number(&value, &limit) || value.len > 0 || limit < 1 ||
        limit > STORE_SEARCH_LIMIT_MAX)
        return refuse(reading, PARAMETER_LIMIT, "limit is a number from 1 to 100");
    reading->query->limit = (int)limit;
    return true;
}

static bool read_cursor(struct reading *reading, struct slice value)
{
    uint64_t score;
    uint64_t document;

    if (!take_number(&value, &score) || score < 1 || score > STORE_SEARCH_SCORE_MAX ||
        value.len == 0 || *value.data != '-')
        goto refused;
    value = (struct slice){value.data + 1, value.len - 1};
    if (!take_number(&value, &document) || value.len > 0)
        goto refused;
    reading->query->after = (struct store_search_place){(int64_t)score, (int64_t)document};
    return true;

refused:
    return refuse(reading, PARAMETER_CURSOR, "cursor is the next_cursor of the page before");
}

static bool read_status(struct reading *reading, struct slice value)
{
    enum session_status status;

    if (!session_status_parse(value, &status))
        return refuse(reading, PARAMETER_STATUS,
                      "status is one of CREATED, ACTIVE, PAUSED, TERMINATED");
    reading->query->statuses |= 1U << status;
    return true;
}

static bool read_value(struct reading *reading, enum parameter which, struct slice value)
{
    switch (which) {
    case PARAMETER_LIMIT:
        return read_limit(reading, value);
    case PARAMETER_CURSOR:
        return read_cursor(reading, value);
    case PARAMETER_STATUS:
        return read_status(reading, value);
    case PARAMETER_THREAD_ID:
    case PARAMETER_PROJECT_PATH:
        return value.len > 0 || refuse(reading, which, "it must not be empty");
    case PARAMETER_Q:
    case PARAMETER_COUNT:
        break;
    }
    return true;
}

static bool find_parameter(const struct query_parameter *parameter, enum parameter *out,
                           struct error *err)
{
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        if (slice_is(parameter->name, names[i])) {
            *out = (enum parameter)i;
            return true;
        }
    }
    return query_refuse(parameter,
                        "there is no such parameter here; there are q, limit, cursor, status, "
                        "thread_id, project_path",
                        err);
}

static bool read_parameter(struct reading *reading, const struct query_parameter *parameter)
{
    const size_t at = reading->text->len;
    enum parameter which = PARAMETER_COUNT;

    if (!find_parameter(parameter, &which, reading->err))
        return false;
    if (which != PARAMETER_STATUS && reading->seen & 1U << which)
        return refuse(reading, which, "this parameter may stand only once");
    reading->seen |= 1U << which;
    if (!query_decode(parameter, reading->text, reading->err))
        return false;
    reading->texts[which] = (struct text_place){at, reading->text->len - at};
    const char *data = reading->text->data;
    return read_value(reading, which,
                      (struct slice){data == NULL ? "" : data + at, reading->text->len - at});
}

static struct slice text_of(const struct reading *reading, enum parameter which)
{
    const struct text_place *place = &reading->texts[which];

    if (!(reading->seen & 1U << which))
        return (struct slice){0};
    return (struct slice){reading->text->data == NULL ? "" : reading->text->data + place->at,
                          place->len};
}

bool search_request_read(struct slice query, struct buffer *text, struct store_search_query *out,
                         struct error *err)
{
    struct reading reading = {.query = out, .text = text, .err = err};
    struct query_parameter parameter;

    *out = (struct store_search_query){.limit = LIMIT_DEFAULT};
    while (query_next(&query, &parameter)) {
        if (!read_parameter(&reading, &parameter))
            return false;
    }
    if (!(reading.seen & 1U << PARAMETER_Q))
        return refuse(&reading, PARAMETER_Q, "q is missing: the words to look for");
    out->text = text_of(&reading, PARAMETER_Q);
    out->thread_id = text_of(&reading, PARAMETER_THREAD_ID);
    out->project_path = text_of(&reading, PARAMETER_PROJECT_PATH);
    return true;
}

void search_request_add_cursor(struct buffer *out, const struct store_search_place *place)
{
    buffer_printf(out, "%lld-%llu", (long long)place->score, (unsigned long long)place->document);
}
