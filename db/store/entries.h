/*
 * The entries of a session: append-only streams. The store does not parse the text of an entry. Its
 * seq is its position in its stream, from 1, without gaps. Appending is a job (STORE_APPEND).
 * Reading is a job (STORE_ENTRIES) or a call on the caller's thread (store_entries), as for lists
 * (db/store.h).
 */
#ifndef SESSIOND_DB_STORE_ENTRIES_H
#define SESSIOND_DB_STORE_ENTRIES_H

#include "db/base/uuid.h"
#include "db/store/list.h"

struct store;

/* Limit of the entries of one stream. */
#define STORE_STREAM_ENTRIES_MAX INT64_C(4294967295)

struct store_new_entry {
    struct slice text;
    struct slice uuid; /* data NULL: none. Unique within a stream */
};

/* Appends the entries that the stream does not have yet, in one transaction: all of them or none.
 * The session's version does not change. */
struct store_append {
    struct slice stream;
    const struct store_new_entry *entries;
    size_t count;
    /* the last seq of the stream must be `expected`; 0: the stream must be empty */
    bool has_expected;
    int64_t expected;

    /* Out. last_seq is also set when the job fails with ERROR_PRECONDITION_FAILED. */
    int64_t appended;
    int64_t duplicates; /* entries whose uuid is stored with the same text */
    int64_t first_seq;  /* of the first appended entry; 0: none was appended */
    int64_t last_seq;   /* of the stream; 0: the stream is empty */
    /* ERROR_ENTRY_CONFLICT: index of the first entry whose uuid is stored with another text */
    size_t conflict;
};

struct store_entry {
    int64_t seq;
    int64_t created_us;
    struct slice text;
};

/* Receives one entry, whose text is valid during the call. STOP rejects the entry and ends the
 * read. */
typedef enum store_visit (*store_entry_fn)(void *arg, const struct store_entry *entry);

struct store_entry_query {
    char id[UUID_SIZE]; /* of the session */
    struct slice stream;
    int64_t after;   /* only entries with a higher seq */
    int64_t before;  /* only entries with a lower seq; 0: no limit */
    int limit;       /* at least 1 */
    bool descending; /* highest seq first */
    /* Not 0: the session must have this creation key, otherwise ERROR_NOT_FOUND. It differs when
     * the session was deleted and its id was used again. */
    int64_t session_seq;
};

struct store_entry_page {
    int64_t session_seq; /* of the session, for a later query */
    int64_t last_seq;    /* of the stream; 0: the stream is empty */
    int64_t last;        /* seq of the last entry that the visitor accepted; 0: none */
    bool more;           /* entries follow `last` */
};

/* STORE_ENTRIES. The visitor is called on a thread of the store. */
struct store_entry_read {
    struct store_entry_query query;
    store_entry_fn visit;
    void *arg;
    struct store_entry_page page; /* out */
};

struct store_stream {
    struct slice name;
    int64_t last_seq; /* equals the number of entries */
    int64_t bytes;    /* sum of the text lengths */
    int64_t updated_us;
};

typedef enum store_visit (*store_stream_fn)(void *arg, const struct store_stream *stream);

/* Reads entries of one stream and calls `visit` for each, on the caller's thread. A stream that
 * does not exist has no entries. Sets *page. Errors: ERROR_NOT_FOUND (no such session), and those
 * of store_get. */
MUST_USE bool store_entries(struct store *store, const struct store_entry_query *query,
                            store_entry_fn visit, void *arg, struct store_entry_page *page,
                            struct error *err);

/* Visits at most `limit` of the session's streams whose names are greater than `after`, in the
 * order of their names, on the caller's thread. *more: further streams exist. Errors:
 * ERROR_NOT_FOUND (no such session), and those of store_get. */
MUST_USE bool store_streams(struct store *store, const char *id, struct slice after, int limit,
                            store_stream_fn visit, void *arg, bool *more, struct error *err);

#endif
