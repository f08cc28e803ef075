#include "service/cli/http_client.h"

#include "db/base/monotonic.h"
#include "service/cli/http_client_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)

/* What has to arrive in --command-timeout. */
#define WINDOW_BYTES 1024

/* Waits until something can be done, or a limit is exceeded. */
static bool wait_for_data(struct http_transfer *transfer, struct error *err)
{
    const int64_t stall_us = transfer->config->command_timeout_s * SECOND_US;
    const int64_t began_us = monotonic_us();

    if (transfer->window_bytes >= WINDOW_BYTES) {
        transfer->window_bytes = 0;
        transfer->waited_us = 0;
    }
    if (began_us >= transfer->deadline_us)
        return error_set(err, ERROR_INTERNAL, NULL, "the service did not answer within %d s",
                         transfer->timeout_s);
    if (stall_us > 0 && transfer->waited_us >= stall_us)
        return error_set(err, ERROR_INTERNAL, NULL,
                         "the service sent nothing, or next to nothing, for %lld s "
                         "(--command-timeout)",
                         (long long)transfer->config->command_timeout_s);
    transfer->curl.multi_poll(transfer->multi, NULL, 0, 100, NULL);
    transfer->waited_us += monotonic_us() - began_us;
    return true;
}

static bool advance(struct http_transfer *transfer, struct error *err)
{
    const CURLMsg *message;
    int left;

    if (transfer->curl.multi_perform(transfer->multi, &left) != CURLM_OK)
        abort(); /* out of memory: there is no other reason */
    while ((message = transfer->curl.multi_info_read(transfer->multi, &left)) != NULL) {
        transfer->done = true;
        transfer->result = message->data.result;
    }
    return transfer->done || transfer->pending.len > 0 || wait_for_data(transfer, err);
}

static void describe(struct http_answer *answer)
{
    const struct http_transfer *transfer = answer->transfer;
    const char *type = NULL;
    curl_off_t retry_after = 0;
    curl_off_t length = -1;
    long status = 0;

    transfer->curl.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->curl.easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
    transfer->curl.easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    transfer->curl.easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
    answer->status = (int)status;
    answer->retry_after_s = retry_after;
    answer->length = transfer->is_chunked ? -1 : length;
    for (size_t i = 0; type != NULL && i + 1 < sizeof(answer->type) && type[i] != '\0' &&
                       type[i] != ';' && type[i] != ' ';
         i++)
        answer->type[i] = (char)tolower((unsigned char)type[i]);
}

bool http_client_send(const struct config *config, const struct http_request *request,
                      int timeout_s, struct http_answer *answer, struct error *err)
{
    struct http_transfer *transfer = calloc(1, sizeof(*transfer));

    if (transfer == NULL)
        abort();
    transfer->config = config;
    transfer->timeout_s = timeout_s;
    transfer->deadline_us =
        timeout_s == 0 ? INT64_MAX : monotonic_us() + (int64_t)timeout_s * SECOND_US;
    *answer = (struct http_answer){.transfer = transfer};
    bool ok = http_client_prepare(transfer, request, err);
    while (ok && !transfer->done && !transfer->is_head_complete)
        ok = advance(transfer, err);
    if (ok && !transfer->is_head_complete)
        ok = http_client_explain(transfer, err);
    if (ok)
        describe(answer);
    else
        http_client_close(answer);
    return ok;
}

bool http_client_request(const struct config *config, const char *method, const char *path,
                         int timeout_s, struct http_answer *answer, struct error *err)
{
    const struct http_request request = {.method = method, .path = path};

    return http_client_send(config, &request, timeout_s, answer, err);
}

ssize_t http_client_read(struct http_answer *answer, char *out, size_t size, struct error *err)
{
    struct http_transfer *transfer = answer->transfer;
    struct buffer *pending = &transfer->pending;

    while (pending->len == 0 && !transfer->done) {
        if (transfer->paused) {
            transfer->paused = false;
            transfer->curl.easy_pause(transfer->easy, CURLPAUSE_CONT);
        }
        if (pending->len == 0 && !advance(transfer, err))
            return -1;
    }
    if (pending->len == 0) /* the body has ended, or the transfer failed */
        return transfer->result == CURLE_OK || http_client_explain(transfer, err) ? 0 : -1;
    const size_t left = pending->len - transfer->handed_out;
    const size_t count = left < size ? left : size;
    memcpy(out, pending->data + transfer->handed_out, count);
    transfer->handed_out += count;
    if (transfer->handed_out == pending->len)
        transfer->handed_out = pending->len = 0;
    answer->taken += (int64_t)count;
    return (ssize_t)count;
}

void http_client_close(struct http_answer *answer)
{
    struct http_transfer *transfer = answer->transfer;

    if (transfer == NULL)
        return;
    if (transfer->easy != NULL) {
        transfer->curl.multi_remove_handle(transfer->multi, transfer->easy);
        transfer->curl.easy_cleanup(transfer->easy);
        transfer->curl.slist_free_all(transfer->fields);
        transfer->curl.multi_cleanup(transfer->multi);
    }
    buffer_release(&transfer->pending);
    free(transfer);
    answer->transfer = NULL;
}
