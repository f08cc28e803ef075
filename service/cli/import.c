/* sessiond import: imports the output of sessiond export into the running service. */

#include "service/cli/claude/import.h"
#include "db/base/uuid.h"
#include "routes/core/buffer.h"
#include "routes/json/scan.h"
#include "routes/json/skip.h"
#include "service/cli/api_response.h"
#include "service/cli/command.h"
#include "service/cli/retry.h"
#include "service/cli/terminal.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_LINES 256
#define BATCH_BYTES (256 << 10)
#define RESPONSE_BYTES (1 << 20)
#define MAX_DEPTH 10000

struct import {
    const struct config *config;
    struct buffer batch;
    int64_t lines;      /* in the current batch */
    int64_t first_line; /* line number in the file of the first line of the batch */
    int64_t line;       /* line number in the file of the current line */
    int64_t sessions_created;
    int64_t sessions_present;
    int64_t entries_created;
    int64_t entries_present;
    int64_t conflicts;
    char skipped_session[UUID_SIZE]; /* session of the last conflict, whose entries are not sent */
};

static bool report_conflict(struct import *import, struct json_object *conflict, struct error *err)
{
    struct slice detail;
    struct slice id;
    struct slice stream = {"", 0};
    int64_t seq = 0;

    if (!api_response_text(conflict, "session_id", &id) || id.len != UUID_LENGTH ||
        !api_response_text(conflict, "detail", &detail))
        return api_response_reject(err, "a conflict has no session_id");
    import->conflicts++;
    memcpy(import->skipped_session, id.data, UUID_LENGTH);
    terminal_print(stderr, "sessiond import: session %.*s is not imported: ", (int)id.len, id.data);
    if (api_response_text(conflict, "stream", &stream) &&
        api_response_number(conflict, "seq", &seq))
        terminal_print(stderr, "entry %lld of the stream %.*s: ", (long long)seq, (int)stream.len,
                       stream.data);
    terminal_print(stderr, "%.*s\n", (int)detail.len, detail.data);
    return true;
}

static bool add_counts(struct json_object *body, const char *name, int64_t *created,
                       int64_t *present)
{
    struct json_object *counted = api_response_object(body, name);

    return api_response_add(counted, "created", created) &&
           api_response_add(counted, "present", present);
}

static bool parse_result(struct import *import, struct http_response *response, struct error *err)
{
    struct json_object *body = NULL;

    if (!api_response_parse(response, RESPONSE_BYTES, &body, err))
        return false;
    struct json_object *conflicts = api_response_array(body, "conflicts");
    bool ok = add_counts(body, "sessions", &import->sessions_created, &import->sessions_present) &&
              add_counts(body, "entries", &import->entries_created, &import->entries_present) &&
              conflicts != NULL;
    if (!ok)
        api_response_reject(err, "it has no counts of imported sessions and entries");
    import->skipped_session[0] = '\0';
    for (size_t i = 0; ok && i < api_response_count(conflicts); i++)
        ok = report_conflict(import, api_response_at(conflicts, i), err);
    api_response_free(body);
    return ok;
}

static bool set_batch_error(struct import *import, struct http_response *response,
                            struct error *err)
{
    struct error reason;

    if (api_response_set_problem(import->config, response, &reason))
        return true;
    return error_set(err, response->status == 422 ? ERROR_INVALID_PAYLOAD : ERROR_INTERNAL, NULL,
                     "lines %lld to %lld: %s", (long long)import->first_line,
                     (long long)import->line, reason.detail);
}

static bool send_batch(struct import *import, struct error *err)
{
    const struct http_request request = {.method = "POST",
                                         .path = "/admin/import",
                                         .type = "application/x-ndjson",
                                         .body = buffer_slice(&import->batch)};
    struct http_response response;

    if (!command_retry_send(import->config, &request, &response, err))
        return false;
    const bool ok = response.status == 200 ? parse_result(import, &response, err)
                                           : set_batch_error(import, &response, err);
    http_client_close(&response);
    import->batch.len = 0;
    import->lines = 0;
    return ok;
}

static struct slice find_member(const struct json_outline *outline, const char *name)
{
    for (size_t i = 0; i < outline->member_count && i < JSON_OUTLINE_MEMBERS; i++) {
        if (slice_is(outline->members[i].name, name))
            return outline->members[i].value;
    }
    return (struct slice){"", 0};
}

/* Whether the line belongs to a session that is skipped after a conflict. */
static bool is_skipped_session(const struct import *import, const struct json_outline *outline)
{
    const struct slice id = find_member(outline, "session_id");

    return import->skipped_session[0] != '\0' && id.len == UUID_LENGTH + 2 &&
           memcmp(id.data + 1, import->skipped_session, UUID_LENGTH) == 0;
}

static bool is_blank(struct slice line)
{
    const char *end = line.data + line.len;

    return json_skip_space(line.data, end) == end;
}

