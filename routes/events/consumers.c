/* /consumers/{name}: the offset of a consumer of the event log. */

#include "db/base/timestamp.h"
#include "routes/core/mutation.h"
#include "routes/core/problem.h"
#include "routes/events/consumer_name.h"
#include "routes/json/body.h"
#include "routes/json/writer.h"

static bool read_name(struct exchange *ex)
{
    ex->job.consumer.name = ex->id_text;
    if (consumer_name_is_valid(ex->id_text))
        return true;
    problem_respond_kind(ex, ERROR_NOT_FOUND, CONSUMER_NAME_RULE);
    return false;
}

static void respond_with_consumer(struct exchange *ex, int status)
{
    const struct store_consumer *consumer = &ex->job.consumer;
    struct buffer *out = &ex->response;

    ex->status = status;
    ex->content_type = "application/json";
    buffer_add_text(out, "{\"name\":");
    json_add_string(out, consumer->name);
    buffer_printf(out, ",\"after\":%lld,\"updated_at\":", (long long)consumer->after);
    json_add_time(out, consumer->updated_us);
    buffer_add_text(out, "}\n");
}

static enum route_step get_begin(const struct routes *routes, struct exchange *ex)
{
    struct store_consumer *consumer = &ex->job.consumer;

    if (!read_name(ex))
        return ROUTE_RESPONDED;
    if (store_consumer(routes->store, consumer->name, consumer, &ex->job.error))
        respond_with_consumer(ex, 200);
    else
        problem_respond_job(ex);
    return ROUTE_RESPONDED;
}

const struct route route_consumer_get = {
    .method = METHOD_GET,
    .pattern = "/consumers/{name}",
    .scope = SCOPE_READ,
    .begin = get_begin,
};

static enum route_step put_begin(const struct routes *routes, struct exchange *ex)
{
    static const char *const names[] = {"after", NULL};
    struct error err;

    if (!read_name(ex))
        return ROUTE_RESPONDED;
    if (!json_body_new(buffer_slice(&ex->body), routes->max_json_depth, names, &ex->payload,
                       &err) ||
        !json_body_integer(ex->payload, "after", 0, TIMESTAMP_MAX_US, &ex->job.consumer.after,
                           &err)) {
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    ex->job.operation = STORE_CONSUMER_PUT;
    return ROUTE_JOB;
}

static void put_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    if (ex->job.error.kind != ERROR_NONE)
        problem_respond_job(ex);
    else
        respond_with_consumer(ex, ex->job.created ? 201 : 200);
}

const struct route route_consumer_put = {
    .method = METHOD_PUT,
    .pattern = "/consumers/{name}",
    .scope = SCOPE_WRITE,
    .body = ROUTE_BODY_JSON,
    .begin = put_begin,
    .finish = put_finish,
};

static enum route_step delete_begin(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    if (!read_name(ex))
        return ROUTE_RESPONDED;
    ex->job.operation = STORE_CONSUMER_DELETE;
    return ROUTE_JOB;
}

const struct route route_consumer_delete = {
    .method = METHOD_DELETE,
    .pattern = "/consumers/{name}",
    .scope = SCOPE_WRITE,
    .begin = delete_begin,
    .finish = mutation_finish_empty,
};
