/*
 * What a person may look for in an entry or a context: its string values, one a line, escapes
 * decoded, in the order in which they stand. Left out are
 *   - member names, numbers, true, false and null;
 *   - values of the members id, uuid, type, subtype, role, model, timestamp, signature, stop_reason
 *     and media_type, and of those whose name ends in _id, Id, ID, _ids, Ids, _uuid, Uuid or _at,
 *     also within arrays;
 *   - values that are nothing but a UUID;
 *   - runs of more than 128 letters, digits and + / = - _, as in base64;
 *   - what stands behind the first 64 KiB of text.
 * U+0000 is a line's end.
 *
 * Pure, any thread. Linear in the text. The rule has a number: an index that was made by another
 * one is made anew.
 */
#ifndef SESSIOND_ROUTES_SEARCH_TEXT_EXTRACT_H
#define SESSIOND_ROUTES_SEARCH_TEXT_EXTRACT_H

#include "db/base/slice.h"

#define SEARCH_TEXT_RULE 1
#define SEARCH_TEXT_MAX_BYTES 65536

/* Returns a malloc'ed text, well-formed but for lone surrogates, and its length; NULL when nothing
 * is left. Of a `json` that json_scan() would not accept, such as a corrupt stored text, it returns
 * some text of the same limits, not necessarily well-formed. */
char *search_text(struct slice json, size_t *len);

#endif
