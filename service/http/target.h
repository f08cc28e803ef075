/* Request targets and the authority in them: RFC 9112 §3.2, RFC 3986 §3.2. Pure. */
#ifndef SESSIOND_SERVICE_HTTP_TARGET_H
#define SESSIOND_SERVICE_HTTP_TARGET_H

#include "db/base/error.h"
#include "db/base/slice.h"

struct target_parts {
    struct slice authority; /* data NULL: the target has none */
    struct slice rest;      /* path and query; the path may be empty behind an authority */
};

/* Takes a target in origin-form or, with http or https, in absolute-form apart. Any other comes
 * back whole as the rest. */
struct target_parts target_split(struct slice target);

/* Whether it is a host that is not empty, and perhaps a port of up to 65535: what Host has to be
 * (RFC 9110 §7.2). User information makes it invalid (RFC 9110 §4.2.4). */
MUST_USE bool authority_is_valid(struct slice authority);

#endif
