#include "service/http/daemon.h"
#include "service/http/request_limits.h"

#include "routes/core/router.h"

static void reject_body(struct request *request)
{
    http_server_reject_bytes(request,
                             "the memory for bodies (--body-memory-limit) is in use; nothing was "
                             "changed; send the request again");
}

void http_server_check_room(struct http_server *server, struct request *request)
{
    const struct exchange *ex = &request->ex;

    if (ex->status == 0 && !http_server_has_room(server, request, ex->content_length))
        reject_body(request);
}

/* Returns false, with a response set, when the part is rejected. */
static bool accept_part(struct http_server *server, struct request *request, size_t bytes)
{
    struct exchange *ex = &request->ex;

    if (ex->has_chunked_body &&
        !router_check_body(server->options.routes, ex, (uint64_t)ex->body.len + bytes))
        return false;
    if (http_server_charge(server, request, bytes))
        return true;
    reject_body(request);
    return false;
}

enum MHD_Result http_server_store_part(struct http_server *server, struct request *request,
                                       struct slice part)
{
    struct exchange *ex = &request->ex;

    if (ex->status != 0)
        return MHD_YES;
    if (accept_part(server, request, part.len)) {
        buffer_add(&ex->body, part);
        return MHD_YES;
    }
    buffer_release(&ex->body);
    http_server_uncharge(server, request);
    return ex->has_chunked_body ? http_server_send_early(server, request) : MHD_YES;
}
