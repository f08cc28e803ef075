/* What STORE_BACKUP answers. */
#ifndef SESSIOND_DB_STORE_BACKUP_H
#define SESSIOND_DB_STORE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

/* A database file of everything as of one instant: all that was acknowledged before the job was
 * submitted, and nothing that was submitted after it is answered. The file has no name. */
struct store_snapshot {
    bool open;      /* until store_job_release closes the descriptor */
    int descriptor; /* to be read from its beginning */
    int64_t bytes;
    const char *media_type; /* static */
};

#endif
