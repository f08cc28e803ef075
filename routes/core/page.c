#include "routes/core/page.h"

/* Reserved for the end of a page: closing brackets and the cursor of the next page. */
#define PAGE_END_BYTES 96

size_t page_begin_item(struct exchange *ex)
{
    const size_t began = ex->response.len;

    if (ex->page_items > 0)
        buffer_add_char(&ex->response, ',');
    return began;
}

enum store_visit page_end_item(struct exchange *ex, size_t began)
{
    struct buffer *out = &ex->response;

    if (ex->page_items > 0 && out->len + PAGE_END_BYTES > ex->max_page_bytes) {
        out->len = began;
        return STORE_VISIT_STOP;
    }
    ex->page_items++;
    return STORE_VISIT_NEXT;
}
