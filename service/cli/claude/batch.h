/* Batches of transcript lines, appended to a stream in one request. One thread. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_BATCH_H
#define SESSIOND_SERVICE_CLI_CLAUDE_BATCH_H

#include "service/cli/claude/report.h"
#include "service/cli/claude/stream.h"

/* The caller sets the first three members, which are borrowed. */
struct claude_batch {
    struct claude_stream *stream;
    struct claude_report *report;
    const char *path;
    struct buffer text;  /* lines, each with its LF */
    struct buffer items; /* array of struct batch_item */
    bool is_stopped;     /* the rest of the file cannot be imported now; already reported */
};

/* Adds a line of the file; sends the batch when it is full. Returns false, with `err` set, when the
 * import must end. */
MUST_USE bool claude_batch_add(struct claude_batch *batch, struct slice line, int64_t number,
                               struct error *err);

/* Sends the lines of the batch. Reports and skips lines that the service rejects. Returns false as
 * claude_batch_add(). */
MUST_USE bool claude_batch_send(struct claude_batch *batch, struct error *err);

/* Frees the lines. Does not send them. */
void claude_batch_release(struct claude_batch *batch);

#endif
