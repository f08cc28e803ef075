/* A line of a transcript: what it is, and what stands in it. Pure. */
#ifndef SESSIOND_SERVICE_TRANSCRIPT_LINE_H
#define SESSIOND_SERVICE_TRANSCRIPT_LINE_H

#include "db/error.h"
#include "routes/buffer.h"

/* Whether it is a JSON object; `why` says what it is otherwise. */
MUST_USE bool transcript_line_check(struct slice line, struct error *why);

/* Puts the decoded text of a member of such an object into *out, in place of what that holds. False
 * when there is no such member, or it is no string, or an empty one. */
MUST_USE bool transcript_line_text(struct slice object, const char *wanted, struct buffer *out);

/* Puts the uuid that the entry of such an object has for an append into *out, in place of what that
 * holds; nothing where it has none. False when its uuid is one that no append takes: `why` says
 * so. */
MUST_USE bool transcript_line_uuid(struct slice object, struct buffer *out, struct error *why);

#endif
