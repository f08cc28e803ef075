/* Parses a line of a transcript as the service parses an entry. Pure. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_LINE_H
#define SESSIOND_SERVICE_CLI_CLAUDE_LINE_H

#include "db/base/error.h"
#include "routes/core/buffer.h"

struct entries_body;

struct claude_line {
    struct slice text; /* the object without insignificant white space; empty: a blank line */
    struct slice uuid; /* decoded; empty: none */
    struct entries_body *entries;
};

/* Parses `len` bytes, which it may modify in place; *out borrows them. The caller releases *out
 * after success. Returns false, with the reason in `reason`, when they are not one object that the
 * service accepts as an entry. */
MUST_USE bool claude_line_parse(char *data, size_t len, struct claude_line *out,
                                struct error *reason);

/* Frees what claude_line_parse() has allocated. */
void claude_line_release(struct claude_line *line);

/* Returns the length of the first object when more than white space follows it; otherwise 0. A
 * writer that was interrupted before the end of a line leaves such a line. Accepts any bytes. */
size_t claude_line_split(struct slice line);

/* The following functions require an object that claude_line_parse() or json_scan() has
 * accepted. */

/* Returns the value of a member as written; its data is NULL when there is no such member. Borrowed
 * from `object`. */
struct slice claude_line_member(struct slice object, const char *wanted);

/* Replaces the content of *out by the decoded text of a member. Returns false when there is no such
 * member, or it is not a string or is empty. */
MUST_USE bool claude_line_text(struct slice object, const char *wanted, struct buffer *out);

/* Appends the entry that represents a .meta.json file, in the format of the Claude Agent SDK: the
 * object with the member "type":"agent_metadata" at its end. Returns false, with the reason in
 * `reason`, when the object has a member of that name. */
MUST_USE bool claude_line_add_metadata(struct slice object, struct buffer *out,
                                       struct error *reason);

#endif
