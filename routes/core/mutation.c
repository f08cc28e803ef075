#include "routes/core/mutation.h"

#include "routes/core/problem.h"
#include "routes/sessions/response.h"

enum route_step mutation_begin(const struct routes *routes, struct exchange *ex,
                               enum store_operation operation, mutation_reader read)
{
    struct error err;

    if (ex->id_text.data != NULL && !session_parse_id(ex, ex->job.id))
        return ROUTE_RESPONDED;
    if (!read(routes, ex, &err)) {
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    ex->job.operation = operation;
    return ROUTE_JOB;
}

void mutation_finish_empty(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    if (ex->job.error.kind == ERROR_NONE)
        ex->status = 204;
    else
        problem_respond_job(ex);
}

bool mutation_respond_json(struct exchange *ex)
{
    if (ex->job.error.kind != ERROR_NONE) {
        problem_respond_job(ex);
        return false;
    }
    ex->status = 200;
    ex->content_type = "application/json";
    return true;
}
