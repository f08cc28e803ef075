/*
 * Hash table of the entries of a stream and of the lines of a file, as digests: about 40 bytes
 * each. An entry is identified by its uuid or, without a uuid, by its text. Equal texts without a
 * uuid are counted separately.
 */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_DIGESTS_H
#define SESSIOND_SERVICE_CLI_CLAUDE_DIGESTS_H

#include "db/base/slice.h"

#include <stdint.h>

struct claude_digest;

/* {0} is an empty table. */
struct claude_digests {
    struct claude_digest *slots;
    size_t room;
    size_t used;
};

enum claude_match {
    CLAUDE_NEW,      /* not in the stream */
    CLAUDE_STORED,   /* in the stream */
    CLAUDE_REPEATED, /* an earlier line of the file has its uuid and text */
    CLAUDE_CONFLICT, /* an entry or an earlier line has its uuid and another text */
};

/* Both functions abort when memory is exhausted. An empty `uuid` means no uuid. */

/* Adds an entry of the stream. */
void claude_digests_store(struct claude_digests *digests, struct slice uuid, struct slice text);

/* Compares a line of the file with the stream and the earlier lines. Call it once per line. */
enum claude_match claude_digests_match(struct claude_digests *digests, struct slice uuid,
                                       struct slice text);

/* Frees the slots. The table is empty afterwards. */
void claude_digests_release(struct claude_digests *digests);

#endif
