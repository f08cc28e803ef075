/* The size of the database, as the writer last knew it. */
#ifndef SESSIOND_DB_SQLITE_WRITE_DATABASE_SIZE_H
#define SESSIOND_DB_SQLITE_WRITE_DATABASE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

struct database_size {
    int64_t max_bytes;  /* 0: no limit */
    int64_t page_bytes; /* of one page */
    int64_t used_bytes;
    int64_t free_pages; /* in the file, for what is stored next */
    bool nearly_full;
    int64_t last_jobs_us; /* monotonic: when there was last something else to do */
    bool shrinks;         /* free pages can be given back */
    bool is_shrinking;
};

#endif
