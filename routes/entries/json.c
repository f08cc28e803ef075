#include "routes/entries/json.h"

#include "routes/json/legacy_context.h"
#include "routes/json/writer.h"

void entry_json_add(struct buffer *out, const struct store_entry *entry)
{
    buffer_add(out, SLICE_LITERAL("{\"seq\":"));
    buffer_add_int(out, entry->seq);
    buffer_add(out, SLICE_LITERAL(",\"created_at\":"));
    json_add_time(out, entry->created_us);
    buffer_add(out, SLICE_LITERAL(",\"entry\":"));
    if (entry->text.len == 0 || memchr(entry->text.data, '\n', entry->text.len) != NULL)
        legacy_context_add_line(out, entry->text); /* corrupt: the service writes no such entry */
    else
        buffer_add(out, entry->text);
    buffer_add_char(out, '}');
}
