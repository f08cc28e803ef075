#include "db/runtime/input_bytes.h"

static size_t append_bytes(const struct store_append *append)
{
    size_t bytes = 0;

    for (size_t i = 0; i < append->count; i++)
        bytes += append->entries[i].text.len;
    return bytes;
}

static size_t import_bytes(const struct store_import *import)
{
    size_t bytes = 0;

    for (size_t i = 0; i < import->count; i++) {
        const struct store_import_item *item = &import->items[i];
        bytes += item->session.context.len;
        for (size_t k = 0; k < item->count; k++)
            bytes += item->entries[k].text.len;
    }
    return bytes;
}

size_t input_bytes(const struct store_job *job)
{
    if (job->operation == STORE_APPEND)
        return append_bytes(&job->append);
    if (job->operation == STORE_IMPORT)
        return import_bytes(&job->import);
    return job->context.len + job->edit_bytes;
}
