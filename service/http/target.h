/* Request targets and the authority in them: RFC 9112 §3.2, RFC 3986 §3.2. Pure. */
#ifndef SESSIOND_SERVICE_HTTP_TARGET_H
#define SESSIOND_SERVICE_HTTP_TARGET_H

#include "db/base/error.h"
#include "db/base/slice.h"

struct target_parts {
    struct slice authority; /* data NULL: none */
    struct slice rest;      /* path and query; the path may be empty after an authority */
};

/* Splits a target in origin-form or, with http or https, in absolute-form. Returns any other target
 * as `rest`. The slices are borrowed from `target`. */
struct target_parts target_split(struct slice target);

/* Whether `authority` is a non-empty host with an optional port of at most 65535, as Host requires
 * (RFC 9110 §7.2). User information is invalid (RFC 9110 §4.2.4). */
MUST_USE bool authority_is_valid(struct slice authority);

#endif
