#include "routes/core/problem.h"

#include "db/base/timestamp.h"
#include "routes/events/json.h"
#include "routes/http/etag.h"
#include "routes/json/writer.h"

#define RETRY_AFTER_S "1"

struct problem_kind {
    int status;
    const char *name;  /* the last part of urn:sessiond:problem:… */
    const char *title; /* the same for every occurrence (RFC 9457 §3.1.4) */
};

static const struct problem_kind kinds[ERROR_KIND_COUNT] = {
    [ERROR_MALFORMED_REQUEST] = {400, "malformed-request", "The request is malformed"},
    [ERROR_UNKNOWN_METHOD] = {501, "method-not-implemented", "The method is not implemented"},
    [ERROR_UNKNOWN_VERSION] = {505, "version-not-supported", "The HTTP version is not supported"},
    [ERROR_MALFORMED_JSON] = {400, "malformed-json", "The body is not valid JSON"},
    [ERROR_INVALID_QUERY] = {400, "invalid-query", "The query is invalid"},
    [ERROR_INVALID_HEADER] = {400, "invalid-header", "A header is invalid"},
    [ERROR_INVALID_PAYLOAD] = {422, "invalid-payload", "The body is invalid"},
    [ERROR_UNSUPPORTED_TYPE] = {415, "unsupported-media-type", "The media type is not supported"},
    [ERROR_LENGTH_REQUIRED] = {411, "length-required", "The length of the body is missing"},
    [ERROR_TOO_LARGE] = {413, "body-too-large", "The body is too large"},
    [ERROR_TARGET_TOO_LONG] = {414, "uri-too-long", "The request target is too long"},
    [ERROR_HEADERS_TOO_LARGE] = {431, "header-fields-too-large", "The header section is too large"},
    [ERROR_UNAUTHORIZED] = {401, "unauthorized", "A valid token is required"},
    [ERROR_FORBIDDEN] = {403, "forbidden", "The scope of the token is too small"},
    [ERROR_CROSS_ORIGIN] = {403, "cross-origin", "The request comes from another origin"},
    [ERROR_MISDIRECTED] = {421, "misdirected", "The request is for another server"},
    [ERROR_NO_ROUTE] = {404, "not-found", "Not found"},
    [ERROR_NO_METHOD] = {405, "method-not-allowed", "The path does not support this method"},
    [ERROR_NOT_FOUND] = {404, "not-found", "Not found"},
    [ERROR_SESSION_EXISTS] = {409, "session-exists", "Another session has this id"},
    [ERROR_INVALID_TRANSITION] = {409, "invalid-transition",
                                  "The lifecycle does not allow this change"},
    [ERROR_STATUS_MISMATCH] = {409, "status-mismatch", "The session has another status"},
    [ERROR_LEASE_HELD] = {409, "lease-held", "Another owner holds the lease"},
    [ERROR_LEASE_LOST] = {409, "lease-lost", "The token is not that of the current lease"},
    [ERROR_NO_LEASE] = {404, "no-lease", "The session has no lease"},
    [ERROR_EVENTS_GONE] = {410, "events-gone", "The requested events have expired"},
    [ERROR_NO_SEARCH] = {404, "search-off", "Search is off"},
    [ERROR_ENTRY_CONFLICT] = {409, "entry-conflict", "Another entry has this uuid"},
    [ERROR_KEY_REUSED] = {422, "idempotency-key-reused", "The key was used for another request"},
    [ERROR_PRECONDITION_FAILED] = {412, "precondition-failed", "A precondition failed"},
    [ERROR_REQUEST_TIMEOUT] = {408, "request-timeout", "The request took too long to arrive"},
    [ERROR_CLIENT_LEFT] = {400, "client-left", "The client closed the connection"},
    [ERROR_RATE_LIMITED] = {429, "rate-limited", "Too many requests"},
    [ERROR_CLIENT_LIMIT] = {429, "client-limit", "The client has reached a limit"},
    [ERROR_OVERLOADED] = {503, "overloaded", "The memory for bodies is in use"},
    [ERROR_QUEUE_FULL] = {503, "queue-full", "Too many requests are queued"},
    [ERROR_STOPPING] = {503, "stopping", "The service is shutting down"},
    [ERROR_STORAGE_FULL] = {507, "storage-full", "The disk is full"},
    [ERROR_DATABASE_FULL] = {507, "database-full", "The database has reached its size limit"},
    [ERROR_STORAGE_BUSY] = {503, "storage-busy", "The database is busy"},
    [ERROR_BACKUP_RUNNING] = {409, "backup-running", "Another backup is running"},
    [ERROR_NO_ROOM] = {507, "storage-full", "The disk is full"},
    [ERROR_READ_TIMEOUT] = {503, "read-timeout", "The read took too long"},
    [ERROR_NOT_READY] = {503, "not-ready", "The service cannot commit writes"},
    [ERROR_INTERNAL] = {500, "internal", "Internal error"},
    [ERROR_OUTCOME_UNKNOWN] = {500, "outcome-unknown", "The outcome of the write is unknown"},
};

