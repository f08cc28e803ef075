#include "service/cli/retry.h"

#include <unistd.h>

#define TRIES 30
#define PAUSE_MAX_S 30

bool command_retry_send(const struct config *config, const struct http_request *request,
                        struct http_response *response, struct error *err)
{
    for (int tries = 1;; tries++) {
        if (!http_client_send(config, request, 0, response, err))
            return false;
        if ((response->status != 429 && response->status != 503) || tries == TRIES)
            return true;
        const int64_t seconds = response->retry_after_s;
        http_client_close(response);
        sleep(seconds < 1 ? 1 : seconds > PAUSE_MAX_S ? PAUSE_MAX_S : (unsigned)seconds);
    }
}
