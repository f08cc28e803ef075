#include "routes/core/mutation.h"

#include "routes/core/problem.h"
#include "routes/sessions/response.h"

enum route_step write_route_begin(const struct routes *routes, struct exchange *ex,
                                  enum store_operation operation, write_reader read)
{
    struct error err;

    if (ex->id_text.data != NULL && !session_read_id(ex, ex->job.id))
        return ROUTE_ANSWERED;
    if (!read(routes, ex, &err)) {
        problem_answer(ex, &err);
        return ROUTE_ANSWERED;
    }
    ex->job.operation = operation;
    return ROUTE_JOB;
}

void write_route_finish_empty(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    if (ex->job.error.kind == ERROR_NONE)
        ex->status = 204;
    else
        problem_answer_job(ex);
}

bool write_route_answer_json(struct exchange *ex)
{
    if (ex->job.error.kind != ERROR_NONE) {
        problem_answer_job(ex);
        return false;
    }
    ex->status = 200;
    ex->content_type = "application/json";
    return true;
}
