/* Derives the session and the stream of a Claude Code file from its path. Pure. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_PLACE_H
#define SESSIOND_SERVICE_CLI_CLAUDE_PLACE_H

#include "db/base/uuid.h"
#include "routes/core/buffer.h"

enum claude_kind {
    CLAUDE_MAIN,     /* SESSION.jsonl: the conversation */
    CLAUDE_STREAM,   /* SESSION/subagents/.../NAME.jsonl, or agent-NAME.jsonl beside it */
    CLAUDE_METADATA, /* SESSION/subagents/.../NAME.meta.json: one object about a stream */
    CLAUDE_OTHER,    /* not a transcript */
};

struct claude_location {
    enum claude_kind kind;
    char session_id[UUID_SIZE]; /* empty: the path has no session id */
    /* name of the project folder, borrowed from the path; empty: unknown */
    struct slice project;
    struct buffer stream; /* name, UTF-8 or not, of any length; owned */
};

/*
 * `path` must be absolute; *out borrows it. `is_named`: the user has named this file, so it is a
 * transcript regardless of its suffix. The caller releases *out.
 *
 * SESSION is a UUID. A file below a folder SESSION belongs to the stream whose name is the path
 * below that folder, without suffix. A file whose name is a UUID is a conversation, unless it is
 * below SESSION/subagents.
 */
void claude_location_find(const char *path, bool is_named, struct claude_location *out);

/* Frees the name of the stream. */
void claude_location_release(struct claude_location *place);

#endif
