/* sessiond purge: has the running service delete what retention does not keep, or say what that is.
 */

#include "service/command.h"
#include "service/command_answer.h"

#include <stddef.h>
#include <string.h>

/* An answer is shorter. */
#define ANSWER_MAX 8192

#define CURSOR_MAX 128

/* A step waits for writes that came before, and for a disk that is slow. */
#define TIMEOUT_S 60

struct reason {
    const char *name; /* in the answers */
    const char *flag;
    const char *what;
};

static const struct reason reasons[] = {
    {"terminated", "--retain", "TERMINATED"},
    {"idle", "--retain-idle", "PAUSED"},
};

#define REASON_COUNT (sizeof(reasons) / sizeof(reasons[0]))

static bool ask(const struct config *config, const char *method, const char *path,
                char buffer[ANSWER_MAX], struct slice *body, struct error *err)
{
    struct http_answer answer;

    if (!http_client_request(config, method, path, TIMEOUT_S, &answer, err))
        return false;
    const bool ok = answer.status == 200
                        ? command_answer_read(&answer, buffer, ANSWER_MAX, body, err)
                        : command_answer_refuse(config, &answer, err);
    http_client_close(&answer);
    return ok;
}

/* Each id of a JSON array of ids on a line of its own. */
static void print_ids(struct slice array)
{
    for (size_t i = 0; i < array.len; i++) {
        const char c = array.data[i];
        if (c == '"' || c == ',' || c == '[' || c == ']')
            continue;
        printf("%s%c", array.data[i - 1] == '"' ? "  " : "", c);
        if (i + 1 < array.len && array.data[i + 1] == '"')
            putchar('\n');
    }
}

static void print_reason(const struct reason *reason, struct slice of)
{
    const int64_t seconds = command_answer_number(of, "retain_seconds");
    const int64_t sessions = command_answer_number(of, "sessions");
    const struct slice oldest = command_answer_member(of, "oldest_change_at");

    if (seconds == 0) {
        printf("%s: %s is off, nothing is deleted\n", reason->what, reason->flag);
        return;
    }
    printf("%s: %s%lld sessions of %lld bytes would be deleted, unchanged for %lld s", reason->what,
           slice_is(command_answer_member(of, "more"), "true") ? "more than " : "",
           (long long)sessions, (long long)command_answer_number(of, "bytes"), (long long)seconds);
    if (sessions > 0 && oldest.len > 2)
        printf("; the oldest changed last at %.*s", (int)oldest.len - 2, oldest.data + 1);
    printf("\n");
    print_ids(command_answer_member(of, "first"));
}

static bool tell(const struct config *config, struct error *err)
{
    char buffer[ANSWER_MAX];
    struct slice body = {0};

    if (!ask(config, "GET", "/admin/retention", buffer, &body, err))
        return false;
    for (size_t i = 0; i < REASON_COUNT; i++)
        print_reason(&reasons[i], command_answer_member(body, reasons[i].name));
    return true;
}

/* One step. *path becomes that of the next one, or empty. */
static bool step(const struct config *config, char path[CURSOR_MAX], int64_t totals[REASON_COUNT],
                 int64_t *bytes, struct error *err)
{
    char buffer[ANSWER_MAX];
    struct slice body = {0};

    if (!ask(config, "POST", path, buffer, &body, err))
        return false;
    const struct slice purged = command_answer_member(body, "purged");
    const struct slice next = command_answer_member(body, "next_cursor");
    if (purged.data == NULL || next.data == NULL || next.len > CURSOR_MAX / 2)
        return error_set(err, ERROR_INTERNAL, NULL, "that is no answer of a sessiond");
    for (size_t i = 0; i < REASON_COUNT; i++)
        totals[i] += command_answer_number(purged, reasons[i].name);
    *bytes += command_answer_number(purged, "bytes");
    path[0] = '\0';
    if (!slice_is(next, "null"))
        snprintf(path, CURSOR_MAX, "/admin/purge?cursor=%.*s", (int)next.len - 2, next.data + 1);
    return true;
}

static bool purge(const struct config *config, struct error *err)
{
    char path[CURSOR_MAX] = "/admin/purge";
    int64_t totals[REASON_COUNT] = {0};
    int64_t bytes = 0;
    bool ok = true;

    while (ok && path[0] != '\0')
        ok = step(config, path, totals, &bytes, err);
    printf("deleted sessions: %lld TERMINATED, %lld PAUSED; %lld bytes\n", (long long)totals[0],
           (long long)totals[1], (long long)bytes);
    return ok;
}

static enum command_exit run(const struct config *config)
{
    struct error err;

    if (config->dry_run ? tell(config, &err) : purge(config, &err))
        return COMMAND_DONE;
    fprintf(stderr, "sessiond purge: %s\n", err.detail);
    return COMMAND_IMPOSSIBLE;
}

static const struct command_flag flags[] = {
    {"--dry-run", NULL, offsetof(struct config, dry_run)},
    {NULL, NULL, 0},
};

const struct command command_purge = {
    .name = "purge",
    .file = COMMAND_NO_FILE,
    .flags = flags,
    .summary = "has the running service delete the sessions that it need not keep; or --dry-run",
    .help =
        "Asks the service that listens on --listen to delete now, in small steps, what it deletes\n"
        "by itself sooner or later: sessions that are TERMINATED for longer than its --retain, "
        "and\n"
        "sessions that are PAUSED for longer than its --retain-idle. It is the service's own "
        "flags\n"
        "that count. A session that is leased stays.\n\n"
        "--dry-run deletes nothing and says what would go: how many sessions, their bytes, the\n"
        "oldest, and the ids of the first.\n\n"
        "Where the service asks for tokens, SESSIOND_TOKEN has to be one of scope admin.\n\n"
        "Exit codes: 0 done, 2 wrong usage, 3 it cannot be done, or not to the end; stderr says "
        "why.\n",
    .run = run,
};
