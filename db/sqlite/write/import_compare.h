/* The state that the two parts of an import share: the comparison with the stored data, and the
 * writes. Writer thread, inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_WRITE_IMPORT_COMPARE_H
#define SESSIOND_DB_SQLITE_WRITE_IMPORT_COMPARE_H

#include "db/sqlite/write/context.h"

/* A stream during the comparison or the writes. stream_id 0: it does not exist. */
struct stream {
    struct slice name;
    int64_t stream_id;
    int64_t last_seq;
    int64_t bytes;
    int64_t last_us; /* when its last entry was appended */
};

struct importing {
    struct write_operations *ops;
    const struct store_import *import;
    struct store_import_item *item;
    int64_t growth_bytes; /* bytes that the item adds, as far as it was compared */
    int64_t session_seq;  /* 0: the session does not exist */
    bool is_leased;
    int64_t entry_count; /* of the session's log */
    int64_t entry_bytes;
    struct stream stream;
    bool has_grown;    /* entries were appended to the stream */
    int64_t first_seq; /* of the appended entries */
    struct error *err;
};

/* Compares the item with the stored data: finds its session, conflicts, and the number of bytes
 * that the item adds. Sets a conflict in the item. False: *im->err is a storage error. */
MUST_USE bool write_import_compare(struct importing *im);

/* Loads the session's stream of that name; a stream that does not exist has stream_id 0. False:
 * *im->err is a storage error. */
MUST_USE bool write_import_open_stream(struct importing *im, struct slice name);

#endif
