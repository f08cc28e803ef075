#include "service/admission.h"

bool admission_check(const struct admission *rules, const struct framing_head *head,
                     struct error *err)
{
    if (head->target.len > (size_t)rules->max_target_bytes)
        return error_set(err, ERROR_TARGET_TOO_LONG, NULL,
                         "path and query may have at most %lld bytes",
                         (long long)rules->max_target_bytes);
    if (head->field_count > FRAMING_FIELDS_MAX || head->bytes.len > (size_t)rules->max_header_bytes)
        return error_set(err, ERROR_HEADERS_TOO_LARGE, NULL,
                         "a request may have at most %d header fields, and %lld bytes of them",
                         FRAMING_FIELDS_MAX, (long long)rules->max_header_bytes);
    return framing_guard(head, err);
}
