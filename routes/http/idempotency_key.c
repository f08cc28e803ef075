#include "routes/http/idempotency_key.h"

#include "routes/core/problem.h"
#include "routes/core/sha256.h"
#include "routes/http/method.h"
#include "routes/http/stored_response.h"
#include "routes/sessions/response.h"

#include <stddef.h>

_Static_assert(SHA256_BYTES == STORE_DIGEST_BYTES, "the store keeps the digest as it is made");

static bool reject_key(struct error *err)
{
    return error_set(
        err, ERROR_INVALID_HEADER, "Idempotency-Key",
        "Idempotency-Key must be one string of 1 to %d characters in double quotes, such "
        "as \"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
        IDEMPOTENCY_KEY_MAX);
}

static bool is_printable_ascii(char c)
{
    return c >= 0x20 && c <= 0x7e;
}

/* Decodes a quoted key. A backslash may only precede a quote or a backslash (RFC 8941 §3.3.3). */
static bool parse_quoted_key(struct slice text, struct buffer *out)
{
    for (size_t i = 1; i + 1 < text.len; i++) {
        if (text.data[i] == '\\') {
            i++;
            if (i + 1 == text.len || (text.data[i] != '"' && text.data[i] != '\\'))
                return false;
        } else if (text.data[i] == '"' || !is_printable_ascii(text.data[i])) {
            return false;
        }
        buffer_add_char(out, text.data[i]);
    }
    return text.len > 2 && text.data[text.len - 1] == '"';
}

static bool parse_bare_key(struct slice text, struct buffer *out)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        if (c <= 0x20 || c > 0x7e || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    buffer_add(out, text);
    return true;
}

static bool has_session_response(const struct store_job *job)
{
    return job->operation == STORE_CREATE || job->operation == STORE_UPDATE ||
           job->operation == STORE_FORK;
}

/* Replaces a large response with a session by a reference: the session's id as the body, without a
 * content type. No other stored response has a body without a content type. */
static void replace_with_reference(struct exchange *ex)
{
    if (ex->response.len <= IDEMPOTENCY_RESPONSE_MAX || !has_session_response(&ex->job))
        return;
    ex->response.len = 0;
    buffer_add(&ex->response, ex->job.session.id);
    ex->content_type = NULL;
}

/* Called by the store in the write transaction. The slice is valid until the exchange is released.
 */
static struct slice serialize_response(struct store_job *job)
{
    struct exchange *ex = (struct exchange *)(void *)((char *)job - offsetof(struct exchange, job));

    exchange_discard_response(ex);
    ex->route->finish(ex->routes, ex);
    replace_with_reference(ex);
    stored_response_write(ex, &ex->serialized_response);
    return buffer_slice(&ex->serialized_response);
}

bool idempotency_key_read(struct exchange *ex, struct error *err)
{
    const struct slice text = ex->headers[REQUEST_IDEMPOTENCY_KEY];
    struct store_idempotency *idempotency = &ex->job.idempotency;

    if (text.data == NULL || ex->method != METHOD_POST)
        return true;
    const bool quoted = text.len > 0 && text.data[0] == '"';
    if (!(quoted ? parse_quoted_key(text, &ex->key_text) : parse_bare_key(text, &ex->key_text)) ||
        ex->key_text.len == 0 || ex->key_text.len > IDEMPOTENCY_KEY_MAX)
        return reject_key(err);

    const struct slice parts[] = {slice_from(method_name(ex->method)), ex->path, ex->query,
                                  buffer_slice(&ex->body)};
    sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), idempotency->digest);
    idempotency->key = buffer_slice(&ex->key_text);
    idempotency->answer = serialize_response;
    return true;
}

static enum store_visit respond_with_current(void *arg, const struct session *session)
{
    struct exchange *ex = arg;
    struct store_job *job = &ex->job;
    const int status = ex->status;

    exchange_discard_response(ex);
    if (job->admit == NULL || job->admit(job, (size_t)session->context_bytes))
        session_respond_created(ex, status, session);
    else
        error_set(&job->error, ERROR_OVERLOADED, NULL,
                  "the request was executed before; the memory for bodies (--body-memory-limit) is "
                  "in use, so the large session cannot be returned now; send the request again");
    return STORE_VISIT_NEXT;
}

/* Responds with the current state of the session to which the stored response refers. */
static void respond_from_reference(struct exchange *ex)
{
    struct store_job *job = &ex->job;
    char id[UUID_SIZE];

    if (!uuid_read(buffer_slice(&ex->response), id))
        error_set_public(&job->error, ERROR_INTERNAL, "Idempotency-Key",
                         "the response stored under this Idempotency-Key is corrupt; stop the "
                         "service and run sessiond check on the database");
    else if (!store_get(ex->routes->store, id, respond_with_current, ex, &job->error) &&
             job->error.kind == ERROR_NOT_FOUND)
        error_set(&job->error, ERROR_NOT_FOUND, NULL,
                  "the request was executed before; its session %s was deleted since", id);
    if (job->error.kind != ERROR_NONE)
        problem_respond_job(ex);
}

void idempotency_key_replay(struct exchange *ex)
{
    if (!stored_response_read(ex, ex->job.idempotency.kept, &ex->job.error)) {
        problem_respond_job(ex);
        return;
    }
    if (ex->content_type == NULL && ex->response.len > 0)
        respond_from_reference(ex);
    if (ex->job.error.kind == ERROR_NONE)
        exchange_add_header(ex, "Idempotency-Replayed", SLICE_LITERAL("true"));
}
