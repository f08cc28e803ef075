/*
 * JSON Merge Patch (RFC 7396) from text to text: number texts, escapes,
 * unknown members and the order of members survive.
 *
 *   - A member that the patch does not name is copied byte for byte.
 *   - A replaced member keeps its place and its name as written, and takes the
 *     patch's text; new members go behind, in the patch's order.
 *   - null deletes; objects that the patch adds arrive without their null
 *     members, at every depth. Arrays are opaque: nulls in them stay.
 *   - Names are compared decoded. A target that is no object counts as {}.
 * White space is kept inside what is copied and dropped elsewhere.
 *
 * A patch is built once and never changes: any number of threads may apply it.
 * Applying is pure and passes over the target once, whatever its nesting.
 */
#ifndef SESSIOND_ROUTES_JSON_MERGE_H
#define SESSIOND_ROUTES_JSON_MERGE_H

#include "db/base/error.h"
#include "db/base/slice.h"
#include "routes/core/buffer.h"

struct json_patch;

/*
 * Appends to *out the result of applying the patch to `target`, a stored text.
 * Nests no deeper than the deeper of the two. On failure *out is as it was.
 * ERROR_TOO_LARGE: the result is longer than max_bytes. ERROR_INTERNAL: an
 * object or a string of `target` is not closed, or a merge finds by other
 * means that `target` is not JSON; it does not scan the whole text.
 */
MUST_USE bool json_patch_apply(const struct json_patch *patch, struct slice target,
                               size_t max_bytes, struct buffer *out, struct error *err);

#endif
