/* sessiond healthcheck: asks the running service whether a write reaches the disk. */

#include "service/command.h"
#include "service/http_client.h"

static enum command_exit run(const struct config *config)
{
    struct http_answer answer;
    struct error err;

    if (!http_client_request(config->listen, "GET", "/readyz", &answer, &err)) {
        fprintf(stderr, "sessiond healthcheck: %s\n", err.detail);
        return COMMAND_UNSOUND;
    }
    http_client_close(&answer);
    if (answer.status == 200)
        return COMMAND_DONE;
    fprintf(stderr, "sessiond healthcheck: /readyz answers %d\n", answer.status);
    return COMMAND_UNSOUND;
}

const struct command command_healthcheck = {
    .name = "healthcheck",
    .file = COMMAND_NO_FILE,
    .summary = "ask the running service whether it is ready",
    .help =
        "Asks /readyz of the service at --listen, which commits a write. For the health checks of\n"
        "containers, which have no curl.\n\n"
        "Exit codes: 0 ready; 1 not ready, or nobody answers.\n",
    .run = run,
};
