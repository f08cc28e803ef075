#include "service/cli/http_client.h"

#include "db/base/monotonic.h"
#include "routes/core/buffer.h"
#include "service/http/target.h"
#include "service/net/tls_pin.h"
#include "service/net/unix_socket.h"

#include <ctype.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define CONNECT_TIMEOUT_S 10L

/* Functions of libcurl, under their own names without the prefix `curl_`. */
struct curl_library {
    __typeof__(&curl_easy_init) easy_init;
    __typeof__(&curl_easy_setopt) easy_setopt;
    __typeof__(&curl_easy_getinfo) easy_getinfo;
    __typeof__(&curl_easy_pause) easy_pause;
    __typeof__(&curl_easy_strerror) easy_strerror;
    __typeof__(&curl_easy_cleanup) easy_cleanup;
    __typeof__(&curl_slist_append) slist_append;
    __typeof__(&curl_slist_free_all) slist_free_all;
    __typeof__(&curl_multi_init) multi_init;
    __typeof__(&curl_multi_add_handle) multi_add_handle;
    __typeof__(&curl_multi_perform) multi_perform;
    __typeof__(&curl_multi_poll) multi_poll;
    __typeof__(&curl_multi_info_read) multi_info_read;
    __typeof__(&curl_multi_remove_handle) multi_remove_handle;
    __typeof__(&curl_multi_cleanup) multi_cleanup;
};

struct http_transfer {
    const struct config *config;
    struct curl_library curl;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *fields;
    struct buffer pending;
    size_t read_offset; /* number of bytes of `pending` that were read */
    bool paused;        /* libcurl holds data that does not fit into `pending` */
    bool is_head_complete;
    bool is_chunked;
    bool done;
    CURLcode result;       /* valid when `done` is set */
    const char *rejection; /* why this client has aborted the transfer; NULL: it has not */
    size_t head_bytes;
    int timeout_s;
    int64_t deadline_us; /* monotonic; INT64_MAX: no deadline */
    int64_t waited_us;   /* waiting time since the last WINDOW_BYTES arrived */
    size_t window_bytes;
    char reason[CURL_ERROR_SIZE];
};

/* --- Callbacks of libcurl -------------------------------------------------------------------- */

/* Limit of bytes that were received and not read. One piece from libcurl is shorter. */
#define PENDING_MAX (256 << 10)

static bool parse_field(struct slice line, const char *name, struct slice *value)
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

static bool equals_word(struct slice text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

/* Returns NULL when the field is allowed; otherwise the reason for its rejection. */
static const char *check_field(struct http_transfer *transfer, struct slice line)
{
    struct slice value;

    if (parse_field(line, "Content-Encoding:", &value) && !equals_word(value, "identity"))
        return "the response has a Content-Encoding, which the request did not allow";
    if (!parse_field(line, "Transfer-Encoding:", &value))
        return NULL;
    transfer->is_chunked = true;
    return equals_word(value, "chunked")
               ? NULL
               : "the response has a Transfer-Encoding other than chunked";
}

/* Requires a length. Without one the end of the connection would be mistaken for the end of the
 * body. */
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
    return transfer->is_head_complete
               ? NULL
               : "the response has no Content-Length and no Transfer-Encoding";
}

