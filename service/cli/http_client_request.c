/* A request of the HTTP client: libcurl is loaded and its handle is set up. */

#include "service/cli/http_client_internal.h"
#include "service/http/target.h"
#include "service/net/tls_pin.h"
#include "service/net/unix_socket.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* Debian's libcurl that uses the TLS library of the service. */
#define LIBRARY "libcurl-gnutls.so.4"

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

bool http_client_load(struct curl_library *out, struct error *err)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; library != NULL && i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *function = dlsym(library, functions[i].name);
        memcpy((char *)out + functions[i].offset, &function, sizeof(function));
        if (function == NULL)
            library = NULL;
    }
    return library != NULL || error_set(err, ERROR_INTERNAL, NULL,
                                        "cannot load libcurl (Debian's package libcurl3-gnutls): "
                                        "%.120s",
                                        dlerror());
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

/* Without the empty Expect libcurl waits for an interim response before it sends a long body. */
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
           set(easy, CURLOPT_CONNECTTIMEOUT, HTTP_CLIENT_CONNECT_TIMEOUT_S) == CURLE_OK &&
           set(easy, CURLOPT_ERRORBUFFER, transfer->reason) == CURLE_OK &&
           set(easy, CURLOPT_HEADERFUNCTION, http_client_on_header) == CURLE_OK &&
           set(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           set(easy, CURLOPT_WRITEFUNCTION, http_client_on_body) == CURLE_OK &&
           set(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
}

/* The pin replaces the checks of the issuer, the name and the dates of a certificate. */
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

/* A host and a port. Without the port libcurl would connect to that of the URL's scheme. */
static bool has_host_and_port(const char *address)
{
    const char *colon = strrchr(address, ':');

    return authority_is_valid(slice_from(address)) && colon != NULL && colon[1] != '\0' &&
           strchr(colon, ']') == NULL;
}

/* *authority gets host and port for the URL; for a Unix socket localhost, since Host is required.
 */
static bool find_address(struct http_transfer *transfer, const char **authority, bool *ok,
                         struct error *err)
{
    const char *address = transfer->config->listen;
    struct sockaddr_un file;

    *authority = address;
    if (!unix_socket_named(address))
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

bool http_client_prepare(struct http_transfer *transfer, const struct http_request *request,
                         struct error *err)
{
    const char *certificate = transfer->config->tls_cert;
    const char *authority;
    char pin[TLS_PIN_SIZE];
    bool ok = true;

    if (!http_client_load(&transfer->curl, err))
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
    return ok || error_set(err, ERROR_INTERNAL, NULL, "libcurl does not take the request");
}
