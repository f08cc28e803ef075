/* What libcurl reports of a response: its header section, its body, its end. */

#include "service/cli/http_client_internal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Bytes that were received and not read yet. libcurl delivers less at a time. */
#define PENDING_MAX (256 << 10)

static bool has_name(struct slice line, const char *name, struct slice *value)
{
    const size_t len = strlen(name);

    if (line.len < len || strncasecmp(line.data, name, len) != 0)
        return false;
    *value = (struct slice){line.data + len, line.len - len};
    while (value->len > 0 && isspace((unsigned char)value->data[0]))
        *value = (struct slice){value->data + 1, value->len - 1};
    while (value->len > 0 && isspace((unsigned char)value->data[value->len - 1]))
        value->len--;
    return true;
}

static bool is_word(struct slice text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

/* NULL when the field is allowed, otherwise why it is not. */
static const char *check_field(struct http_transfer *transfer, struct slice line)
{
    struct slice value;

    if (has_name(line, "Content-Encoding:", &value) && !is_word(value, "identity"))
        return "the response is compressed, which was not asked for";
    if (!has_name(line, "Transfer-Encoding:", &value))
        return NULL;
    transfer->is_chunked = true;
    return is_word(value, "chunked") ? NULL
                                     : "the response has a Transfer-Encoding other than chunked";
}

/* Without a length the end of the connection would be taken for the end of the body. */
static const char *check_head(struct http_transfer *transfer)
{
    const struct curl_library *curl = &transfer->curl;
    curl_off_t length = -1;
    long status = 0;

    curl->easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return NULL;
    curl->easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    transfer->is_head_complete =
        length >= 0 || transfer->is_chunked || status == 204 || status == 304;
    return transfer->is_head_complete ? NULL : "the response does not say how long its body is";
}

/* One line of a header section. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
size_t http_client_on_header(char *line, size_t size, size_t count, void *arg)
{
    struct http_transfer *transfer = arg;
    const size_t len = size * count;

    transfer->head_bytes += len;
    transfer->window_bytes += len;
    if (transfer->head_bytes > HTTP_CLIENT_HEAD_MAX)
        transfer->refusal = "the header section of the response is longer than 32 KiB";
    else if (len > 0 && (line[0] == '\r' || line[0] == '\n'))
        transfer->refusal = check_head(transfer);
    else
        transfer->refusal = check_field(transfer, (struct slice){line, len});
    return transfer->refusal == NULL ? len : 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
size_t http_client_on_body(char *data, size_t size, size_t count, void *arg)
{
    struct http_transfer *transfer = arg;
    const size_t len = size * count;

    if (transfer->pending.len > 0 && transfer->pending.len + len > PENDING_MAX) {
        transfer->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    transfer->window_bytes += len;
    buffer_add(&transfer->pending, (struct slice){data, len});
    return len;
}

bool http_client_explain(const struct http_transfer *transfer, struct error *err)
{
    const char *why = transfer->reason[0] == '\0' ? transfer->curl.easy_strerror(transfer->result)
                                                  : transfer->reason;
    long reason = 0;

    if (transfer->refusal != NULL)
        return error_set(err, ERROR_INTERNAL, NULL, "%s; is it a sessiond?", transfer->refusal);
    switch (transfer->result) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        transfer->curl.easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &reason);
        return error_set(err, ERROR_INTERNAL, NULL, "no service answers at %.80s: %.60s",
                         transfer->config->listen, reason == 0 ? why : strerror((int)reason));
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return error_set(err, ERROR_INTERNAL, NULL,
                         "the service shows another certificate than that of --tls-cert %.60s",
                         transfer->config->tls_cert);
    case CURLE_SSL_CONNECT_ERROR:
        return error_set(err, ERROR_INTERNAL, NULL,
                         "the service does not speak TLS, which --tls-cert asks for: %.80s", why);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return error_set(err, ERROR_INTERNAL, NULL,
                         "the response is not HTTP; is it a sessiond?: %.80s", why);
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, ERROR_INTERNAL, NULL, "cannot connect to %.80s within %ld s",
                         transfer->config->listen, HTTP_CLIENT_CONNECT_TIMEOUT_S);
    case CURLE_OK: /* the connection ended after an interim response */
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return error_set(err, ERROR_INTERNAL, NULL,
                         "the service ended the connection before the response was complete: %.80s",
                         why);
    default:
        return error_set(err, ERROR_INTERNAL, NULL, "the request failed: %.120s", why);
    }
}
