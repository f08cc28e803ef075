#include "routes/core/exchange.h"

#include "routes/admin/import_body.h"
#include "routes/entries/body.h"
#include "routes/json/body.h"
#include "routes/json/patch.h"

#include <stdlib.h>

void exchange_add_header(struct exchange *ex, const char *name, struct slice value)
{
    const size_t i = ex->response_header_count;

    if (i == EXCHANGE_RESPONSE_HEADERS)
        abort();
    ex->response_header_count++;
    ex->response_headers[i].name = name;
    ex->response_headers[i].value = ex->header_text.len;
    buffer_add(&ex->header_text, value);
    buffer_add_char(&ex->header_text, '\0');
}

const char *exchange_header_value(const struct exchange *ex, size_t i)
{
    return ex->header_text.data + ex->response_headers[i].value;
}

void exchange_forbid_buffering(struct exchange *ex)
{
    exchange_add_header(ex, "Cache-Control", SLICE_LITERAL("no-store"));
    exchange_add_header(ex, "X-Accel-Buffering", SLICE_LITERAL("no"));
}

static void release_stream(struct exchange *ex)
{
    if (ex->stream.free_state != NULL)
        ex->stream.free_state(ex->stream.state);
    ex->stream = (struct exchange_stream){0};
}

void exchange_discard_response(struct exchange *ex)
{
    ex->status = 0;
    ex->content_type = NULL;
    ex->response.len = 0;
    ex->fixed_response = (struct slice){0};
    ex->sends_snapshot = false;
    release_stream(ex);
    ex->response_header_count = 0;
    ex->header_text.len = 0;
}

void exchange_release(struct exchange *ex)
{
    store_job_release(&ex->job);
    json_body_free(ex->payload);
    json_patch_free(ex->patch);
    release_stream(ex);
    entries_body_free(ex->entries);
    import_body_free(ex->import);
    buffer_release(&ex->body);
    buffer_release(&ex->response);
    buffer_release(&ex->header_text);
    buffer_release(&ex->query_text);
    buffer_release(&ex->key_text);
    buffer_release(&ex->serialized_response);
}
