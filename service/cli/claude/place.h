/* Which session and stream a file of Claude Code belongs to, by its path alone. Pure. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_PLACE_H
#define SESSIOND_SERVICE_CLI_CLAUDE_PLACE_H

#include "db/base/uuid.h"
#include "routes/core/buffer.h"

enum claude_kind {
    CLAUDE_MAIN,     /* SESSION.jsonl: the conversation itself */
    CLAUDE_STREAM,   /* SESSION/subagents/.../NAME.jsonl, or agent-NAME.jsonl beside it */
    CLAUDE_METADATA, /* SESSION/subagents/.../NAME.meta.json: one object about a stream */
    CLAUDE_OTHER,    /* no transcript */
};

struct claude_place {
    enum claude_kind kind;
    char session_id[UUID_SIZE]; /* empty: the path names none */
    struct slice project;       /* folder of the project, in the path; empty when unknown */
    struct buffer stream;       /* name, UTF-8 or not, of any length */
};

/* `path` is absolute and is borrowed for the life of *out. `is_named`: a user named this very file,
 * so it is a transcript whatever its suffix is.
 *
 * SESSION is a UUID. A file below a folder SESSION belongs to the stream that is its path below
 * that folder, without the suffix; a file that is itself named by a UUID is a conversation, unless
 * it is below SESSION/subagents. */
void claude_place_find(const char *path, bool is_named, struct claude_place *out);

void claude_place_release(struct claude_place *place);

#endif