/* Handles one line of a header section. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct http_transfer *transfer = arg;
    const size_t len = size * count;

    transfer->head_bytes += len;
    transfer->window_bytes += len;
    if (transfer->head_bytes > HTTP_CLIENT_HEAD_MAX)
        transfer->rejection = "the header section of the response is longer than 32 KiB";
    else if (len > 0 && (line[0] == '\r' || line[0] == '\n'))
        transfer->rejection = check_head(transfer);
    else
        transfer->rejection = check_field(transfer, (struct slice){line, len});
    return transfer->rejection == NULL ? len : 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t on_body(char *data, size_t size, size_t count, void *arg)
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

static bool set_transfer_error(const struct http_transfer *transfer, struct error *err)
{
    const char *why = transfer->reason[0] == '\0' ? transfer->curl.easy_strerror(transfer->result)
                                                  : transfer->reason;
    long reason = 0;

    if (transfer->rejection != NULL)
        return error_set(err, ERROR_INTERNAL, NULL,
                         "%s; check that --listen is the address of a sessiond",
                         transfer->rejection);
    switch (transfer->result) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        transfer->curl.easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &reason);
        return error_set(err, ERROR_INTERNAL, NULL, "cannot connect to a service at %.80s: %.60s",
                         transfer->config->listen, reason == 0 ? why : strerror((int)reason));
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return error_set(err, ERROR_INTERNAL, NULL,
                         "the certificate of the service differs from that of --tls-cert %.60s",
                         transfer->config->tls_cert);
    case CURLE_SSL_CONNECT_ERROR:
        return error_set(err, ERROR_INTERNAL, NULL,
                         "the service does not use TLS, but --tls-cert is set: %.80s", why);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return error_set(
            err, ERROR_INTERNAL, NULL,
            "the response is not HTTP; check that --listen is the address of a sessiond: %.80s",
            why);
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, ERROR_INTERNAL, NULL, "cannot connect to %.80s within %ld s",
                         transfer->config->listen, CONNECT_TIMEOUT_S);
    case CURLE_OK: /* the connection ended after an interim response */
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return error_set(
            err, ERROR_INTERNAL, NULL,
            "the service closed the connection before the response was complete: %.80s", why);
    default:
        return error_set(err, ERROR_INTERNAL, NULL, "the request failed: %.120s", why);
    }
}

/* --- The request ----------------------------------------------------------------------------- */

/* The libcurl of Debian that uses GnuTLS, as the service does. */
#define LIBCURL_SONAME "libcurl-gnutls.so.4"

#define FUNCTION(name)                                                                             \
    {                                                                                              \
        "curl_" #name, offsetof(struct curl_library, name)                                         \
    }

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
    FUNCTION(easy_init),        FUNCTION(easy_setopt),         FUNCTION(easy_getinfo),
    FUNCTION(easy_pause),       FUNCTION(easy_strerror),       FUNCTION(easy_cleanup),
    FUNCTION(slist_append),     FUNCTION(slist_free_all),      FUNCTION(multi_init),
    FUNCTION(multi_add_handle), FUNCTION(multi_perform),       FUNCTION(multi_poll),
    FUNCTION(multi_info_read),  FUNCTION(multi_remove_handle), FUNCTION(multi_cleanup),
};

static bool load_library(struct curl_library *out, struct error *err)
{
    void *library = dlopen(LIBCURL_SONAME, RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; library != NULL && i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *function = dlsym(library, functions[i].name);
        memcpy((char *)out + functions[i].offset, &function, sizeof(function));
        if (function == NULL)
            library = NULL;
    }
    if (library != NULL)
        return true;
    error_set(err, ERROR_INTERNAL, NULL,
              "cannot load libcurl (Debian's package libcurl3-gnutls): %.120s", dlerror());
    return false;
}

static bool add_field(struct http_transfer *transfer, const char *name, const char *value)
{
    char line[1024];

    const int len = snprintf(line, sizeof(line), "%s%s", name, value);
    struct curl_slist *fields = transfer->curl.slist_append(transfer->fields, line);
    explicit_bzero(line, sizeof(line));
    if (fields != NULL)
        transfer->fields = fields;
    return fields != NULL && len < (int)sizeof(line);
}

/* An empty Expect field stops libcurl from waiting for an interim response before it sends a long
 * body. */
static bool set_fields(struct http_transfer *transfer, const struct http_request *request)
{
    const char *token = transfer->config->token;

    return add_field(transfer, "Expect:", "") && add_field(transfer, "Accept:", "") &&
           (request->type == NULL ? add_field(transfer, "Content-Type:", "")
                                  : add_field(transfer, "Content-Type: ", request->type)) &&
           (token == NULL || add_field(transfer, "Authorization: Bearer ", token)) &&
           transfer->curl.easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->fields) ==
               CURLE_OK;
}

