#include "routes/entries_request.h"

#include "routes/json_utf8.h"
#include "routes/query.h"

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

#define BIT(parameter) (1U << (parameter))

/* What a query said. At most one text is in it, which stands in the buffer alone. */
struct reading {
    unsigned taken; /* the parameters that there are here, as bits */
    unsigned seen;
    int64_t numbers[PARAMETER_COUNT];
    bool descending;
    struct buffer *text;
    struct error *err;
};

static bool refuse(struct reading *reading, const char *name, const char *why)
{
    return error_set(reading->err, ERROR_INVALID_QUERY, name, "%s", why);
}

/* Decimal digits without a sign. */
static bool read_number(struct slice value, int64_t least, int64_t most, int64_t *out)
{
    int64_t number = 0;

    if (value.len == 0 || value.len > 18)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        number = number * 10 + (value.data[i] - '0');
    }
    *out = number;
    return number >= least && number <= most;
}

static bool is_name(struct slice value)
{
    return value.len >= 1 && value.len <= ENTRIES_STREAM_MAX && !json_utf8_has_control(value);
}

static bool read_order(struct reading *reading, struct slice value)
{
    reading->descending = slice_is(value, "desc");
    return reading->descending || slice_is(value, "asc") ||
           refuse(reading, "order", "order is asc (the oldest first) or desc");
}

static bool read_value(struct reading *reading, enum parameter which, struct slice value)
{
    int64_t *number = &reading->numbers[which];

    switch (which) {
    case PARAMETER_STREAM:
    case PARAMETER_AFTER_NAME:
        return is_name(value) ||
               refuse(reading, names[which],
                      "a stream's name has 1 to 256 bytes of UTF-8 without control characters");
    case PARAMETER_EXPECT_LAST_SEQ:
    case PARAMETER_AFTER:
        return read_number(value, 0, INT64_MAX, number) ||
               refuse(reading, names[which], "it takes the seq of an entry, or 0");
    case PARAMETER_BEFORE:
        return read_number(value, 1, INT64_MAX, number) ||
               refuse(reading, names[which], "it takes the seq of an entry");
    case PARAMETER_ORDER:
        return read_order(reading, value);
    case PARAMETER_LIMIT:
        return read_number(value, 1, LIMIT_MAX, number) ||
               refuse(reading, names[which], "limit is a number from 1 to 1000");
    case PARAMETER_WAIT:
        return read_number(value, 1, WAIT_MAX_SECONDS, number) ||
               refuse(reading, names[which], "wait is a number of seconds from 1 to 60");
    case PARAMETER_COUNT:
        break;
    }
    return false;
}

static bool refuse_unknown(struct reading *reading, const struct query_parameter *parameter)
{
    struct buffer why = {0};
    const char *separator = "";

    buffer_add_text(&why, "there is no such parameter here; there are ");
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        if (!(reading->taken & BIT(i)))
            continue;
        buffer_printf(&why, "%s%s", separator, names[i]);
        separator = ", ";
    }
    buffer_add_char(&why, '\0');
    query_refuse(parameter, why.data, reading->err);
    buffer_release(&why);
    return false;
}

static bool is_text(enum parameter which)
{
    return which == PARAMETER_STREAM || which == PARAMETER_AFTER_NAME;
}

static bool read_parameter(struct reading *reading, const struct query_parameter *parameter)
{
    const size_t before = reading->text->len;
    unsigned which = 0;

    while (which < PARAMETER_COUNT &&
           !(reading->taken & BIT(which) && slice_is(parameter->name, names[which])))
        which++;
    if (which == PARAMETER_COUNT)
        return refuse_unknown(reading, parameter);
    if (reading->seen & BIT(which))
        return refuse(reading, names[which], "this parameter may stand only once");
    reading->seen |= BIT(which);
    if (!query_decode(parameter, reading->text, reading->err))
        return false;
    const struct slice value = {reading->text->data == NULL ? "" : reading->text->data + before,
                                reading->text->len - before};
    if (!read_value(reading, (enum parameter)which, value))
        return false;
    if (!is_text((enum parameter)which))
        reading->text->len = before;
    return true;
}

static bool read_all(struct reading *reading, struct slice query)
{
    struct query_parameter parameter;

    while (query_next(&query, &parameter)) {
        if (!read_parameter(reading, &parameter))
            return false;
    }
    return true;
}

static struct slice stream_of(const struct reading *reading)
{
    const bool is_named = (reading->seen & BIT(PARAMETER_STREAM)) != 0;

    return is_named ? buffer_slice(reading->text) : SLICE_LITERAL(ENTRIES_STREAM_DEFAULT);
}

bool entries_request_append(struct slice query, struct buffer *text, struct store_append *out,
                            struct error *err)
{
    struct reading reading = {
        .taken = BIT(PARAMETER_STREAM) | BIT(PARAMETER_EXPECT_LAST_SEQ),
        .text = text,
        .err = err,
    };

    if (!read_all(&reading, query))
        return false;
    out->stream = stream_of(&reading);
    out->has_expected = reading.seen & BIT(PARAMETER_EXPECT_LAST_SEQ);
    out->expected = reading.numbers[PARAMETER_EXPECT_LAST_SEQ];
    return true;
}

bool entries_request_read(struct slice query, struct buffer *text, struct store_entry_query *out,
                          int64_t *wait_s, struct error *err)
{
    struct reading reading = {
        .taken = BIT(PARAMETER_STREAM) | BIT(PARAMETER_AFTER) | BIT(PARAMETER_BEFORE) |
                 BIT(PARAMETER_ORDER) | BIT(PARAMETER_LIMIT) | BIT(PARAMETER_WAIT),
        .text = text,
        .err = err,
    };

    if (!read_all(&reading, query))
        return false;
    if (reading.descending && reading.seen & BIT(PARAMETER_WAIT))
        return refuse(&reading, "wait", "what is waited for comes at the end: order has to be asc");
    out->stream = stream_of(&reading);
    out->after = reading.numbers[PARAMETER_AFTER];
    out->before = reading.numbers[PARAMETER_BEFORE];
    out->limit = (int)reading.numbers[PARAMETER_LIMIT];
    out->descending = reading.descending;
    *wait_s = reading.numbers[PARAMETER_WAIT];
    return true;
}

bool entries_request_streams(struct slice query, struct buffer *text, struct slice *after,
                             int *limit, struct error *err)
{
    struct reading reading = {
        .taken = BIT(PARAMETER_AFTER_NAME) | BIT(PARAMETER_LIMIT),
        .numbers = {[PARAMETER_LIMIT] = LIMIT_MAX},
        .text = text,
        .err = err,
    };

    if (!read_all(&reading, query))
        return false;
    *after = buffer_slice(text);
    *limit = (int)reading.numbers[PARAMETER_LIMIT];
    return true;
}
