#include "tests/support/client.h"

#include <curl/curl.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET_MAX 16384
#define DEPTH_MAX 600
#define PROBLEM "urn:sessiond:problem:"

struct text {
    char *data;
    size_t len;
    size_t size;
};

struct tracked_connection {
    const struct service *service;
    CURL *curl;
    struct text headers; /* lines, each NUL-terminated */
    struct text body;
    struct json_object *tree; /* of the body, once it is asked for */
    struct response response;
    char pointer[256];
    char failure[CURL_ERROR_SIZE];
};

static void text_add(struct text *text, const char *data, size_t len)
{
    if (text->len + len + 1 > text->size) {
        text->size = 2 * (text->len + len) + 256;
        text->data = realloc(text->data, text->size);
        if (text->data == NULL)
            abort();
    }
    memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
}

struct tracked_connection *client_new(const struct service *service)
{
    struct tracked_connection *client = calloc(1, sizeof(*client));

    if (client == NULL)
        abort();
    client->service = service;
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        abort();
    return client;
}

static void forget_tree(struct tracked_connection *client)
{
    json_object_put(client->tree);
    client->tree = NULL;
}

void client_free(struct tracked_connection *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    forget_tree(client);
    free(client->headers.data);
    free(client->body.data);
    free(client);
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct tracked_connection *client = arg;
    const size_t len = size * count;

    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
        client->headers.len = 0; /* those before were of an interim response */
    text_add(&client->headers, line, strcspn(line, "\r\n"));
    text_add(&client->headers, "", 1);
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct tracked_connection *client = arg;

    text_add(&client->body, data, size * count);
    return size * count;
}

static struct curl_slist *collect_headers(const struct request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    char type[128];

    snprintf(type, sizeof(type), "Content-Type: %s",
             request->type == NULL ? "application/json" : request->type);
    list = curl_slist_append(list, request->body == NULL ? "Content-Type:" : type);
    for (size_t i = 0; i < REQUEST_HEADERS_MAX && request->headers[i] != NULL; i++)
        list = curl_slist_append(list, request->headers[i]);
    return list;
}

static void set_up(struct tracked_connection *client, const struct request *request,
                   struct curl_slist *headers)
{
    CURL *curl = client->curl;
    char url[96];

    snprintf(url, sizeof(url), "http://%s/", client->service->address);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_REQUEST_TARGET, request->target);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, client);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->failure);
    if (request->body != NULL) {
        const size_t len = request->body_len == 0 ? strlen(request->body) : request->body_len;
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    }
    curl_easy_setopt(curl, CURLOPT_NOBODY, (long)(strcmp(request->method, "HEAD") == 0));
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

const struct response *client_call(struct tracked_connection *client, const struct request *request)
{
    struct curl_slist *headers = collect_headers(request);
    long status = 0;

    forget_tree(client);
    client->headers.len = 0;
    client->body.len = 0;
    text_add(&client->body, "", 0);
    set_up(client, request, headers);
    if (curl_easy_perform(client->curl) == CURLE_OK) {
        curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    } else {
        client->body.len = 0;
        text_add(&client->body, client->failure, strlen(client->failure));
    }
    curl_slist_free_all(headers);
    client->response = (struct response){(int)status, client->body.data, client->body.len, client};
    return &client->response;
}

const struct response *client_get(struct tracked_connection *client, const char *target, ...)
{
    char text[TARGET_MAX];
    va_list args;

    va_start(args, target);
    vsnprintf(text, sizeof(text), target, args);
    va_end(args);
    return client_call(client, &(struct request){.method = "GET", .target = text});
}

const struct response *client_send(struct tracked_connection *client, const char *method,
                                   const char *body, const char *target, ...)
{
    char text[TARGET_MAX];
    va_list args;

    va_start(args, target);
    vsnprintf(text, sizeof(text), target, args);
    va_end(args);
    return client_call(client, &(struct request){.method = method, .target = text, .body = body});
}

const char *response_header(const struct response *response, const char *name)
{
    const struct text *headers = &response->client->headers;
    const size_t len = strlen(name);

    for (size_t at = 0; at < headers->len; at += strlen(headers->data + at) + 1) {
        const char *line = headers->data + at;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " ");
    }
    return NULL;
}

static struct json_object *find(const struct response *response, const char *pointer)
{
    struct tracked_connection *client = response->client;
    struct json_object *found = NULL;

    if (client->tree == NULL) {
        struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
        client->tree = json_tokener_parse_ex(tokener, response->body, (int)response->body_len);
        json_tokener_free(tokener);
    }
    if (client->tree == NULL || json_pointer_get(client->tree, pointer, &found) != 0)
        return NULL;
    return found;
}

const char *response_text(const struct response *response, const char *pointer, ...)
{
    struct tracked_connection *client = response->client;
    va_list args;

    va_start(args, pointer);
    vsnprintf(client->pointer, sizeof(client->pointer), pointer, args);
    va_end(args);
    struct json_object *found = find(response, client->pointer);
    return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : "";
}

int64_t response_number(const struct response *response, const char *pointer)
{
    struct json_object *found = find(response, pointer);

    return json_object_is_type(found, json_type_int) ? json_object_get_int64(found) : -1;
}

int64_t response_length(const struct response *response, const char *pointer)
{
    struct json_object *found = find(response, pointer);

    if (json_object_is_type(found, json_type_array))
        return (int64_t)json_object_array_length(found);
    return json_object_is_type(found, json_type_object) ? json_object_object_length(found) : -1;
}

bool response_is_problem(const struct response *response, const char *name)
{
    const char *type = response_header(response, "Content-Type");
    const char *problem = response_text(response, "/type");

    return type != NULL && strcmp(type, "application/problem+json") == 0 &&
           strncmp(problem, PROBLEM, strlen(PROBLEM)) == 0 &&
           strcmp(problem + strlen(PROBLEM), name) == 0 &&
           response_number(response, "/status") == response->status;
}

char *response_context(const struct response *response)
{
    static const char begin[] = "\"context\":";
    const char *to = NULL;

    /* Quotes within texts are escaped, so the first is the member's name. The context may hold the
     * name that stands behind it, but the last of these is the session's. */
    const char *from = strstr(response->body, begin);
    for (const char *at = from; at != NULL && (at = strstr(at, ",\"version\":")) != NULL; at++)
        to = at;
    if (from == NULL || to == NULL)
        return strdup("");
    return strndup(from + strlen(begin), (size_t)(to - from) - strlen(begin));
}
