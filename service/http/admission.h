/*
 * What a request has to be before any route is asked about it: decided from its head alone, before
 * a byte of its body is kept. Pure.
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

/* False, with the problem to answer, when the request is refused. Where it ends may then be in
 * doubt: its connection has to end. */
MUST_USE bool admission_check(const struct admission *rules, const struct request_head *head,
                              struct error *err);

#endif
