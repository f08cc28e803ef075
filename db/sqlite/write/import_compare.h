/* What the two halves of an import share: looking at what is there, and writing what is not. */
#ifndef SESSIOND_DB_SQLITE_WRITE_IMPORT_COMPARE_H
#define SESSIOND_DB_SQLITE_WRITE_IMPORT_COMPARE_H

#include "db/sqlite/write/context.h"

/* A stream as it is, while entries of it are looked at or written. number 0: nobody wrote to it. */
struct stream {
    struct slice name;
    int64_t number;
    int64_t last_seq;
    int64_t bytes;
    int64_t last_us; /* when its last entry was appended */
};

struct importing {
    struct write_operations *ops;
    const struct store_import *import;
    struct store_import_item *item;
    int64_t growth_bytes; /* what it adds, as far as it was looked at */
    int64_t session_seq;  /* 0: the session is not there */
    bool is_leased;
    int64_t entry_count; /* of its log */
    int64_t entry_bytes;
    struct stream stream;
    bool grown;        /* the stream, by what was written */
    int64_t first_seq; /* of that */
    struct error *err;
};

/* Looks at the item: where its session is, whether something is in the way, and how much it would
 * add. A conflict is in the item. False: the storage fails. */
MUST_USE bool write_import_compare(struct importing *im);

/* Takes up the stream of that name of the session: as it is stored, or one without a number. */
MUST_USE bool write_import_open_stream(struct importing *im, struct slice name);

#endif
