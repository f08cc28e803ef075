/* A session and one of its streams in the running service, as the import of a transcript needs
 * them. Blocks; one thread. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_STREAM_H
#define SESSIOND_SERVICE_CLI_CLAUDE_STREAM_H

#include "db/base/uuid.h"
#include "routes/core/buffer.h"
#include "service/app/config.h"
#include "service/cli/claude/digests.h"

struct claude_stream {
    const struct config *config;
    char session_id[UUID_SIZE];
    struct buffer target; /* /sessions/ID/entries?stream=NAME, with a NUL behind it */
    int64_t last_seq;     /* after claude_stream_load() */
};

/* What a response means for an import. Of all but DONE *err says more. */
enum claude_result {
    CLAUDE_DONE,
    CLAUDE_REFUSED, /* the body is one that the service does not take */
    CLAUDE_STOPPED, /* the session does not take it now: a lease, another writer, a deletion */
    CLAUDE_FAILED,  /* the service cannot be used: the whole import ends */
};

/* Any name that a stream may have. */
void claude_stream_open(struct claude_stream *stream, const struct config *config,
                        const char *session_id, struct slice name);

/* Creates the session unless it is there. STOPPED with ERROR_SESSION_EXISTS when it has another
 * project or thread. */
enum claude_result claude_stream_create(const struct claude_stream *stream, struct slice project,
                                        struct error *err);

/* Reads the project of a session that is there; *is_other_thread: it is not of --thread. */
enum claude_result claude_stream_project(const struct claude_stream *stream, struct buffer *project,
                                         bool *is_other_thread, struct error *err);

/* Adds all entries of the stream to `digests`. */
enum claude_result claude_stream_load(struct claude_stream *stream, struct claude_digests *digests,
                                      struct error *err);

/* Appends lines of NDJSON, all or none, if the stream still ends where this client left it. */
enum claude_result claude_stream_append(struct claude_stream *stream, struct slice lines,
                                        struct error *err);

void claude_stream_close(struct claude_stream *stream);

#endif
