#include "routes/once.h"

#include "routes/digest.h"
#include "routes/router.h"

#include <stddef.h>
#include <stdlib.h>

_Static_assert(DIGEST_BYTES == STORE_DIGEST_BYTES, "the store keeps the digest as it is made");

static bool refuse(struct error *err)
{
    return error_set(
        err, ERROR_INVALID_HEADER, "Idempotency-Key",
        "Idempotency-Key takes one string of 1 to %d characters in double quotes, such "
        "as \"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
        ONCE_KEY_MAX);
}

static bool is_printable(char c)
{
    return c >= 0x20 && c <= 0x7e;
}

/* Between the quotes; a backslash stands before a quote or a backslash alone. */
static bool read_quoted(struct slice text, struct buffer *out)
{
    for (size_t i = 1; i + 1 < text.len; i++) {
        if (text.data[i] == '\\') {
            i++;
            if (i + 1 == text.len || (text.data[i] != '"' && text.data[i] != '\\'))
                return false;
        } else if (text.data[i] == '"' || !is_printable(text.data[i])) {
            return false;
        }
        buffer_add_char(out, text.data[i]);
    }
    return text.len > 2 && text.data[text.len - 1] == '"';
}

static bool read_bare(struct slice text, struct buffer *out)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        if (c <= 0x20 || c > 0x7e || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    buffer_add(out, text);
    return true;
}

/* What is kept: the status, the content type, the headers, each ended by a NUL, an empty one, and
 * the body. */
static struct slice word_answer(struct store_job *job)
{
    struct exchange *ex = (struct exchange *)((char *)job - offsetof(struct exchange, job));
    struct buffer *out = &ex->kept_answer;

    exchange_restart(ex);
    ex->route->finish(ex->routes, ex);
    out->len = 0;
    buffer_printf(out, "%d", ex->status);
    buffer_add_char(out, '\0');
    buffer_add_text(out, ex->content_type == NULL ? "" : ex->content_type);
    buffer_add_char(out, '\0');
    for (size_t i = 0; i < ex->response_header_count; i++) {
        buffer_add(out, (struct slice){ex->response_headers[i].name,
                                       strlen(ex->response_headers[i].name) + 1});
        buffer_add_text(out, exchange_header_value(ex, i));
        buffer_add_char(out, '\0');
    }
    buffer_add_char(out, '\0');
    buffer_add(out, buffer_slice(&ex->response));
    return buffer_slice(out);
}

bool once_read(struct exchange *ex, struct error *err)
{
    const struct slice text = ex->headers[REQUEST_IDEMPOTENCY_KEY];
    struct store_once *once = &ex->job.once;

    if (text.data == NULL || ex->method != METHOD_POST)
        return true;
    const bool quoted = text.len > 0 && text.data[0] == '"';
    if (!(quoted ? read_quoted(text, &ex->key_text) : read_bare(text, &ex->key_text)) ||
        ex->key_text.len == 0 || ex->key_text.len > ONCE_KEY_MAX)
        return refuse(err);

    const struct slice parts[] = {slice_from(method_name(ex->method)), ex->path, ex->query,
                                  buffer_slice(&ex->body)};
    digest_parts(parts, sizeof(parts) / sizeof(parts[0]), once->digest);
    once->key = buffer_slice(&ex->key_text);
    once->answer = word_answer;
    return true;
}

/* Takes a NUL-terminated text off the front. */
static const char *take(struct slice *rest)
{
    const char *text = rest->data;
    const size_t len = strlen(text) + 1;

    rest->data += len;
    rest->len -= len;
    return text;
}

void once_replay(struct exchange *ex)
{
    struct slice rest = ex->job.once.kept;

    exchange_restart(ex);
    ex->status = (int)strtol(take(&rest), NULL, 10);
    const char *content_type = take(&rest);
    ex->content_type = *content_type == '\0' ? NULL : content_type;
    while (*rest.data != '\0') {
        const char *name = take(&rest);
        exchange_header(ex, name, slice_from(take(&rest)));
    }
    take(&rest);
    buffer_add(&ex->response, rest);
    exchange_header(ex, "Idempotency-Replayed", SLICE_LITERAL("true"));
}
