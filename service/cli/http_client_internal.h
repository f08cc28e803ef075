/* What the parts of the HTTP client share. No other file includes <curl/curl.h>. */
#ifndef SESSIOND_SERVICE_CLI_HTTP_CLIENT_INTERNAL_H
#define SESSIOND_SERVICE_CLI_HTTP_CLIENT_INTERNAL_H

#include "routes/core/buffer.h"
#include "service/cli/http_client.h"

#include <curl/curl.h>

#define HTTP_CLIENT_CONNECT_TIMEOUT_S 10L

/* The functions of libcurl, under its own names. */
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
    size_t handed_out; /* of `pending` */
    bool paused;       /* libcurl holds back what does not fit into `pending` */
    bool is_head_complete;
    bool is_chunked;
    bool done;
    CURLcode result;     /* when it is done */
    const char *refusal; /* why this client ended the transfer; NULL: it did not */
    size_t head_bytes;
    int timeout_s;
    int64_t deadline_us; /* INT64_MAX: none */
    int64_t waited_us;   /* since WINDOW_BYTES came */
    size_t window_bytes;
    char reason[CURL_ERROR_SIZE];
};

/* Loads libcurl, which stays loaded. */
MUST_USE bool http_client_load(struct curl_library *out, struct error *err);

/* Sets the options of the handle: address, request, limits and the callbacks that fill the
 * transfer. */
MUST_USE bool http_client_prepare(struct http_transfer *transfer,
                                  const struct http_request *request, struct error *err);

/* Callbacks of libcurl (CURLOPT_HEADERFUNCTION, CURLOPT_WRITEFUNCTION). */
size_t http_client_on_header(char *line, size_t size, size_t count, void *arg);
size_t http_client_on_body(char *data, size_t size, size_t count, void *arg);

/* Says why the transfer failed. Always fails. */
MUST_USE bool http_client_explain(const struct http_transfer *transfer, struct error *err);

#endif
