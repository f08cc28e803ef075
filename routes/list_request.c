#include "routes/list_request.h"

#include "routes/query.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 1000

/* A list without contexts of so many rows takes well under a millisecond, unless it intersects two.
 */
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

/* A decoded text, as its place in the buffer, which moves while it grows. */
struct text_place {
    bool present;
    size_t at;
    size_t len;
};

struct reading {
    struct store_list_query query;
    struct text_place thread_id;
    struct text_place project_path;
    unsigned seen; /* bit 1 << parameter */
};

static bool refuse(const char *name, const char *why, struct error *err)
{
    return error_set(err, ERROR_INVALID_QUERY, name, "%s", why);
}

static bool read_limit(struct slice value, struct reading *reading, struct error *err)
{
    int64_t limit;

    if (!query_number(value, 1, LIMIT_MAX, &limit))
        return refuse("limit", "limit is a number from 1 to 1000", err);
    reading->query.limit = (int)limit;
    return true;
}

static bool read_order(struct slice value, struct reading *reading, struct error *err)
{
    reading->query.ascending = slice_is(value, "asc");
    return reading->query.ascending || slice_is(value, "desc") ||
           refuse("order", "order is desc (newest first) or asc", err);
}

static bool read_status(struct slice value, struct reading *reading, struct error *err)
{
    enum session_status status;

    if (!session_status_parse(value, &status))
        return refuse("status", "status is one of CREATED, ACTIVE, PAUSED, TERMINATED", err);
    reading->query.statuses |= 1U << status;
    return true;
}

static bool read_value(enum parameter parameter, struct text_place place, const struct buffer *text,
                       struct reading *reading, struct error *err)
{
    const struct slice value = {text->data == NULL ? "" : text->data + place.at, place.len};

    switch (parameter) {
    case PARAMETER_LIMIT:
        return read_limit(value, reading, err);
    case PARAMETER_CURSOR:
        return query_number(value, 1, INT64_MAX, &reading->query.after) ||
               refuse("cursor", "cursor is the next_cursor of the page before", err);
    case PARAMETER_STATUS:
        return read_status(value, reading, err);
    case PARAMETER_THREAD_ID:
        reading->thread_id = place;
        return place.len > 0 || refuse("thread_id", "thread_id must not be empty", err);
    case PARAMETER_PROJECT_PATH:
        reading->project_path = place;
        return place.len > 0 || refuse("project_path", "project_path must not be empty", err);
    case PARAMETER_ORDER:
        return read_order(value, reading, err);
    case PARAMETER_INCLUDE:
        reading->query.with_context = true;
        return slice_is(value, "context") || refuse("include", "include takes context", err);
    case PARAMETER_COUNT:
        break;
    }
    return false;
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
                        "there is no such parameter here; there are limit, cursor, status, "
                        "thread_id, project_path, order, include",
                        err);
}

static bool read_parameter(const struct query_parameter *parameter, struct buffer *text,
                           struct reading *reading, struct error *err)
{
    struct text_place place = {.present = true, .at = text->len};
    enum parameter which = PARAMETER_COUNT;

    if (!find_parameter(parameter, &which, err))
        return false;
    if (reading->seen & 1U << which && which != PARAMETER_STATUS)
        return refuse(names[which], "this parameter may stand only once", err);
    reading->seen |= 1U << which;
    if (!query_decode(parameter, text, err))
        return false;
    place.len = text->len - place.at;
    return read_value(which, place, text, reading, err);
}

static struct slice place_slice(struct text_place place, const struct buffer *text)
{
    if (!place.present)
        return (struct slice){0};
    return (struct slice){text->data + place.at, place.len};
}

bool list_request_read(struct slice query, struct buffer *text, struct store_list_query *out,
                       struct error *err)
{
    struct reading reading = {.query = {.limit = LIMIT_DEFAULT}};
    struct query_parameter parameter;

    while (query_next(&query, &parameter)) {
        if (!read_parameter(&parameter, text, &reading, err))
            return false;
    }
    reading.query.thread_id = place_slice(reading.thread_id, text);
    reading.query.project_path = place_slice(reading.project_path, text);
    *out = reading.query;
    return true;
}

bool list_request_is_long(const struct store_list_query *query)
{
    const bool intersects = query->thread_id.data != NULL && query->project_path.data != NULL;

    return query->with_context || intersects || query->limit > SHORT_LIMIT;
}

void list_request_add_cursor(struct buffer *out, const struct store_page *page)
{
    buffer_add_int(out, page->last);
}

void list_request_add_link(struct buffer *out, struct slice query, const struct store_page *page)
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
    list_request_add_cursor(out, page);
    buffer_add_text(out, ">; rel=\"next\"");
}
