/*
 * Full-text search in entries and contexts (STORE_SEARCH, a job). A query is a list of words, all
 * of which must occur. "several words" in quotes are a phrase, and `word*` is a prefix query. Case
 * and diacritics are ignored. Every character that is neither a letter nor a digit separates words.
 */
#ifndef SESSIOND_DB_STORE_SEARCH_H
#define SESSIOND_DB_STORE_SEARCH_H

#include "db/store/list.h"

#define STORE_SEARCH_LIMIT_MAX 100
#define STORE_SEARCH_TEXT_MAX_BYTES 1024
#define STORE_SEARCH_WORDS_MAX 32
#define STORE_SEARCH_PREFIX_MIN 3 /* letters before the * */

/* Scores are in millionths: 1 to 1000000. */
#define STORE_SEARCH_SCORE_MAX 1000000

/* For entries and for contexts, the limit of the newest matches that are ranked. */
#define STORE_SEARCH_RANKED_MAX 10000

/* Time limit of a search, in ms. The hits found until then are the result. */
#define STORE_SEARCH_LIMIT_MS 250

/* Extracts the searchable text of an entry or a context: see routes/search/text_extract.h. Returns
 * a malloc'ed text that the store frees, or NULL when there is none. Pure; called on the store's
 * threads. */
typedef char *(*store_extract_fn)(struct slice json, size_t *len);

/* Position of a hit in the result order: by score, then by document. */
struct store_search_cursor {
    int64_t score;    /* 0: before the first hit */
    int64_t document; /* an entry's key, or minus the seq of a context's session */
};

struct store_search_query {
    struct slice text;
    struct slice thread_id;    /* data NULL: any */
    struct slice project_path; /* data NULL: any */
    unsigned statuses;         /* bit 1 << status for each wanted status; 0: any */
    int limit;                 /* hits, 1 to STORE_SEARCH_LIMIT_MAX */
    struct store_search_cursor after;
};

struct store_hit {
    struct slice session_id;
    struct slice project_path;
    struct slice thread_id;
    enum session_status status;
    struct slice stream; /* data NULL: the hit is the context */
    int64_t seq;         /* of the entry */
    int64_t created_us;  /* of the entry, or of the session */
    int64_t score;
    struct slice snippet;           /* plain text, one line */
    const struct store_mark *marks; /* the matches in the snippet, in order */
    size_t mark_count;
};

struct store_mark {
    size_t from; /* bytes of the snippet */
    size_t to;
};

/* Receives one hit; its slices are valid during the call. STOP rejects the hit and ends the
 * page. */
typedef enum store_visit (*store_hit_fn)(void *arg, const struct store_hit *hit);

/* Errors: ERROR_INVALID_QUERY with the field `q`; ERROR_NO_SEARCH when search is off. */
struct store_search {
    struct store_search_query query;
    store_hit_fn visit; /* called on a thread of the store */

    /* Out. */
    struct store_search_cursor last; /* of the last hit that the visitor accepted */
    bool more;                       /* further hits follow */
    bool complete;                   /* every match was ranked */
};

#endif
