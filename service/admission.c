#include "service/admission.h"

#include <string.h>

#define HEADER_FIELDS_MAX 128

bool admission_check(const struct admission *rules, const struct request *request,
                     struct error *err)
{
    if (strlen(request->target) > (size_t)rules->max_target_bytes)
        return error_set(err, ERROR_TARGET_TOO_LONG, NULL,
                         "path and query may have at most %lld bytes",
                         (long long)rules->max_target_bytes);
    if (request->header_count > HEADER_FIELDS_MAX ||
        request->head_bytes > (size_t)rules->max_header_bytes)
        return error_set(err, ERROR_HEADERS_TOO_LARGE, NULL,
                         "a request may have at most %d header fields, and %lld bytes of them",
                         HEADER_FIELDS_MAX, (long long)rules->max_header_bytes);
    if (request->repeated_length)
        return error_set(err, ERROR_INVALID_HEADER, "Content-Length",
                         "Content-Length may stand only once");
    if (request->repeated_authorization)
        return error_set(err, ERROR_INVALID_HEADER, "Authorization",
                         "Authorization may stand only once");
    return true;
}
