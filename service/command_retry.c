#include "service/command_retry.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define TRIES 30
#define PAUSE_MAX_S 30

/* The header is a number of seconds in all responses of sessiond (RFC 9110 §10.2.3). */
static unsigned pause_of(const struct http_answer *answer)
{
    static const char header[] = "\r\nRetry-After:";
    const char *found = strcasestr(answer->head, header);
    const long seconds = found == NULL ? 1 : strtol(found + sizeof(header) - 1, NULL, 10);

    if (seconds < 1)
        return 1;
    return seconds > PAUSE_MAX_S ? PAUSE_MAX_S : (unsigned)seconds;
}

bool command_retry_send(const struct config *config, const struct http_request *request,
                        struct http_answer *answer, struct error *err)
{
    for (int tries = 1;; tries++) {
        if (!http_client_send(config, request, 0, answer, err))
            return false;
        if ((answer->status != 429 && answer->status != 503) || tries == TRIES)
            return true;
        const unsigned seconds = pause_of(answer);
        http_client_close(answer);
        sleep(seconds);
    }
}
