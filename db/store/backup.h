/* The result of STORE_BACKUP. Plain values. */
#ifndef SESSIOND_DB_STORE_BACKUP_H
#define SESSIOND_DB_STORE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

/* A database file with the state at one instant. It contains every write that was acknowledged
 * before the job was submitted, and no write that was submitted after the job completed. The file
 * has no name. */
struct store_snapshot {
    bool open;      /* true until store_job_release closes the descriptor */
    int descriptor; /* read it from offset 0 */
    int64_t bytes;
    const char *media_type; /* static */
};

#endif
