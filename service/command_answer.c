#include "service/command_answer.h"

#include "routes/json_scan.h"

#include <stdlib.h>

#define MAX_DEPTH 16

bool command_answer_read(struct http_answer *answer, char *buffer, size_t size, struct slice *out,
                         struct error *err)
{
    size_t len = 0;
    ssize_t count = 0;

    while (len < size && (count = http_client_read(answer, buffer + len, size - len, err)) > 0)
        len += (size_t)count;
    *out = (struct slice){buffer, len};
    return count >= 0;
}

struct slice command_answer_member(struct slice object, const char *name)
{
    struct json_outline outline;
    struct error ignored;

    if (!json_scan(object, MAX_DEPTH, &outline, &ignored))
        return (struct slice){0};
    for (size_t i = 0; i < outline.member_count && i < JSON_OUTLINE_MEMBERS; i++) {
        if (slice_is(outline.members[i].name, name))
            return outline.members[i].value;
    }
    return (struct slice){0};
}

int64_t command_answer_number(struct slice object, const char *name)
{
    const struct slice text = command_answer_member(object, name);
    char copy[24] = "";

    if (text.len < sizeof(copy))
        memcpy(copy, text.data == NULL ? "" : text.data, text.len);
    return strtoll(copy, NULL, 10);
}

/* A token of the file cannot be sent: the file has digests. */
static bool refuse_token(const struct config *config, int status, struct error *err)
{
    return error_set(err, ERROR_INTERNAL, NULL,
                     "the service answers %d: %s a token of the scope admin "
                     "(a --token-file has only digests, which cannot be sent)",
                     status,
                     config->token == NULL ? "set SESSIOND_TOKEN to"
                                           : "SESSIOND_TOKEN is set, but is not");
}

bool command_answer_refuse(const struct config *config, struct http_answer *answer,
                           struct error *err)
{
    char buffer[4096];
    struct slice body;
    struct error ignored;

    if (answer->status == 401 || answer->status == 403)
        return refuse_token(config, answer->status, err);
    struct slice detail = {0};
    if (command_answer_read(answer, buffer, sizeof(buffer), &body, &ignored))
        detail = command_answer_member(body, "detail");
    if (detail.data == NULL)
        return error_set(err, ERROR_INTERNAL, NULL, "the service answers %d", answer->status);
    return error_set(err, ERROR_INTERNAL, NULL, "the service answers %d: %.*s", answer->status,
                     (int)detail.len, detail.data);
}
