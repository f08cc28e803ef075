#include "tests/fuzz/route_client.h"

#include "db/store/open.h"
#include "routes/core/router.h"
#include "routes/events/sse_buffer.h"
#include "routes/json/legacy_context.h"
#include "routes/meta/metrics.h"
#include "routes/search/text_extract.h"
#include "tests/fuzz/expect.h"

#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#define RING_BYTES 65536
#define BODY_BYTES (1 << 20)
#define PAGE_BYTES 65536
#define JSON_DEPTH 64

/* Far beyond what the rows of a mutated database can fill: a response that is longer has no end. */
#define RESPONSE_BYTES_MAX ((size_t)64 << 20)

/* An event stream of so few events rests less often. */
#define STREAM_WAITS_MAX 1000

#define DAY_US INT64_C(86400000000)

static void ignore_notice(void *arg, enum store_severity severity, const char *event,
                          const char *detail)
{
    (void)arg;
    (void)severity;
    (void)event;
    (void)detail;
}

bool route_client_open(struct route_client *client, const char *path, void (*failed)(void *arg),
                       struct error *err)
{
    const struct store_options options = {
        .path = path,
        .readers = 1,
        .read_limit_ms = 5000,
        .max_queue = 16,
        .max_forks = 16,
        .max_client_forks = 16,
        .max_consumers = 16,
        .max_streams = 16,
        .key_ttl_us = DAY_US,
        .event_retention_us = DAY_US,
        .max_events = 1000,
        .checkpoint_pages = 1000,
        .retain_us = {[STORE_PURGE_TERMINATED] = DAY_US, [STORE_PURGE_IDLE] = DAY_US},
        .max_db_bytes = INT64_C(1) << 30,
        .observer = {.notice = ignore_notice, .failed = failed},
        .fix_legacy_context = legacy_context_wrap,
        .search_text = search_text,
        .search_rule = SEARCH_EXTRACTOR_VERSION,
    };

    *client = (struct route_client){
        .routes = {.max_body_bytes = BODY_BYTES,
                   .max_json_depth = JSON_DEPTH,
                   .max_page_bytes = PAGE_BYTES,
                   .max_batch_entries = 1000,
                   .version = "fuzz"},
    };
    if (!store_open(&options, &client->routes.store, err))
        return false;
    client->routes.metrics = metrics_new();
    client->routes.events = sse_buffer_new(RING_BYTES);
    return true;
}

void route_client_close(struct route_client *client)
{
    store_close(client->routes.store);
    sse_buffer_free(client->routes.events);
    metrics_free(client->routes.metrics);
    exchange_release(&client->ex);
    buffer_release(&client->body);
}

/* --- The request ---------------------------------------------------------------------------- */

static void fill(struct exchange *ex, const struct route_call *call)
{
    const char *query = strchr(call->target, '?');
    const struct slice body = call->body == NULL ? call->lines : slice_from(call->body);

    exchange_release(ex);
    *ex = (struct exchange){.method = call->method, .content_length = body.len};
    ex->path = slice_from(call->target);
    if (query != NULL) {
        ex->path.len = (size_t)(query - call->target);
        ex->query = slice_from(query + 1);
    }
    ex->headers[REQUEST_CONTENT_TYPE] =
        slice_from(call->type == NULL ? "application/json" : call->type);
    ex->headers[REQUEST_IDEMPOTENCY_KEY] = slice_from(call->key);
    ex->headers[REQUEST_ACCEPT] = slice_from(call->accept);
    ex->headers[REQUEST_LEASE_TOKEN] = slice_from(call->token);
    buffer_add(&ex->body, body);
}

static void on_done(struct store_job *job)
{
    sem_post(job->arg);
}

static void run_job(struct store *store, struct store_job *job)
{
    sem_t is_done;

    sem_init(&is_done, 0, 0);
    job->done = on_done;
    job->arg = &is_done;
    if (!store_reserve(store, job->operation))
        abort();
    store_submit(store, job);
    while (sem_wait(&is_done) != 0) {
    }
    sem_destroy(&is_done);
}

/* Nothing happens while the only client waits: what it waits for does not come. */
static void run_route(const struct routes *routes, struct exchange *ex)
{
    enum route_step step = router_begin(routes, ex);

    if (step == ROUTE_WAIT) {
        exchange_discard_response(ex);
        ex->wait.stopping = true;
        step = router_begin(routes, ex);
    }
    if (step != ROUTE_JOB)
        return;
    run_job(routes->store, &ex->job);
    router_finish(routes, ex);
}

/* --- The response --------------------------------------------------------------------------- */

static void add(struct route_client *client, const char *data, size_t len)
{
    buffer_add(&client->body, (struct slice){data, len});
    expect(client->body.len <= RESPONSE_BYTES_MAX, "a response without an end", client->ex.path);
}

static bool read_stream(struct route_client *client)
{
    struct exchange *ex = &client->ex;
    enum stream_step step;
    char piece[4096];
    size_t len = 0;
    int waits = 0;

    do {
        step = ex->stream.read(ex, piece, sizeof(piece), &len);
        if (step == STREAM_DATA)
            add(client, piece, len);
        if (step == STREAM_WAIT)
            expect(++waits <= STREAM_WAITS_MAX, "a stream that waits without an end", ex->path);
    } while (step == STREAM_DATA || (step == STREAM_WAIT && ex->wait.soon));
    return step != STREAM_FAILED;
}

static void read_snapshot(struct route_client *client)
{
    const struct store_snapshot *snapshot = &client->ex.job.snapshot;
    char piece[4096];
    ssize_t len;

    while ((len = pread(snapshot->descriptor, piece, sizeof(piece), (off_t)client->body.len)) > 0)
        add(client, piece, (size_t)len);
}

static int read_response(struct route_client *client)
{
    struct exchange *ex = &client->ex;

    client->body.len = 0;
    if (ex->stream.read != NULL)
        return read_stream(client) ? ex->status : STREAM_CUT;
    if (ex->sends_snapshot)
        read_snapshot(client);
    else if (ex->fixed_response.data != NULL)
        buffer_add(&client->body, ex->fixed_response);
    else
        buffer_add(&client->body, buffer_slice(&ex->response));
    return ex->status;
}

int route_client_call(struct route_client *client, const struct route_call *call)
{
    struct exchange *ex = &client->ex;

    fill(ex, call);
    router_find(ex);
    router_check(&client->routes, ex);
    if (ex->status == 0)
        run_route(&client->routes, ex);
    return read_response(client);
}
