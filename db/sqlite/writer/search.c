#include "db/sqlite/writer/writer_internal.h"

enum outcome writer_check_search(struct writer *writer, struct error *err)
{
    struct search_index *search = &writer->operations.search;

    if (!search_index_is_corrupt(search))
        return OUTCOME_ROLLED_BACK;
    if (!search_index_rebuild(search, err, err))
        return OUTCOME_UNKNOWN;
    reader_pool_committed(writer->readers);
    search->rebuilt_at = atomic_load(&writer->readers->commits);
    return OUTCOME_INDEX_REBUILT;
}
