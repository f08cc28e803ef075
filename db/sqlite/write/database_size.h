/* The size of the database when the writer last read it. Plain values. */
#ifndef SESSIOND_DB_SQLITE_WRITE_DATABASE_SIZE_H
#define SESSIOND_DB_SQLITE_WRITE_DATABASE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

struct database_size {
    int64_t max_bytes;  /* 0: no limit */
    int64_t page_bytes; /* of one page */
    int64_t used_bytes;
    int64_t free_pages; /* in the file, reused by later writes */
    bool nearly_full;
    int64_t last_jobs_us; /* monotonic: when the writer last had another job */
    bool shrinks;         /* free pages can be returned to the file system */
    bool is_shrinking;
};

#endif
