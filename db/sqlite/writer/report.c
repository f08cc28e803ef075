#include "db/sqlite/maintenance/retention.h"
#include "db/sqlite/write/quota.h"
#include "db/sqlite/writer/writer_internal.h"

#include <stdio.h>

static void notice(struct writer *writer, enum store_severity severity, const char *event,
                   const char *detail)
{
    writer->observer.notice(writer->observer.arg, severity, event, detail);
}

void writer_tell_size(struct writer *writer)
{
    struct database_size *size = &writer->operations.state.size;
    char detail[128];

    if (write_size_tell(size, detail, sizeof(detail))) {
        if (size->nearly_full)
            notice(writer, STORE_WARNING, "database_nearly_full", detail);
        else
            notice(writer, STORE_INFO, "database_has_room", detail);
    }
    figures_sized(writer->figures, size);
}

void writer_log_skipped(struct writer *writer)
{
    const struct skipped_rows *skipped = &writer->operations.skipped;
    char detail[sizeof(skipped->first.detail) + 64];

    if (skipped->count == 0)
        return;
    if (skipped->count == 1)
        snprintf(detail, sizeof(detail), "a row cannot be read: %s", skipped->first.detail);
    else
        snprintf(detail, sizeof(detail), "%lld rows cannot be read, the first: %s",
                 (long long)skipped->count, skipped->first.detail);
    notice(writer, STORE_WARNING, "rows_skipped", detail);
}

void writer_tell_purge(struct writer *writer)
{
    char detail[128];

    if (write_purge_tell(&writer->operations.state.purge, detail, sizeof(detail)))
        notice(writer, STORE_INFO, "sessions_purged", detail);
}
