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

struct reading {
    struct query_params reader;
    int64_t numbers[PARAMETER_COUNT];
    int limit;
    bool descending;
};

static bool refuse(const struct reading *reading, enum parameter which, const char *why)
{
    return query_refuse_value(&reading->reader, which, why);
}

bool entries_params_is_stream(struct slice value)
{
    return value.len >= 1 && value.len <= ENTRIES_STREAM_MAX && !json_utf8_has_control(value);
}

static bool read_order(struct reading *reading, struct slice value)
{
    reading->descending = slice_is(value, "desc");
    return reading->descending || slice_is(value, "asc") ||
           refuse(reading, PARAMETER_ORDER, "order is asc (the oldest first) or desc");
}

static bool take(void *arg, unsigned which, struct slice value)
{
    struct reading *reading = arg;
    int64_t *number = &reading->numbers[which];

    switch ((enum parameter)which) {
    case PARAMETER_STREAM:
    case PARAMETER_AFTER_NAME:
        return entries_params_is_stream(value) ||
               refuse(reading, which,
                      "a stream's name has 1 to 256 bytes of UTF-8 without control characters");
    case PARAMETER_EXPECT_LAST_SEQ:
    case PARAMETER_AFTER:
        return query_number(value, 0, INT64_MAX, number) ||
               refuse(reading, which, "it takes the seq of an entry, or 0");
    case PARAMETER_BEFORE:
        return query_number(value, 1, INT64_MAX, number) ||
               refuse(reading, which, "it takes the seq of an entry");
    case PARAMETER_ORDER:
        return read_order(reading, value);
    case PARAMETER_LIMIT:
        return query_limit(&reading->reader, which, value, LIMIT_MAX, &reading->limit);
    case PARAMETER_WAIT:
        return query_number(value, 1, WAIT_MAX_SECONDS, number) ||
               refuse(reading, which, "wait is a number of seconds from 1 to 60");
    case PARAMETER_COUNT:
        break;
    }
    return false;
}

/* `known`: the parameters that there are here, as bits. */
static bool read_all(struct reading *reading, unsigned known, struct slice query)
{
    reading->reader.names = names;
    reading->reader.count = PARAMETER_COUNT;
    reading->reader.known = known;
    return query_read(&reading->reader, query, take, reading);
}

static struct slice stream_of(const struct reading *reading)
{
    return query_has(&reading->reader, PARAMETER_STREAM)
               ? query_text(&reading->reader, PARAMETER_STREAM)
               : SLICE_LITERAL(ENTRIES_STREAM_DEFAULT);
}

bool entries_params_append(struct slice query, struct buffer *text, struct store_append *out,
                           struct error *err)
{
    struct reading reading = {.reader = {.text = text, .err = err}};

    if (!read_all(&reading, QUERY_BIT(PARAMETER_STREAM) | QUERY_BIT(PARAMETER_EXPECT_LAST_SEQ),
                  query))
        return false;
    out->stream = stream_of(&reading);
    out->has_expected = query_has(&reading.reader, PARAMETER_EXPECT_LAST_SEQ);
    out->expected = reading.numbers[PARAMETER_EXPECT_LAST_SEQ];
    return true;
}

bool entries_params_read(struct slice query, struct buffer *text, struct store_entry_query *out,
                         int64_t *wait_s, struct error *err)
{
    const unsigned known = QUERY_BIT(PARAMETER_STREAM) | QUERY_BIT(PARAMETER_AFTER) |
                           QUERY_BIT(PARAMETER_BEFORE) | QUERY_BIT(PARAMETER_ORDER) |
                           QUERY_BIT(PARAMETER_LIMIT) | QUERY_BIT(PARAMETER_WAIT);
    struct reading reading = {.reader = {.text = text, .err = err}};

    if (!read_all(&reading, known, query))
        return false;
    if (reading.descending && query_has(&reading.reader, PARAMETER_WAIT))
        return refuse(&reading, PARAMETER_WAIT,
                      "what is waited for comes at the end: order has to be asc");
    out->stream = stream_of(&reading);
    out->after = reading.numbers[PARAMETER_AFTER];
    out->before = reading.numbers[PARAMETER_BEFORE];
    out->limit = reading.limit;
    out->descending = reading.descending;
    *wait_s = reading.numbers[PARAMETER_WAIT];
    return true;
}

bool entries_params_streams(struct slice query, struct buffer *text, struct slice *after,
                            int *limit, struct error *err)
{
    struct reading reading = {
        .reader = {.text = text, .err = err},
        .limit = LIMIT_MAX,
    };

    if (!read_all(&reading, QUERY_BIT(PARAMETER_AFTER_NAME) | QUERY_BIT(PARAMETER_LIMIT), query))
        return false;
    *after = query_has(&reading.reader, PARAMETER_AFTER_NAME)
                 ? query_text(&reading.reader, PARAMETER_AFTER_NAME)
                 : SLICE_LITERAL("");
    *limit = reading.limit;
    return true;
}