static bool add_line(struct import *import, struct slice line, struct error *err)
{
    struct json_outline outline;
    struct error reason;

    import->line++;
    if (is_blank(line))
        return true;
    if (!json_scan(line, MAX_DEPTH, &outline, &reason))
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL, "line %lld is not JSON: %.150s",
                         (long long)import->line, reason.detail);
    if (import->lines > 0 && import->batch.len + line.len > BATCH_BYTES && !send_batch(import, err))
        return false;
    if (is_skipped_session(import, &outline))
        return true;
    if (import->lines++ == 0)
        import->first_line = import->line;
    buffer_add(&import->batch, line);
    buffer_add_char(&import->batch, '\n');
    return import->lines < BATCH_LINES || send_batch(import, err);
}

static bool import_file(struct import *import, FILE *file, struct error *err)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    bool ok = true;

    while (ok && (len = getline(&line, &capacity, file)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        ok = add_line(import, (struct slice){line, (size_t)len}, err);
    }
    free(line);
    if (ok && ferror(file))
        return error_set(err, ERROR_INTERNAL, NULL, "cannot read the input: %s", strerror(errno));
    return ok && (import->lines == 0 || send_batch(import, err));
}

static bool import_all(struct import *import, struct error *err)
{
    const char *path = import->config->file;
    FILE *file = path == NULL || strcmp(path, "-") == 0 ? stdin : fopen(path, "re");

    if (file == NULL)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot open %s: %s", path, strerror(errno));
    const bool ok = import_file(import, file, err);
    if (file != stdin)
        fclose(file);
    return ok;
}

static enum command_exit run(const struct config *config)
{
    struct error err;

    if (config->claude)
        return claude_import(config);
    struct import *import = calloc(1, sizeof(*import));
    if (import == NULL)
        abort();
    import->config = config;
    const bool ok = import_all(import, &err);
    if (!ok)
        terminal_print(stderr, "sessiond import: %s\n", err.detail);
    printf("sessions: %lld created, %lld existing; entries: %lld created, %lld existing; "
           "conflicts: %lld\n",
           (long long)import->sessions_created, (long long)import->sessions_present,
           (long long)import->entries_created, (long long)import->entries_present,
           (long long)import->conflicts);
    const bool is_incomplete = ok ? import->conflicts > 0 : err.kind == ERROR_INVALID_PAYLOAD;
    buffer_release(&import->batch);
    free(import);
    if (is_incomplete)
        return COMMAND_CHECK_FAILED;
    return ok ? COMMAND_DONE : COMMAND_UNAVAILABLE;
}

static const struct command_flag flags[] = {
    {"--claude", NULL, offsetof(struct config, claude)},
    {"--thread", "THREAD", offsetof(struct config, thread)},
    {"--project", "PATH", offsetof(struct config, project)},
    {NULL, NULL, 0},
};

const struct command command_import = {
    .name = "import",
    .file = COMMAND_FILE_OPTIONAL,
    .flags = flags,
    .summary =
        "import the output of sessiond export, or --claude transcripts, into the running service",
    .help =
        "Reads FILE, or stdin if FILE is - or missing, and sends it to the service at --listen.\n"
        "Sessions and entries keep their ids, versions, times and seqs. Identical sessions and\n"
        "entries that exist are not changed: a repeated import creates no duplicates, so repeat\n"
        "an interrupted import. An existing session that differs is a conflict: it is not\n"
        "changed, and stderr has a line about it.\n\n"
        "With --claude, FILE is a transcript of Claude Code (*.jsonl), or a folder that is\n"
        "searched for transcripts:\n"
        "- SESSION.jsonl is the stream main of the session SESSION, a UUID.\n"
        "- A file in a folder SESSION/ is a stream; its name is the path there, without .jsonl.\n"
        "- agent-*.jsonl beside a transcript is the stream subagents/agent-* of its sessionId.\n"
        "- *.meta.json becomes an entry of the stream that it describes, with\n"
        "  \"type\":\"agent_metadata\".\n"
        "- A session gets the thread of --thread, and as project_path --project, or the first\n"
        "  cwd, or the name of the folder.\n"
        "Each line becomes an entry, unchanged. Lines that exist in the stream are found by uuid\n"
        "or, without one, by text; the others are appended in the order of the file. These lines\n"
        "are skipped: not a JSON object, longer than --max-body-size, rejected by the service, or\n"
        "with a uuid that is stored with another text. A lease, another writer or a deletion\n"
        "stops one file, and the import continues with the next. stderr has file, line and\n"
        "reason.\n\n"
        "If the service requires tokens, set SESSIOND_TOKEN to a token of scope admin.\n\n"
        "After a response 429 or 503, the command waits for its Retry-After (at most 30 s) and\n"
        "sends the request again, up to 30 attempts.\n\n"
        "Exit codes: 0 all data is imported or exists, 1 some data cannot be imported (a "
        "conflict,\n"
        "or a skipped line or file), 2 wrong usage, 3 the import failed or is incomplete (a file\n"
        "was stopped, or the service failed): run it again. stderr has the reason.\n",
    .run = run,
};
