/* POST /admin/backup: a snapshot of the whole database as a database file. */

#include "routes/core/problem.h"
#include "routes/core/route.h"

static enum route_step backup_begin(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    ex->job.operation = STORE_BACKUP;
    return ROUTE_JOB;
}

static void backup_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    if (ex->job.error.kind != ERROR_NONE) {
        problem_respond_job(ex);
        return;
    }
    ex->status = 200;
    ex->content_type = ex->job.snapshot.media_type;
    ex->sends_snapshot = true;
}

const struct route route_backup = {
    .method = METHOD_POST,
    .pattern = "/admin/backup",
    .scope = SCOPE_ADMIN,
    .begin = backup_begin,
    .finish = backup_finish,
};