/* These kinds carry messages of SQLite or the operating system, which are for the log only: clients
 * get a fixed sentence, unless the detail was set by error_set_public(). */
static const char *public_detail(const struct error *err)
{
    if (err->kind == ERROR_OUTCOME_UNKNOWN)
        return "the disk failed during the commit; after a restart of the service the change may "
               "be stored or not; read it before you repeat it";
    if (err->is_public)
        return err->detail;
    switch (err->kind) {
    case ERROR_INTERNAL:
        return "an internal error occurred; nothing was changed; the log of the service has the "
               "cause under this request_id";
    case ERROR_STORAGE_FULL:
        return "the disk is full; nothing was changed; reads work, and writes work again when the "
               "disk has free space";
    case ERROR_STORAGE_BUSY:
        return "the database is busy; nothing was changed; send the request again";
    case ERROR_READ_TIMEOUT:
        return "the read took too long and was interrupted; request less at once";
    default:
        return err->detail;
    }
}

/* Adds one item for each missing member of the payload. */
static void add_missing(struct buffer *out, const struct error *err)
{
    buffer_add_text(out, ",\"errors\":[");
    for (unsigned i = 0; i < err->missing_count; i++)
        buffer_printf(out, "%s{\"pointer\":\"#/%s\",\"detail\":\"%s is missing\"}",
                      i == 0 ? "" : ",", err->missing[i], err->missing[i]);
    buffer_add_char(out, ']');
}

/* Names the invalid part of the request: a JSON pointer as a URI fragment (RFC 6901 §6), a query
 * parameter or a header. */
static void add_errors(struct buffer *out, const struct error *err)
{
    const bool payload = err->kind == ERROR_INVALID_PAYLOAD;

    if (err->missing_count > 0) {
        add_missing(out, err);
        return;
    }
    if (payload)
        buffer_add_text(out, ",\"errors\":[{\"pointer\":");
    else if (err->kind == ERROR_INVALID_QUERY)
        buffer_add_text(out, ",\"errors\":[{\"parameter\":");
    else if (err->kind == ERROR_INVALID_HEADER)
        buffer_add_text(out, ",\"errors\":[{\"header\":");
    else
        return;
    if (payload)
        json_add_pointer(out, slice_from(err->field));
    else
        json_add_string(out, slice_from(err->field));
    buffer_add_text(out, ",\"detail\":");
    json_add_string(out, slice_from(err->detail));
    buffer_add_text(out, "}]");
}

static void begin_problem(struct exchange *ex, const struct error *err)
{
    const struct problem_kind *kind = &kinds[err->kind];
    struct buffer *out = &ex->response;

    exchange_discard_response(ex);
    ex->status = kind->status;
    ex->content_type = "application/problem+json";
    buffer_add_text(out, "{\"type\":\"urn:sessiond:problem:");
    buffer_add_text(out, kind->name);
    buffer_add_text(out, "\",\"title\":\"");
    buffer_add_text(out, kind->title);
    buffer_add_text(out, "\",\"status\":");
    buffer_add_int(out, kind->status);
    buffer_add_text(out, ",\"detail\":");
    json_add_string(out, slice_from(public_detail(err)));
    buffer_add_text(out, ",\"instance\":");
    json_add_string(out, ex->path);
    buffer_add_text(out, ",\"request_id\":");
    json_add_string(out, slice_from(ex->request_id));
    add_errors(out, err);
    if (kind->status == 503)
        exchange_add_header(ex, "Retry-After", SLICE_LITERAL(RETRY_AFTER_S));
}

static void end_problem(struct exchange *ex)
{
    buffer_add_text(&ex->response, "}\n");
}

