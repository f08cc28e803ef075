/* sessiond export: writes all sessions and entries of the running service as NDJSON to stdout. */

#include "db/base/uuid.h"
#include "routes/core/buffer.h"
#include "routes/json/scan.h"
#include "service/cli/api_response.h"
#include "service/cli/command.h"
#include "service/cli/terminal.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (64 << 10)

/* Longer than the largest --max-body-size, and so than any line of a service. */
#define LINE_BYTES_MAX (257 << 20)
#define MAX_DEPTH 10003

struct export
{
    struct buffer line; /* received part of an incomplete line */
    int64_t lines;      /* complete lines received */
    int64_t sessions;
    int64_t entries;
    char last_session[UUID_SIZE]; /* session of the last line */
    /* last session before `last_session`; it is completely written */
    char complete_session[UUID_SIZE];
};

static bool write_all(const char *data, size_t len, struct error *err)
{
    while (len > 0) {
        const ssize_t written = write(STDOUT_FILENO, data, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set(err, ERROR_INTERNAL, NULL, "cannot write to stdout: %s",
                             strerror(errno));
        data += written;
        len -= (size_t)written;
    }
    return true;
}

static struct slice find_member(const struct json_outline *outline, const char *name)
{
    for (size_t i = 0; i < outline->member_count && i < JSON_OUTLINE_MEMBERS; i++) {
        if (slice_is(outline->members[i].name, name))
            return outline->members[i].value;
    }
    return (struct slice){"", 0};
}

/* Whether the member is an id in canonical form; copies it to `id`. */
static bool parse_id_member(const struct json_outline *outline, const char *name,
                            char id[UUID_SIZE])
{
    const struct slice text = find_member(outline, name);

    return text.len == UUID_LENGTH + 2 && text.data[0] == '"' &&
           uuid_read((struct slice){text.data + 1, UUID_LENGTH}, id) &&
           memcmp(text.data + 1, id, UUID_LENGTH) == 0;
}

static bool is_session(const struct json_outline *outline, char id[UUID_SIZE])
{
    return slice_is(find_member(outline, "type"), "\"session\"") &&
           parse_id_member(outline, "id", id);
}

/* Whether the line is an entry of the last session. Entries follow their session. */
static bool is_entry(const struct export *export, const struct json_outline *outline)
{
    char id[UUID_SIZE];

    return slice_is(find_member(outline, "type"), "\"entry\"") &&
           parse_id_member(outline, "session_id", id) &&
           memcmp(id, export->last_session, UUID_SIZE) == 0 &&
           find_member(outline, "entry").len > 0;
}

/* Counts a line. Fails when it does not have the format of an export. */
static bool count_line(struct export *export, struct slice line, struct error *err)
{
    struct json_outline outline;
    char id[UUID_SIZE];
    struct error reason;

    export->lines++;
    if (!json_scan(line, MAX_DEPTH, &outline, &reason))
        return error_set(err, ERROR_INTERNAL, NULL, "line %lld of the response is not JSON: %.120s",
                         (long long)export->lines, reason.detail);
    if (is_entry(export, &outline)) {
        export->entries++;
        return true;
    }
    if (!is_session(&outline, id))
        return error_set(err, ERROR_INTERNAL, NULL,
                         "line %lld of the response is neither a session nor an entry of the "
                         "session before it",
                         (long long)export->lines);
    export->sessions++;
    memcpy(export->complete_session, export->last_session, UUID_SIZE);
    memcpy(export->last_session, id, UUID_SIZE);
    return true;
}

/* Writes the complete lines before the first invalid one, and sets *done to their bytes. The first
 * `searched` bytes have no newline. Counts only lines that were written, because --after continues
 * after them. */
static bool write_lines(struct export *export, size_t searched, size_t *done, struct error *err)
{
    const char *begin = export->line.data;
    const char *end = begin + export->line.len;
    const char *from = begin + searched;
    const char *newline;
    struct export counted = *export;
    struct error reason;
    bool is_valid = true;

    while (is_valid && (newline = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        const char *line = begin + *done;
        is_valid = count_line(&counted, (struct slice){line, (size_t)(newline - line)}, &reason);
        from = newline + 1;
        if (is_valid)
            *done = (size_t)(from - begin);
    }
    if (!write_all(begin, *done, err))
        return false;
    *export = counted;
    if (!is_valid)
        *err = reason;
    return is_valid;
}

/* Appends received bytes and writes the lines that are complete. */
static bool add_part(struct export *export, struct slice part, struct error *err)
{
    struct buffer *line = &export->line;
    const size_t searched = line->len;
    size_t done = 0;

    if (line->len + part.len > LINE_BYTES_MAX)
        return api_response_reject(err, "a line is longer than the longest session or entry");
    buffer_add(line, part);
    if (!write_lines(export, searched, &done, err))
        return false;
    if (done < line->len && line->data[done] != '{')
        return api_response_reject(err, "a line is not a JSON object");
    memmove(line->data, line->data + done, line->len - done);
    line->len -= done;
    return true;
}

static bool receive_export(struct export *export, struct http_response *response, struct error *err)
{
    char part[READ_BYTES];
    ssize_t count;

    if (!api_response_has_type(response, "application/x-ndjson", err))
        return false;
    while ((count = http_client_read(response, part, sizeof(part), err)) > 0) {
        if (!add_part(export, (struct slice){part, (size_t)count}, err))
            return false;
    }
    if (count == 0 && export->line.len > 0)
        return api_response_reject(err, "its last line is incomplete");
    if (count == 0)
        memcpy(export->complete_session, export->last_session, UUID_SIZE);
    return count == 0;
}

static bool fetch_export(struct export *export, const struct config *config, struct error *err)
{
    struct http_response response;
    char path[64 + UUID_SIZE];
    char id[UUID_SIZE] = "";

    if (config->after != NULL && !uuid_read(slice_from(config->after), id))
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         "--after takes the id of a session, not \"%.60s\"", config->after);
    snprintf(path, sizeof(path), "/admin/export%s%s", id[0] == '\0' ? "" : "?after=", id);
    if (!http_client_request(config, "GET", path, 0, &response, err))
        return false;
    const bool ok = response.status == 200 ? receive_export(export, &response, err)
                                           : api_response_set_problem(config, &response, err);
    http_client_close(&response);
    return ok;
}

static enum command_exit run(const struct config *config)
{
    struct export export = {0};
    struct error err;

    const bool ok = fetch_export(&export, config, &err);
    buffer_release(&export.line);
    if (!ok)
        terminal_print(stderr, "sessiond export: %s\n", err.detail);
    if (ok || export.sessions > 0)
        fprintf(stderr, "sessiond export: wrote %lld sessions and %lld entries%s%s\n",
                (long long)export.sessions, (long long)export.entries,
                export.complete_session[0] == '\0' ? "" : "; continue with --after ",
                export.complete_session);
    if (ok)
        return COMMAND_DONE;
    return err.kind == ERROR_INVALID_PAYLOAD ? COMMAND_USAGE : COMMAND_UNAVAILABLE;
}

static const struct command_flag flags[] = {
    {"--after", "ID", offsetof(struct config, after)},
    {NULL, NULL, 0},
};

const struct command command_export = {
    .name = "export",
    .file = COMMAND_NO_FILE,
    .flags = flags,
    .summary = "write all sessions and entries of the running service to stdout as NDJSON",
    .help =
        "Downloads all sessions from the service at --listen, the oldest first, each with its\n"
        "context and followed by its entries: one JSON object per line, for sessiond import.\n"
        "The export is not a snapshot: each session is as it was when its line was written. The\n"
        "command writes complete lines only.\n\n"
        "--after ID starts after this session. Use it to continue an interrupted export or to get\n"
        "the new sessions only; stderr has the ID at the end. Importing a session twice does not\n"
        "create duplicates.\n\n"
        "If the service requires tokens, set SESSIOND_TOKEN to a token of scope admin.\n\n"
        "Exit codes: 0 all data is written, 2 wrong usage, 3 the export failed or is incomplete;\n"
        "stderr has the reason.\n",
    .run = run,
};
