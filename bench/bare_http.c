/*
 * bare_http PORT THREADS ANSWER: what libmicrohttpd alone can do. It reads each request and sends
 * the recorded answer: the status line's number, header lines, an empty line, the body. Flags and
 * threads are those of service/http/server.c.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct answer {
    unsigned status;
    struct MHD_Response *response;
};

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **request_cls)
{
    const struct answer *answer = cls;

    (void)url;
    (void)method;
    (void)version;
    (void)data;
    if (*request_cls == NULL) {
        *request_cls = cls;
        return MHD_YES;
    }
    if (*data_size != 0) {
        *data_size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, answer->status, answer->response);
}

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;

    if (file == NULL)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && (*size = (size_t)ftell(file)) > 0) {
        text = calloc(1, *size + 1);
        rewind(file);
        if (text != NULL && fread(text, 1, *size, file) != *size)
            *text = '\0';
    }
    fclose(file);
    return text;
}

/* Takes the text apart in place; the response keeps pointing to its body. */
static int read_answer(char *text, size_t size, struct answer *answer)
{
    char *body = strstr(text, "\n\n");
    char *rest = NULL;

    if (body == NULL)
        return 0;
    *body = '\0';
    body += 2;
    answer->status = (unsigned)strtoul(strtok_r(text, "\n", &rest), NULL, 10);
    answer->response =
        MHD_create_response_from_buffer(size - (size_t)(body - text), body, MHD_RESPMEM_PERSISTENT);
    for (char *line = NULL; (line = strtok_r(NULL, "\n", &rest)) != NULL;) {
        char *value = strstr(line, ": ");
        if (value == NULL)
            return 0;
        *value = '\0';
        MHD_add_response_header(answer->response, line, value + 2);
    }
    return answer->status != 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct answer answer;
    size_t size = 0;
    char *text = argc == 4 ? read_file(argv[3], &size) : NULL;

    if (text == NULL || !read_answer(text, size, &answer)) {
        fputs("usage: bare_http PORT THREADS ANSWER\n", stderr);
        return 2;
    }
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const unsigned threads = (unsigned)atoi(argv[2]);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
            MHD_USE_ERROR_LOG,
        0, NULL, NULL, on_request, &answer, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0, MHD_OPTION_CONNECTION_LIMIT, 4096U,
        MHD_OPTION_CONNECTION_TIMEOUT, 60U, MHD_OPTION_END);
    if (daemon == NULL)
        return 1;
    pause();
    return 0;
}
