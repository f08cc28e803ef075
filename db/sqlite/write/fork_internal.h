/* What the two files of a fork share: what is to be copied, and how far that has come. */
#ifndef SESSIOND_DB_SQLITE_WRITE_FORK_INTERNAL_H
#define SESSIOND_DB_SQLITE_WRITE_FORK_INTERNAL_H

#include "db/sqlite/write/dispatch.h"

struct fork_stream {
    int64_t source; /* number of the parent's stream */
    int64_t target; /* of its copy; 0: not begun */
    struct slice name;
    int64_t length; /* of the source */
    int64_t up_to;  /* so many entries of it are copied */
    int64_t seq;    /* the last that was */
    int64_t bytes;
    int64_t updated_us; /* when the last of them was appended */
    bool entries_done;
};

struct fork_plan {
    struct session parent;
    struct fork_stream *streams;
    size_t count;
    size_t at;  /* the stream that is being copied; `count`: all are */
    char *uuid; /* of that stream the last one that was copied */
    size_t uuid_len;
    size_t uuid_room;
};

/* Until all is copied, the job is refused, or it is `until_us`. */
MUST_USE bool write_fork_copy(struct write_operations *ops, struct store_job *job, int64_t until_us,
                              struct error *err);

/* Refuses the job when the stream of this number has gone. */
MUST_USE bool write_fork_check_source(struct write_operations *ops, struct store_job *job,
                                      int64_t number, struct error *err);

/* The parent is not what it was. */
void write_fork_refuse_deleted(struct store_job *job);

#endif