static bool set_request(struct http_transfer *transfer, const struct http_request *request)
{
    const __typeof__(&curl_easy_setopt) set = transfer->curl.easy_setopt;
    CURL *easy = transfer->easy;

    if (strcmp(request->method, "GET") == 0)
        return set_fields(transfer, request);
    return set(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           set(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
           set(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) == CURLE_OK &&
           set(easy, CURLOPT_POSTFIELDS, request->body.len == 0 ? "" : request->body.data) ==
               CURLE_OK &&
           set_fields(transfer, request);
}

static bool set_limits(struct http_transfer *transfer)
{
    const __typeof__(&curl_easy_setopt) set = transfer->curl.easy_setopt;
    CURL *easy = transfer->easy;

    return set(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           set(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           set(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           set(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           set(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           set(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           set(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
           set(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S) == CURLE_OK &&
           set(easy, CURLOPT_ERRORBUFFER, transfer->reason) == CURLE_OK &&
           set(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           set(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           set(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           set(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
}

/* The pin replaces the checks of issuer, name and dates of the certificate. */
static bool set_pin(struct http_transfer *transfer, const char *pin)
{
    const __typeof__(&curl_easy_setopt) set = transfer->curl.easy_setopt;
    CURL *easy = transfer->easy;

    return set(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           set(easy, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
           set(easy, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
           set(easy, CURLOPT_PINNEDPUBLICKEY, pin) == CURLE_OK;
}

static bool set_url(struct http_transfer *transfer, const char *authority, const char *path)
{
    struct buffer url = {0};

    buffer_printf(&url, "%s://%s%s", transfer->config->tls_cert == NULL ? "http" : "https",
                  authority, path);
    buffer_add_char(&url, '\0');
    const bool ok = transfer->curl.easy_setopt(transfer->easy, CURLOPT_URL, url.data) == CURLE_OK;
    buffer_release(&url);
    return ok;
}

/* Whether the address is a host and a port. Without a port libcurl would use that of the URL
 * scheme. */
static bool has_host_and_port(const char *address)
{
    const char *colon = strrchr(address, ':');

    return authority_is_valid(slice_from(address)) && colon != NULL && colon[1] != '\0' &&
           strchr(colon, ']') == NULL;
}

/* Sets *authority to the host and port of the URL. For a Unix domain socket it is "localhost",
 * because Host is required. */
static bool find_address(struct http_transfer *transfer, const char **authority, bool *ok,
                         struct error *err)
{
    const char *address = transfer->config->listen;
    struct sockaddr_un file;

    *authority = address;
    if (!unix_socket_is_address(address))
        return has_host_and_port(address) ||
               error_set(err, ERROR_INVALID_PAYLOAD, "listen",
                         "--listen takes HOST:PORT, such as 127.0.0.1:8082 or [::1]:8082, or "
                         "unix:PATH, not \"%.60s\"",
                         address);
    if (!unix_socket_address(address, &file, err))
        return false;
    *authority = "localhost";
    *ok = transfer->curl.easy_setopt(transfer->easy, CURLOPT_UNIX_SOCKET_PATH, file.sun_path) ==
          CURLE_OK;
    return true;
}

static bool prepare_transfer(struct http_transfer *transfer, const struct http_request *request,
                             struct error *err)
{
    const char *certificate = transfer->config->tls_cert;
    const char *authority;
    char pin[TLS_PIN_SIZE];
    bool ok = true;

    if (!load_library(&transfer->curl, err))
        return false;
    transfer->multi = transfer->curl.multi_init();
    transfer->easy = transfer->curl.easy_init();
    if (transfer->multi == NULL || transfer->easy == NULL)
        abort();
    if (!find_address(transfer, &authority, &ok, err) ||
        (certificate != NULL && !tls_pin_of(certificate, pin, err)))
        return false;
    ok = ok && set_url(transfer, authority, request->path) && set_limits(transfer) &&
         (certificate == NULL || set_pin(transfer, pin)) && set_request(transfer, request) &&
         transfer->curl.multi_add_handle(transfer->multi, transfer->easy) == CURLM_OK;
    return ok ||
           error_set(err, ERROR_INTERNAL, NULL, "libcurl rejected the options of the request");
}

/* --- The transfer ---------------------------------------------------------------------------- */

#define SECOND_US INT64_C(1000000)

/* Minimum number of bytes that must arrive within --command-timeout. */
#define WINDOW_BYTES 1024

/* Waits until the transfer can continue. Fails when a time limit is exceeded. */
static bool wait_for_data(struct http_transfer *transfer, struct error *err)
{
    const int64_t stall_us = transfer->config->command_timeout_s * SECOND_US;
    const int64_t began_us = monotonic_us();

    if (transfer->window_bytes >= WINDOW_BYTES) {
        transfer->window_bytes = 0;
        transfer->waited_us = 0;
    }
    if (began_us >= transfer->deadline_us)
        return error_set(err, ERROR_INTERNAL, NULL, "no response from the service within %d s",
                         transfer->timeout_s);
    if (stall_us > 0 && transfer->waited_us >= stall_us)
        return error_set(err, ERROR_INTERNAL, NULL,
                         "the service sent less than 1 KiB in %lld s (--command-timeout); set a "
                         "longer --command-timeout, or off",
                         (long long)transfer->config->command_timeout_s);
    transfer->curl.multi_poll(transfer->multi, NULL, 0, 100, NULL);
    transfer->waited_us += monotonic_us() - began_us;
    return true;
}

static bool advance_transfer(struct http_transfer *transfer, struct error *err)
{
    const CURLMsg *message;
    int left;

    if (transfer->curl.multi_perform(transfer->multi, &left) != CURLM_OK)
        abort(); /* only out of memory fails here */
    while ((message = transfer->curl.multi_info_read(transfer->multi, &left)) != NULL) {
        transfer->done = true;
        transfer->result = message->data.result;
    }
    return transfer->done || transfer->pending.len > 0 || wait_for_data(transfer, err);
}

static void fill_response(struct http_response *response)
{
    const struct http_transfer *transfer = response->transfer;
    const char *type = NULL;
    curl_off_t retry_after = 0;
    curl_off_t length = -1;
    long status = 0;

    transfer->curl.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->curl.easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
    transfer->curl.easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    transfer->curl.easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
    response->status = (int)status;
    response->retry_after_s = retry_after;
    response->length = transfer->is_chunked ? -1 : length;
    for (size_t i = 0; type != NULL && i + 1 < sizeof(response->type) && type[i] != '\0' &&
                       type[i] != ';' && type[i] != ' ';
         i++)
        response->type[i] = (char)tolower((unsigned char)type[i]);
}

bool http_client_send(const struct config *config, const struct http_request *request,
                      int timeout_s, struct http_response *response, struct error *err)
{
    struct http_transfer *transfer = calloc(1, sizeof(*transfer));

    if (transfer == NULL)
        abort();
    transfer->config = config;
    transfer->timeout_s = timeout_s;
    transfer->deadline_us =
        timeout_s == 0 ? INT64_MAX : monotonic_us() + (int64_t)timeout_s * SECOND_US;
    *response = (struct http_response){.transfer = transfer};
    bool ok = prepare_transfer(transfer, request, err);
    while (ok && !transfer->done && !transfer->is_head_complete)
        ok = advance_transfer(transfer, err);
    if (ok && !transfer->is_head_complete)
        ok = set_transfer_error(transfer, err);
    if (ok)
        fill_response(response);
    else
        http_client_close(response);
    return ok;
}

bool http_client_request(const struct config *config, const char *method, const char *path,
                         int timeout_s, struct http_response *response, struct error *err)
{
    const struct http_request request = {.method = method, .path = path};

    return http_client_send(config, &request, timeout_s, response, err);
}

ssize_t http_client_read(struct http_response *response, char *out, size_t size, struct error *err)
{
    struct http_transfer *transfer = response->transfer;
    struct buffer *pending = &transfer->pending;

    while (pending->len == 0 && !transfer->done) {
        if (transfer->paused) {
            transfer->paused = false;
            transfer->curl.easy_pause(transfer->easy, CURLPAUSE_CONT);
        }
        if (pending->len == 0 && !advance_transfer(transfer, err))
            return -1;
    }
    if (pending->len == 0) /* end of the body, or a failed transfer */
        return transfer->result == CURLE_OK || set_transfer_error(transfer, err) ? 0 : -1;
    const size_t left = pending->len - transfer->read_offset;
    const size_t count = left < size ? left : size;
    memcpy(out, pending->data + transfer->read_offset, count);
    transfer->read_offset += count;
    if (transfer->read_offset == pending->len)
        transfer->read_offset = pending->len = 0;
    response->taken += (int64_t)count;
    return (ssize_t)count;
}

void http_client_close(struct http_response *response)
{
    struct http_transfer *transfer = response->transfer;

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
    response->transfer = NULL;
}
