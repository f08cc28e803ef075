#include "service/http/admission.h"

#include "routes/http/query.h"

#include <stdio.h>
#include <string.h>

static struct slice find_query(struct slice target)
{
    const char *mark = memchr(target.data, '?', target.len);

    if (mark == NULL)
        return (struct slice){0};
    return (struct slice){mark + 1, target.len - (size_t)(mark + 1 - target.data)};
}

static bool check_query(const struct admission *rules, struct slice query, struct error *err)
{
    struct query_parameter parameter;
    int64_t count = 0;
    char detail[96];

    while (query_next(&query, &parameter)) {
        if (++count <= rules->max_query_parameters)
            continue;
        snprintf(detail, sizeof(detail), "the query has too many parameters; the limit is %lld",
                 (long long)rules->max_query_parameters);
        return query_reject(&parameter, detail, err);
    }
    return true;
}

bool admission_check(const struct admission *rules, const struct request_head *head,
                     struct error *err)
{
    if (head->target.len > (size_t)rules->max_target_bytes)
        return error_set(err, ERROR_TARGET_TOO_LONG, NULL,
                         "path and query are too long; the limit is %lld bytes",
                         (long long)rules->max_target_bytes);
    if (head->field_count > HEAD_FIELDS_MAX || head->bytes.len > (size_t)rules->max_header_bytes)
        return error_set(err, ERROR_HEADERS_TOO_LARGE, NULL,
                         "the header section is too large; the limit is %d fields and %lld bytes",
                         HEAD_FIELDS_MAX, (long long)rules->max_header_bytes);
    return head_validate(head, err) && check_query(rules, find_query(head->target), err);
}