void problem_respond(struct exchange *ex, const struct error *err)
{
    begin_problem(ex, err);
    end_problem(ex);
}

void problem_respond_kind(struct exchange *ex, enum error_kind kind, const char *detail)
{
    struct error err;

    error_set(&err, kind, NULL, "%s", detail);
    problem_respond(ex, &err);
}

static void add_transitions(struct buffer *out, enum session_status from)
{
    const char *separator = "";

    buffer_add_text(out, ",\"current_status\":\"");
    buffer_add_text(out, session_status_name(from));
    buffer_add_text(out, "\",\"allowed\":[");
    for (unsigned i = 0; i < SESSION_STATUS_COUNT; i++) {
        const enum session_status to = (enum session_status)i;
        if (to == from || !session_may_become(from, to))
            continue;
        buffer_printf(out, "%s\"%s\"", separator, session_status_name(to));
        separator = ",";
    }
    buffer_add_char(out, ']');
}

static void add_statuses(struct buffer *out, const struct store_job *job)
{
    buffer_printf(out, ",\"current_status\":\"%s\",\"expected_status\":\"%s\"",
                  session_status_name(job->session.status), session_status_name(job->expected));
}

static void add_append_result(struct buffer *out, const struct store_job *job)
{
    if (job->error.kind == ERROR_ENTRY_CONFLICT)
        buffer_printf(out, ",\"index\":%zu", job->append.conflict);
    buffer_printf(out, ",\"last_seq\":%lld", (long long)job->append.last_seq);
}

/* Version 0 means that the session does not exist. */
static void add_version(struct exchange *ex, int64_t version)
{
    if (version == 0)
        return;
    buffer_add_text(&ex->response, ",\"current_version\":");
    buffer_add_int(&ex->response, version);
    etag_add_header(ex, version);
}

void problem_respond_precondition(struct exchange *ex, const struct error *err, int64_t version)
{
    begin_problem(ex, err);
    add_version(ex, version);
    end_problem(ex);
}

void problem_respond_gone(struct exchange *ex, const struct store_event_page *page)
{
    struct error err;

    error_set(&err, ERROR_EVENTS_GONE, NULL,
              "events after `after` have expired, or it is not an event of this database; read the "
              "sessions again and continue after `newest`, or use after=0 for the oldest event");
    begin_problem(ex, &err);
    buffer_add_char(&ex->response, ',');
    event_json_add_bounds(&ex->response, page);
    end_problem(ex);
}

static void add_retry_after(struct exchange *ex, int64_t seconds)
{
    struct buffer text = {0};

    buffer_add_int(&text, seconds);
    exchange_add_header(ex, "Retry-After", buffer_slice(&text));
    buffer_release(&text);
}

void problem_respond_retry_after(struct exchange *ex, const struct error *err, int64_t seconds)
{
    begin_problem(ex, err);
    add_retry_after(ex, seconds);
    end_problem(ex);
}

/* Retry-After is the time to the lease's expiry in whole seconds, rounded up (RFC 9110 §10.2.3). */
static void add_lease_owner(struct exchange *ex, const struct session_lease *lease)
{
    buffer_add_text(&ex->response, ",\"owner\":");
    json_add_string(&ex->response, lease->owner);
    buffer_add_text(&ex->response, ",\"expires_at\":");
    json_add_time(&ex->response, lease->expires_us);
    add_retry_after(ex, lease->left_us <= 0 ? 1 : (lease->left_us + 999999) / 1000000);
}

void problem_respond_job(struct exchange *ex)
{
    const struct store_job *job = &ex->job;

    begin_problem(ex, &job->error);
    if (job->error.kind == ERROR_INVALID_TRANSITION)
        add_transitions(&ex->response, job->session.status);
    else if (job->error.kind == ERROR_STATUS_MISMATCH)
        add_statuses(&ex->response, job);
    else if (job->error.kind == ERROR_ENTRY_CONFLICT ||
             (job->error.kind == ERROR_PRECONDITION_FAILED && job->operation == STORE_APPEND))
        add_append_result(&ex->response, job);
    else if (job->error.kind == ERROR_PRECONDITION_FAILED)
        add_version(ex, job->session.version);
    else if (job->error.kind == ERROR_LEASE_HELD)
        add_lease_owner(ex, &job->session.lease);
    end_problem(ex);
}
