/*
 * The log of a session: streams of entries that are only ever appended to. An entry is a text that
 * the store does not look into; its seq is its place in its stream, from 1, without gaps. Appending
 * is a job (STORE_APPEND), reading one too (STORE_ENTRIES) or a call, as with lists (db/store.h).
 */
#ifndef SESSIOND_DB_STORE_ENTRIES_H
#define SESSIOND_DB_STORE_ENTRIES_H

#include "db/base/uuid.h"
#include "db/store/list.h"

struct store;

/* As many entries as one stream can have. */
#define STORE_STREAM_ENTRIES_MAX INT64_C(4294967295)

struct store_new_entry {
    struct slice text;
    struct slice uuid; /* data NULL: none. In one stream no two entries have the same */
};

/* Appends all that are not there yet, or nothing. The session's version stays what it is. */
struct store_append {
    struct slice stream;
    const struct store_new_entry *entries;
    size_t count;
    bool has_expected; /* the stream has to end with the seq `expected`; 0: be empty */
    int64_t expected;

    /* Out. last_seq is set also when it refuses the job: ERROR_PRECONDITION_FAILED. */
    int64_t appended;
    int64_t duplicates; /* whose uuid is there, with the same text */
    int64_t first_seq;  /* of what was appended; 0: nothing */
    int64_t last_seq;   /* of the stream; 0: it has no entries */
    size_t conflict;    /* ERROR_ENTRY_CONFLICT: the first whose uuid has another text */
};

struct store_entry {
    int64_t seq;
    int64_t created_us;
    struct slice text;
};

/* Gets one entry, whose text is valid during the call. STOP refuses it and ends the read. */
typedef enum store_visit (*store_entry_fn)(void *arg, const struct store_entry *entry);

struct store_entry_query {
    char id[UUID_SIZE]; /* of the session */
    struct slice stream;
    int64_t after;       /* entries with a higher seq */
    int64_t before;      /* and a lower one; 0: any */
    int limit;           /* at least 1 */
    bool descending;     /* the last first */
    int64_t session_seq; /* not 0: the session has to be this one, and not one made later under its
                            id: ERROR_NOT_FOUND */
};

struct store_entry_page {
    int64_t session_seq; /* of the session, for a later query */
    int64_t last_seq;    /* of the stream; 0: it has no entries */
    int64_t last;        /* the seq of the last entry that was taken; 0: none was */
    bool more;           /* entries are left behind it */
};

/* What a STORE_ENTRIES job asks; the visitor is called on the store's thread. */
struct store_entry_read {
    struct store_entry_query query;
    store_entry_fn visit;
    void *arg;
    struct store_entry_page page; /* out */
};

struct store_stream {
    struct slice name;
    int64_t last_seq; /* and so the number of its entries */
    int64_t bytes;    /* of their texts */
    int64_t updated_us;
};

typedef enum store_visit (*store_stream_fn)(void *arg, const struct store_stream *stream);

/* Visits entries of one stream. A stream that nobody wrote to has none. ERROR_NOT_FOUND when there
 * is no such session. */
MUST_USE bool store_entries(struct store *store, const struct store_entry_query *query,
                            store_entry_fn visit, void *arg, struct store_entry_page *page,
                            struct error *err);

/* Visits at most `limit` of the session's streams whose name is greater than `after`, by name.
 * *more: others are left. ERROR_NOT_FOUND when there is no such session. */
MUST_USE bool store_streams(struct store *store, const char *id, struct slice after, int limit,
                            store_stream_fn visit, void *arg, bool *more, struct error *err);

#endif
