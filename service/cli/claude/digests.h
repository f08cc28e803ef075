/*
 * Which entries a stream has and which lines a file has had so far, as digests in a hash table:
 * some 40 bytes for each. An entry with a uuid is found by its uuid, any other by its text; of
 * equal texts without a uuid each counts.
 */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_DIGESTS_H
#define SESSIOND_SERVICE_CLI_CLAUDE_DIGESTS_H

#include "db/base/slice.h"

#include <stdint.h>

struct claude_digest;

/* {0} is empty. */
struct claude_digests {
    struct claude_digest *slots;
    size_t room;
    size_t used;
};

enum claude_match {
    CLAUDE_NEW,      /* not in the stream */
    CLAUDE_STORED,   /* in the stream */
    CLAUDE_REPEATED, /* an earlier line of the file has its uuid and text */
    CLAUDE_CONFLICT, /* its uuid is that of an entry or of an earlier line with another text */
};

/* Both abort when there is no memory. An empty `uuid` is none. */

/* The stream has this entry. */
void claude_digests_store(struct claude_digests *digests, struct slice uuid, struct slice text);

/* The file has this line. Call it once for each line. */
enum claude_match claude_digests_match(struct claude_digests *digests, struct slice uuid,
                                       struct slice text);

/* Frees the table; it is empty then. */
void claude_digests_release(struct claude_digests *digests);

#endif
