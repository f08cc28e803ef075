/* A session of the running service and one of its streams, for the import of a transcript. Blocks;
 * one thread. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_STREAM_H
#define SESSIOND_SERVICE_CLI_CLAUDE_STREAM_H

#include "db/base/uuid.h"
#include "routes/core/buffer.h"
#include "service/app/config.h"
#include "service/cli/claude/digests.h"

struct claude_stream {
    const struct config *config;
    char session_id[UUID_SIZE];
    struct buffer target; /* /sessions/ID/entries?stream=NAME, NUL-terminated */
    int64_t last_seq;     /* valid after claude_stream_load() */
};

/* Meaning of a response for the import. `err` is set for all values except CLAUDE_DONE. */
enum claude_result {
    CLAUDE_DONE,
    CLAUDE_REFUSED, /* the service rejects the body */
    CLAUDE_STOPPED, /* rejected now, possibly accepted later: a lease, another writer, a deletion */
    CLAUDE_FAILED,  /* the service cannot be used; the import must end */
};

/* Initializes *stream. `name` may be any stream name. `config` is borrowed until
 * claude_stream_close(). */
void claude_stream_open(struct claude_stream *stream, const struct config *config,
                        const char *session_id, struct slice name);

/* Creates the session unless it exists. CLAUDE_STOPPED with ERROR_SESSION_EXISTS when it exists
 * with another project or thread. */
enum claude_result claude_stream_create(const struct claude_stream *stream, struct slice project,
                                        struct error *err);

/* Reads the project of an existing session into *project. *is_other_thread: its thread is not
 * --thread. */
enum claude_result claude_stream_project(const struct claude_stream *stream, struct buffer *project,
                                         bool *is_other_thread, struct error *err);

/* Adds all entries of the stream to `digests`. */
enum claude_result claude_stream_load(struct claude_stream *stream, struct claude_digests *digests,
                                      struct error *err);

/* Appends lines of NDJSON, all or none. CLAUDE_STOPPED when another client has appended since. */
enum claude_result claude_stream_append(struct claude_stream *stream, struct slice lines,
                                        struct error *err);

/* Frees the stream. Sends nothing. */
void claude_stream_close(struct claude_stream *stream);

#endif
