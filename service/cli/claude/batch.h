/* Lines of a transcript on their way into a stream: appended many at once. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_BATCH_H
#define SESSIOND_SERVICE_CLI_CLAUDE_BATCH_H

#include "service/cli/claude/report.h"
#include "service/cli/claude/stream.h"

/* The caller sets the first three members. */
struct claude_batch {
    struct claude_stream *stream;
    struct claude_report *report;
    const char *path;
    struct buffer text;  /* lines, each with its LF */
    struct buffer items; /* struct batch_item, one behind the other */
    bool is_stopped;     /* the rest of the file cannot be imported now: reported */
};

/* Adds a line of the file, and sends the batch when it is full. False when the import ends: see
 * *err. */
MUST_USE bool claude_batch_add(struct claude_batch *batch, struct slice line, int64_t number,
                               struct error *err);

/* Sends what is there. A line that the service does not take is reported and left out. */
MUST_USE bool claude_batch_send(struct claude_batch *batch, struct error *err);

void claude_batch_release(struct claude_batch *batch);

#endif
