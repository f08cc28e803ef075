/*
 * Which entries a stream has and which lines a file has had so far, as digests in a hash table:
 * some 40 bytes for each. An entry with a uuid is found by its uuid, any other by its text; of
 * equal texts without a uuid each counts.
 */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_DIGESTS_H
#define SESSIOND_SERVICE_CLI_CLAUDE_DIGESTS_H

#include "db/base/slice.h"

#include <stdint.h>

struct transcript_digest;

/* {0} is empty. */
struct transcript_digests {
    struct transcript_digest *slots;
    size_t room;
    size_t used;
};

enum transcript_match {
    TRANSCRIPT_NEW,      /* not in the stream */
    TRANSCRIPT_STORED,   /* in the stream */
    TRANSCRIPT_REPEATED, /* an earlier line of the file has its uuid and text */
    TRANSCRIPT_CONFLICT, /* its uuid is that of an entry or of an earlier line with another text */
};

/* Both abort when there is no memory. An empty `uuid` is none. */

/* The stream has this entry. */
void transcript_digests_store(struct transcript_digests *digests, struct slice uuid,
                              struct slice text);

/* The file has this line. Call it once for each line. */
enum transcript_match transcript_digests_match(struct transcript_digests *digests,
                                               struct slice uuid, struct slice text);

/* Frees the table; it is empty then. */
void transcript_digests_release(struct transcript_digests *digests);

#endif
