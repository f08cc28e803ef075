/* A line of a transcript as the service reads an entry: which part of it is a JSON object, and what
 * is in it. Pure. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_LINE_H
#define SESSIOND_SERVICE_CLI_CLAUDE_LINE_H

#include "db/base/error.h"
#include "routes/core/buffer.h"

struct entries_body;

struct claude_line {
    struct slice text; /* the object without insignificant white space; empty: a blank line */
    struct slice uuid; /* decoded; empty: it has none */
    struct entries_body *entries;
};

/* Reads `len` bytes, which it may move and which *out borrows. False when they are not one object
 * that an append takes: `why` says what is wrong. */
MUST_USE bool claude_line_parse(char *data, size_t len, struct claude_line *out, struct error *why);

void claude_line_release(struct claude_line *line);

/* The length of the first object when more than white space is behind it: a writer that was
 * interrupted before it wrote the end of a line leaves such a line. Else 0. For any bytes. */
size_t claude_line_split(struct slice line);

/* The functions below take the text of an object that claude_line_parse() or json_scan()
 * accepted. */

/* The value of a member, as it is written; its data is NULL when there is no such member. */
struct slice claude_line_member(struct slice object, const char *wanted);

/* Puts the decoded text of a member into *out, in place of what that holds. False when there is no
 * such member, or it is no string, or an empty one. */
MUST_USE bool claude_line_text(struct slice object, const char *wanted, struct buffer *out);

/* Appends the entry that keeps a .meta.json file, as the Claude Agent SDK makes it: the object with
 * the member "type":"agent_metadata" at its end. False when it has a member of that name. */
MUST_USE bool claude_line_add_metadata(struct slice object, struct buffer *out, struct error *why);

#endif
