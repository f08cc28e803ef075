/*
 * Extracts the searchable text of an entry or a context: its string values, one a line, escapes
 * decoded, in document order. Left out are
 *   - member names, numbers, true, false and null;
 *   - values of the members id, uuid, type, subtype, role, model, timestamp, signature, stop_reason
 *     and media_type, and of members whose name ends in _id, Id, ID, _ids, Ids, _uuid, Uuid or _at,
 *     also within arrays;
 *   - values that are only a UUID;
 *   - runs of more than 128 letters, digits and + / = - _, as in base64;
 *   - text after the first 64 KiB.
 * U+0000 becomes the end of a line.
 *
 * Pure function, any thread. Takes linear time. The extraction rule has a version number,
 * SEARCH_EXTRACTOR_VERSION: an index that was built with another version is rebuilt.
 */
#ifndef SESSIOND_ROUTES_SEARCH_TEXT_EXTRACT_H
#define SESSIOND_ROUTES_SEARCH_TEXT_EXTRACT_H

#include "db/base/slice.h"

#define SEARCH_EXTRACTOR_VERSION 1
#define SEARCH_TEXT_MAX_BYTES 65536

/* Returns a malloc'ed text, which the caller frees, and sets *len to its length in bytes; NULL when
 * no text is left. The text is well-formed UTF-8 except for lone surrogates. For a `json` that
 * json_scan() would reject, such as a corrupt stored text, it is some text within the same limits,
 * not necessarily well-formed. When memory runs out, the process aborts. */
char *search_text(struct slice json, size_t *len);

#endif
