/* sessiond purge: makes the running service delete the sessions whose retention has expired, or
 * shows them. */

#include "service/cli/api_response.h"
#include "service/cli/command.h"
#include "service/cli/terminal.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* Longer than any response of a service to these requests. */
#define RESPONSE_MAX 65536

#define CURSOR_MAX 128
#define PATH_SIZE (CURSOR_MAX + 32)

#define PURGE_PATH "/admin/purge"
#define RETENTION_PATH "/admin/retention"

/* A step waits for earlier writes and for a slow disk. */
#define TIMEOUT_S 60

struct reason {
    const char *name; /* member name in the responses */
    const char *flag;
    const char *what;
};

static const struct reason reasons[] = {
    {"terminated", "--retain-terminated", "TERMINATED"},
    {"idle", "--retain-idle", "PAUSED"},
};

#define REASON_COUNT (sizeof(reasons) / sizeof(reasons[0]))

struct totals {
    int64_t sessions[REASON_COUNT];
    int64_t bytes;
};

static bool send_request(const struct config *config, const char *method, const char *path,
                         struct json_object **body, struct error *err)
{
    struct http_response response;

    if (!http_client_request(config, method, path, TIMEOUT_S, &response, err))
        return false;
    const bool ok = response.status == 200 ? api_response_parse(&response, RESPONSE_MAX, body, err)
                                           : api_response_set_problem(config, &response, err);
    http_client_close(&response);
    return ok;
}

/* Whether the text has only the characters of a next_cursor. Others could change the target of the
 * request. */
static bool is_valid_cursor(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isalnum((unsigned char)text.data[i]) && strchr("-_.~", text.data[i]) == NULL)
            return false;
    }
    return text.len > 0 && text.len <= CURSOR_MAX;
}

/* Sets *path to the path of the next page after `body`; empty when there is none. */
static bool set_next_path(struct json_object *body, const char *first_path, char path[PATH_SIZE],
                          struct error *err)
{
    struct slice next = {"", 0};
    const char *sent = strchr(path, '=');

    if (api_response_text(body, "next_cursor", &next) && !is_valid_cursor(next))
        return api_response_reject(err, "its next_cursor is invalid");
    if (next.len > 0 && sent != NULL && slice_is(next, sent + 1))
        return api_response_reject(err, "its next_cursor equals the cursor of the request");
    path[0] = '\0';
    if (next.len > 0)
        snprintf(path, PATH_SIZE, "%s?cursor=%.*s", first_path, (int)next.len, next.data);
    return true;
}

#define SHOWN_MAX 10
#define TEXT_MAX 64

/* Sessions that would be deleted for one reason, summed over all pages that were read. */
struct preview {
    bool is_off;
    int64_t seconds;
    int64_t sessions;
    int64_t bytes;
    char oldest[TEXT_MAX]; /* empty: none yet */
    char first[SHOWN_MAX][TEXT_MAX];
    size_t first_count;
};

static void copy_text(char out[TEXT_MAX], struct slice text)
{
    snprintf(out, TEXT_MAX, "%.*s", (int)(text.len < TEXT_MAX ? text.len : TEXT_MAX - 1),
             text.data);
}

static bool add_page(struct preview *preview, struct json_object *section, struct error *err)
{
    struct json_object *first = api_response_array(section, "first");
    struct slice oldest = {"", 0};

    if (first == NULL || !api_response_add(section, "sessions", &preview->sessions) ||
        !api_response_add(section, "bytes", &preview->bytes))
        return api_response_reject(err, "it has no counts of the sessions to delete");
    preview->is_off = !api_response_number(section, "retain_seconds", &preview->seconds);
    if (preview->oldest[0] == '\0' && api_response_text(section, "oldest_change_at", &oldest))
        copy_text(preview->oldest, oldest);
    for (size_t i = 0; i < api_response_count(first) && preview->first_count < SHOWN_MAX; i++)
        copy_text(preview->first[preview->first_count++], api_response_text_at(first, i));
    return true;
}

static void print_preview(const struct reason *reason, const struct preview *preview)
{
    if (preview->is_off) {
        printf("%s: %s is off; no session would be deleted\n", reason->what, reason->flag);
        return;
    }
    terminal_print(
        stdout, "%s: %lld sessions (%lld bytes) without a change for %lld s would be deleted%s%s\n",
        reason->what, (long long)preview->sessions, (long long)preview->bytes,
        (long long)preview->seconds,
        preview->oldest[0] == '\0' ? "" : "; the last change of the oldest was at ",
        preview->oldest);
    for (size_t i = 0; i < preview->first_count; i++)
        terminal_print(stdout, "  %s\n", preview->first[i]);
}

/* Adds one page. Sets *path to that of the next page, or to an empty text. */
static bool preview_page(const struct config *config, char path[PATH_SIZE],
                         struct preview previews[REASON_COUNT], struct error *err)
{
    struct json_object *body = NULL;
    bool ok = true;

