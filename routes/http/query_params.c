#include "routes/http/query_params.h"

bool query_has(const struct query_params *reader, unsigned which)
{
    return (reader->seen & QUERY_BIT(which)) != 0;
}

struct slice query_text(const struct query_params *reader, unsigned which)
{
    const char *data = reader->text->data == NULL ? "" : reader->text->data;

    if (!query_has(reader, which))
        return (struct slice){0};
    return (struct slice){data + reader->ranges[which].at, reader->ranges[which].len};
}

bool query_reject_value(const struct query_params *reader, unsigned which, const char *why)
{
    return error_set(reader->err, ERROR_INVALID_QUERY, reader->names[which], "%s", why);
}

bool query_limit(const struct query_params *reader, unsigned which, struct slice value, int most,
                 int *out)
{
    int64_t limit;

    if (!query_number(value, 1, most, &limit))
        return error_set(reader->err, ERROR_INVALID_QUERY, reader->names[which],
                         "%s must be a number from 1 to %d", reader->names[which], most);
    *out = (int)limit;
    return true;
}

bool query_status(const struct query_params *reader, unsigned which, struct slice value,
                  unsigned *statuses)
{
    enum session_status status;

    if (!session_status_parse(value, &status))
        return query_reject_value(reader, which,
                                  "status must be one of CREATED, ACTIVE, PAUSED, TERMINATED");
    *statuses |= 1U << status;
    return true;
}

static bool reject_unknown(const struct query_params *reader,
                           const struct query_parameter *parameter)
{
    struct buffer why = {0};
    const char *separator = "";

    buffer_add_text(&why, "unknown parameter; the parameters of this path are ");
    for (unsigned i = 0; i < reader->count; i++) {
        if (!(reader->known & QUERY_BIT(i)))
            continue;
        buffer_printf(&why, "%s%s", separator, reader->names[i]);
        separator = ", ";
    }
    buffer_add_char(&why, '\0');
    query_reject(parameter, why.data, reader->err);
    buffer_release(&why);
    return false;
}

/* Finds the parameter in the table and decodes its value. *which is its index. */
static bool parse_parameter(struct query_params *reader, const struct query_parameter *parameter,
                            unsigned *which)
{
    unsigned i = 0;

    while (i < reader->count &&
           !(reader->known & QUERY_BIT(i) && slice_is(parameter->name, reader->names[i])))
        i++;
    if (i == reader->count)
        return reject_unknown(reader, parameter);
    if (query_has(reader, i) && !(reader->repeatable & QUERY_BIT(i))) {
        query_reject_value(reader, i, "the parameter must not be repeated");
        return false;
    }
    reader->seen |= QUERY_BIT(i);
    reader->ranges[i].at = reader->text->len;
    if (!query_decode(parameter, reader->text, reader->err))
        return false;
    reader->ranges[i].len = reader->text->len - reader->ranges[i].at;
    *which = i;
    return true;
}

bool query_read(struct query_params *reader, struct slice query,
                bool (*on_parameter)(void *arg, unsigned which, struct slice value), void *arg)
{
    struct query_parameter parameter;
    unsigned which;

    while (query_next(&query, &parameter)) {
        if (!parse_parameter(reader, &parameter, &which) ||
            !on_parameter(arg, which, query_text(reader, which)))
            return false;
    }
    return true;
}
