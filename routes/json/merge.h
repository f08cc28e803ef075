/*
 * JSON Merge Patch (RFC 7396) from text to text. It preserves number texts, escapes, unknown
 * members and the order of members.
 *
 *   - A member that the patch does not name is copied byte for byte.
 *   - A replaced member keeps its position and its name as written, and gets the patch's text. New
 *     members are appended in the patch's order.
 *   - null deletes a member. Objects that the patch adds lose their null members at every depth.
 *     Arrays are opaque: nulls in them stay.
 *   - Names are compared decoded. A target that is no object is treated as {}.
 * White space is preserved inside copied values and removed elsewhere.
 *
 * A patch is constant once built: any number of threads may apply it. Applying is a pure function
 * and reads the target once, whatever its nesting.
 */
#ifndef SESSIOND_ROUTES_JSON_MERGE_H
#define SESSIOND_ROUTES_JSON_MERGE_H

#include "db/base/error.h"
#include "db/base/slice.h"
#include "routes/core/buffer.h"

struct json_patch;

/*
 * Appends to *out the result of applying the patch to `target`, a stored text. The result nests no
 * deeper than the deeper of the two. On failure *out is unchanged. ERROR_TOO_LARGE: the result is
 * longer than max_bytes. ERROR_INTERNAL: the merge found that `target` is not JSON, for example an
 * unclosed object or string; it does not validate the whole text.
 */
MUST_USE bool json_patch_apply(const struct json_patch *patch, struct slice target,
                               size_t max_bytes, struct buffer *out, struct error *err);

#endif
