#include "routes/http/stored_response.h"

/* Each header occurs at most once, so these and `Idempotency-Replayed` fit into an exchange. */
static const char *const stored_headers[] = {"ETag", "Location", "Retry-After"};
static const char *const stored_types[] = {"application/json", "application/problem+json", ""};

#define STORED_HEADERS (sizeof(stored_headers) / sizeof(stored_headers[0]))
#define STORED_TYPES (sizeof(stored_types) / sizeof(stored_types[0]))
#define STATUS_DIGITS 3

_Static_assert(STORED_HEADERS < EXCHANGE_RESPONSE_HEADERS, "there is room for one more header");

/* The index of `text` in `names`; `count` when it is not among them. */
static size_t find_name(const char *const *names, size_t count, struct slice text)
{
    size_t i = 0;

    while (i < count && !slice_is(text, names[i]))
        i++;
    return i;
}

void stored_response_write(const struct exchange *ex, struct buffer *out)
{
    out->len = 0;
    buffer_printf(out, "%d", ex->status);
    buffer_add_char(out, '\0');
    buffer_add_text(out, ex->content_type == NULL ? "" : ex->content_type);
    buffer_add_char(out, '\0');
    for (size_t i = 0; i < ex->response_header_count; i++) {
        const char *name = ex->response_headers[i].name;
        if (find_name(stored_headers, STORED_HEADERS, slice_from(name)) == STORED_HEADERS)
            continue;
        buffer_add(out, (struct slice){name, strlen(name) + 1});
        buffer_add_text(out, exchange_header_value(ex, i));
        buffer_add_char(out, '\0');
    }
    buffer_add_char(out, '\0');
    buffer_add(out, buffer_slice(&ex->response));
}

/* Removes a NUL-terminated text from the front of *rest. Returns false when there is no NUL. */
static bool split_text(struct slice *rest, struct slice *text)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, '\0', rest->len);

    if (end == NULL)
        return false;
    *text = (struct slice){rest->data, (size_t)(end - rest->data)};
    rest->data = end + 1;
    rest->len -= text->len + 1;
    return true;
}

static bool read_status(struct slice *rest, int *status)
{
    struct slice text;

    if (!split_text(rest, &text) || text.len != STATUS_DIGITS)
        return false;
    *status = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *status = 10 * *status + (text.data[i] - '0');
    }
    return *status >= 200 && *status <= 599;
}

static bool read_type(struct slice *rest, const char **type)
{
    struct slice text;

    if (!split_text(rest, &text))
        return false;
    const size_t i = find_name(stored_types, STORED_TYPES, text);
    if (i == STORED_TYPES)
        return false;
    *type = stored_types[i][0] == '\0' ? NULL : stored_types[i];
    return true;
}

static bool is_header_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    }
    return text.len > 0;
}

/* Reads headers up to the empty name that terminates them. */
static bool read_headers(struct slice *rest, struct exchange *ex)
{
    bool seen[STORED_HEADERS] = {false};
    struct slice name;
    struct slice value;

    while (split_text(rest, &name)) {
        if (name.len == 0)
            return true;
        const size_t i = find_name(stored_headers, STORED_HEADERS, name);
        if (i == STORED_HEADERS || seen[i] || !split_text(rest, &value) || !is_header_value(value))
            return false;
        seen[i] = true;
        exchange_add_header(ex, stored_headers[i], value);
    }
    return false;
}

bool stored_response_read(struct exchange *ex, struct slice stored, struct error *err)
{
    struct slice rest = stored;

    exchange_discard_response(ex);
    if (!read_status(&rest, &ex->status) || !read_type(&rest, &ex->content_type) ||
        !read_headers(&rest, ex)) {
        exchange_discard_response(ex);
        return error_set_public(
            err, ERROR_INTERNAL, "Idempotency-Key",
            "the response stored under this Idempotency-Key is corrupt; stop the "
            "service and run sessiond check on the database");
    }
    buffer_add(&ex->response, rest);
    return true;
}