    if (!send_request(config, "GET", path, &body, err))
        return false;
    for (size_t i = 0; ok && i < REASON_COUNT; i++)
        ok = add_page(&previews[i], api_response_object(body, reasons[i].name), err);
    ok = ok && set_next_path(body, RETENTION_PATH, path, err);
    api_response_free(body);
    return ok;
}

static bool run_preview(const struct config *config, struct error *err)
{
    struct preview previews[REASON_COUNT] = {0};
    char path[PATH_SIZE] = RETENTION_PATH;

    while (path[0] != '\0') {
        if (!preview_page(config, path, previews, err))
            return false;
    }
    for (size_t i = 0; i < REASON_COUNT; i++)
        print_preview(&reasons[i], &previews[i]);
    return true;
}

static bool add_totals(struct json_object *body, struct totals *totals, struct error *err)
{
    struct json_object *purged = api_response_object(body, "purged");
    bool ok = api_response_add(purged, "bytes", &totals->bytes);

    for (size_t i = 0; ok && i < REASON_COUNT; i++)
        ok = api_response_add(purged, reasons[i].name, &totals->sessions[i]);
    return ok || api_response_reject(err, "it has no counts of deleted sessions");
}

/* Purges one step. Sets *path to that of the next step, or to an empty text. */
static bool purge_page(const struct config *config, char path[PATH_SIZE], struct totals *totals,
                       struct error *err)
{
    struct json_object *body = NULL;

    if (!send_request(config, "POST", path, &body, err))
        return false;
    const bool ok = add_totals(body, totals, err) && set_next_path(body, PURGE_PATH, path, err);
    api_response_free(body);
    return ok;
}

/* Sets *found when a retention is configured in the service. */
static bool find_retention(const struct config *config, bool *found, struct error *err)
{
    struct json_object *body = NULL;
    int64_t seconds;

    *found = false;
    if (!send_request(config, "GET", RETENTION_PATH, &body, err))
        return false;
    for (size_t i = 0; i < REASON_COUNT; i++) {
        struct json_object *section = api_response_object(body, reasons[i].name);
        *found = *found || api_response_number(section, "retain_seconds", &seconds);
    }
    api_response_free(body);
    return true;
}

static void print_totals(const struct totals *totals)
{
    printf("deleted sessions: %lld TERMINATED, %lld PAUSED; %lld bytes\n",
           (long long)totals->sessions[0], (long long)totals->sessions[1],
           (long long)totals->bytes);
}

/* Prints that nothing was deleted, and why if retention is off. */
static bool print_nothing_deleted(const struct config *config, struct error *err)
{
    const struct totals none = {0};
    bool is_retaining;

    if (!find_retention(config, &is_retaining, err))
        return false;
    if (is_retaining)
        print_totals(&none);
    else
        printf("no session was deleted: --retain-terminated and --retain-idle of the service are "
               "off\n");
    return true;
}

static bool run_purge(const struct config *config, struct error *err)
{
    char path[PATH_SIZE] = PURGE_PATH;
    struct totals totals = {0};
    bool ok = true;

    while (ok && path[0] != '\0')
        ok = purge_page(config, path, &totals, err);
    if (ok && totals.sessions[0] == 0 && totals.sessions[1] == 0)
        return print_nothing_deleted(config, err);
    print_totals(&totals);
    return ok;
}

static enum command_exit run(const struct config *config)
{
    struct error err;

    if (config->dry_run ? run_preview(config, &err) : run_purge(config, &err))
        return COMMAND_DONE;
    terminal_print(stderr, "sessiond purge: %s\n", err.detail);
    return COMMAND_UNAVAILABLE;
}

static const struct command_flag flags[] = {
    {"--dry-run", NULL, offsetof(struct config, dry_run)},
    {NULL, NULL, 0},
};

const struct command command_purge = {
    .name = "purge",
    .file = COMMAND_NO_FILE,
    .flags = flags,
    .summary = "delete the sessions whose retention has expired, or show them with --dry-run",
    .help =
        "Makes the service at --listen delete now, in small steps, the sessions whose retention\n"
        "has expired; without this command the service deletes them later. These are sessions\n"
        "that are TERMINATED for longer than --retain-terminated, and sessions that are PAUSED\n"
        "for longer than --retain-idle. The flags of the service apply, not those of this\n"
        "command. A session with a lease is not deleted.\n\n"
        "--dry-run deletes nothing. It prints how many sessions would be deleted, their bytes,\n"
        "the oldest, and the ids of the first.\n\n"
        "If the service requires tokens, set SESSIOND_TOKEN to a token of scope admin.\n\n"
        "Exit codes: 0 done, 2 wrong usage, 3 the purge failed or is incomplete; stderr has the\n"
        "reason.\n",
    .run = run,
};
