/* sessiond healthcheck: checks whether the running service can commit a write. */

#include "service/cli/command.h"
#include "service/cli/http_client.h"
#include "service/cli/terminal.h"

/* Less than the four seconds of the image's HEALTHCHECK, so that this command can still print the
 * reason. */
#define TIMEOUT_S 3

/* The first bytes of a problem are enough to identify it. */
static void print_problem(struct http_response *response)
{
    struct error ignored;
    char body[1024];

    const ssize_t count = http_client_read(response, body, sizeof(body), &ignored);
    terminal_print(stderr, "sessiond healthcheck: /readyz returned status %d: %.*s\n",
                   response->status, count < 0 ? 0 : (int)count, body);
}

static enum command_exit run(const struct config *config)
{
    struct http_response response;
    struct error err;

    if (!http_client_request(config, "GET", "/readyz", TIMEOUT_S, &response, &err)) {
        terminal_print(stderr, "sessiond healthcheck: %s\n", err.detail);
        return COMMAND_CHECK_FAILED;
    }
    if (response.status != 200)
        print_problem(&response);
    http_client_close(&response);
    return response.status == 200 ? COMMAND_DONE : COMMAND_CHECK_FAILED;
}

const struct command command_healthcheck = {
    .name = "healthcheck",
    .file = COMMAND_NO_FILE,
    .summary = "check whether the running service is ready",
    .help = "Requests /readyz from the service at --listen, which commits a write. Use it as the\n"
            "health check of a container that has no curl.\n\n"
            "Exit codes: 0 ready; 1 not ready, or no response within 3 seconds; 2 wrong usage.\n",
    .run = run,
};
