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

struct reading {
    struct query_params reader;
    struct store_search_query *query;
};

static bool refuse(const struct reading *reading, enum parameter which, const char *why)
{
    return query_refuse_value(&reading->reader, which, why);
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
    reading->query->after = (struct store_search_cursor){(int64_t)score, (int64_t)document};
    return true;

refused:
    return refuse(reading, PARAMETER_CURSOR, "cursor is the next_cursor of the page before");
}

static bool take(void *arg, unsigned which, struct slice value)
{
    struct reading *reading = arg;

    switch ((enum parameter)which) {
    case PARAMETER_LIMIT:
        return query_limit(&reading->reader, which, value, STORE_SEARCH_LIMIT_MAX,
                           &reading->query->limit);
    case PARAMETER_CURSOR:
        return read_cursor(reading, value);
    case PARAMETER_STATUS:
        return query_status(&reading->reader, which, value, &reading->query->statuses);
    case PARAMETER_THREAD_ID:
    case PARAMETER_PROJECT_PATH:
        return value.len > 0 || refuse(reading, which, "it must not be empty");
    case PARAMETER_Q:
    case PARAMETER_COUNT:
        break;
    }
    return true;
}

bool search_params_read(struct slice query, struct buffer *text, struct store_search_query *out,
                        struct error *err)
{
    struct reading reading = {
        .reader = {.names = names,
                   .count = PARAMETER_COUNT,
                   .known = QUERY_BIT(PARAMETER_COUNT) - 1,
                   .repeatable = QUERY_BIT(PARAMETER_STATUS),
                   .text = text,
                   .err = err},
        .query = out,
    };

    *out = (struct store_search_query){.limit = LIMIT_DEFAULT};
    if (!query_read(&reading.reader, query, take, &reading))
        return false;
    if (!query_has(&reading.reader, PARAMETER_Q))
        return refuse(&reading, PARAMETER_Q, "q is missing: the words to look for");
    out->text = query_text(&reading.reader, PARAMETER_Q);
    out->thread_id = query_text(&reading.reader, PARAMETER_THREAD_ID);
    out->project_path = query_text(&reading.reader, PARAMETER_PROJECT_PATH);
    return true;
}

void search_params_add_cursor(struct buffer *out, const struct store_search_cursor *place)
{
    buffer_printf(out, "%lld-%llu", (long long)place->score, (unsigned long long)place->document);
}
