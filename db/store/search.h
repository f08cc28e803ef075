/*
 * Looking for words in the texts of entries and contexts (STORE_SEARCH, a job). A query is words,
 * all of which have to be there; "several words" in quotes are looked for one behind the other, and
 * a word with * behind it stands for all that begin like it. Case and diacritics are ignored,
 * everything that is neither letter nor digit separates.
 */
#ifndef SESSIOND_DB_STORE_SEARCH_H
#define SESSIOND_DB_STORE_SEARCH_H

#include "db/store/list.h"

#define STORE_SEARCH_LIMIT_MAX 100
#define STORE_SEARCH_TEXT_MAX_BYTES 1024
#define STORE_SEARCH_WORDS_MAX 32
#define STORE_SEARCH_PREFIX_MIN 3 /* letters before a * */

/* Scores are millionths: 1 to 1000000. */
#define STORE_SEARCH_SCORE_MAX 1000000

/* Of each kind, so many of the newest matches are ranked. */
#define STORE_SEARCH_RANKED_MAX 10000

/* After so long what was found until then is the result. */
#define STORE_SEARCH_LIMIT_MS 250

/* What of an entry or a context is looked through: see routes/search/text_extract.h. Returns a
 * malloc'ed text, NULL when there is none. Pure; called on the store's threads. */
typedef char *(*store_extract_fn)(struct slice json, size_t *len);

/* The place of a hit in the order of all: by score, then by document. */
struct store_search_cursor {
    int64_t score;    /* 0: before the first */
    int64_t document; /* an entry's key; a context's session's seq below zero */
};

struct store_search_query {
    struct slice text;
    struct slice thread_id;    /* data NULL: any */
    struct slice project_path; /* data NULL: any */
    unsigned statuses;         /* bit 1 << status for each that is wanted; 0: any */
    int limit;                 /* hits, 1 to STORE_SEARCH_LIMIT_MAX */
    struct store_search_cursor after;
};

struct store_hit {
    struct slice session_id;
    struct slice project_path;
    struct slice thread_id;
    enum session_status status;
    struct slice stream; /* data NULL: it is the context */
    int64_t seq;         /* of the entry */
    int64_t created_us;  /* the entry, or the session */
    int64_t score;
    struct slice snippet;           /* plain text, of one line */
    const struct store_mark *marks; /* what matched in it, in order */
    size_t mark_count;
};

struct store_mark {
    size_t from; /* bytes of the snippet */
    size_t to;
};

/* Gets one hit, whose slices are valid during the call. STOP refuses it and ends the page. */
typedef enum store_visit (*store_hit_fn)(void *arg, const struct store_hit *hit);

/* ERROR_INVALID_QUERY names `q`. ERROR_NO_SEARCH: the store was opened without. */
struct store_search {
    struct store_search_query query;
    store_hit_fn visit; /* called on the store's thread */

    /* Out. */
    struct store_search_cursor last; /* of the last hit that was taken */
    bool more;                       /* hits are left behind it */
    bool complete;                   /* all that matches was ranked */
};

#endif
