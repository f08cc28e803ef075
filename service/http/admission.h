/*
 * Limits and syntax checks of a request, applied to its header section before the router runs and
 * before any byte of the body is stored. Pure.
 */
#ifndef SESSIOND_SERVICE_HTTP_ADMISSION_H
#define SESSIOND_SERVICE_HTTP_ADMISSION_H

#include "service/http/head_validator.h"

#include <stdint.h>

struct admission {
    int64_t max_header_bytes;
    int64_t max_target_bytes;
    int64_t max_query_parameters;
};

/* Returns false, with the problem in `err`, when the request is rejected. The end of such a request
 * may be ambiguous, so the caller must close the connection after the response. */
MUST_USE bool admission_check(const struct admission *rules, const struct request_head *head,
                              struct error *err);

#endif
