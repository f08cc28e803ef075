/* sessiond export: everything that the running service has, as lines on stdout. */

#include "db/id.h"
#include "routes/buffer.h"
#include "service/command.h"
#include "service/command_answer.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (64 << 10)

/* How the service begins the line of a session. */
#define SESSION_LINE "{\"type\":\"session\",\"id\":\""

struct export
{
    struct buffer line; /* what came of a line that is not whole */
    int64_t sessions;
    int64_t entries;
    char last[ID_SIZE];  /* the session of the last line */
    char whole[ID_SIZE]; /* the session before it, of which all was written */
};

static bool write_all(const char *data, size_t len, struct error *err)
{
    while (len > 0) {
        const ssize_t written = write(STDOUT_FILENO, data, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set(err, ERROR_INTERNAL, NULL, "cannot write: %s", strerror(errno));
        data += written;
        len -= (size_t)written;
    }
    return true;
}

static void count_line(struct export *export, const char *line, size_t len)
{
    const size_t prefix = sizeof(SESSION_LINE) - 1;

    if (len < prefix + ID_LENGTH || memcmp(line, SESSION_LINE, prefix) != 0) {
        export->entries++;
        return;
    }
    export->sessions++;
    memcpy(export->whole, export->last, ID_SIZE);
    memcpy(export->last, line + prefix, ID_LENGTH);
}

/* Counted is only what was written: an export that goes on begins behind it. */
static void count_lines(struct export *export, const char *at, const char *end)
{
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        count_line(export, at, (size_t)(newline - at));
        at = newline + 1;
    }
}

/* Writes the lines that are whole. */
static bool pass_on(struct export *export, struct error *err)
{
    struct buffer *line = &export->line;
    const char *newline = memrchr(line->data, '\n', line->len);

    if (newline == NULL)
        return true;
    const size_t whole = (size_t)(newline + 1 - line->data);
    if (!write_all(line->data, whole, err))
        return false;
    count_lines(export, line->data, line->data + whole);
    memmove(line->data, line->data + whole, line->len - whole);
    line->len -= whole;
    return true;
}

static bool receive(struct export *export, struct http_answer *answer, struct error *err)
{
    char part[READ_BYTES];
    ssize_t count;

    while ((count = http_client_read(answer, part, sizeof(part), err)) > 0) {
        buffer_add(&export->line, (struct slice){part, (size_t)count});
        if (!pass_on(export, err))
            return false;
    }
    if (count == 0)
        memcpy(export->whole, export->last, ID_SIZE);
    return count == 0;
}

static bool fetch(struct export *export, const struct config *config, struct error *err)
{
    struct http_answer answer;
    char path[64 + ID_SIZE];
    char id[ID_SIZE] = "";

    if (config->after != NULL && !id_parse(slice_from(config->after), id))
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         "--after takes the id of a session, not \"%.60s\"", config->after);
    snprintf(path, sizeof(path), "/admin/export%s%s", id[0] == '\0' ? "" : "?after=", id);
    if (!http_client_request(config, "GET", path, 0, &answer, err))
        return false;
    const bool ok = answer.status == 200 ? receive(export, &answer, err)
                                         : command_answer_refuse(config, &answer, err);
    http_client_close(&answer);
    return ok;
}

static enum command_exit run(const struct config *config)
{
    struct export export = {0};
    struct error err;

    const bool ok = fetch(&export, config, &err);
    buffer_release(&export.line);
    if (!ok)
        fprintf(stderr, "sessiond export: %s\n", err.detail);
    if (ok || export.sessions > 0)
        fprintf(stderr, "sessiond export: %lld sessions, %lld entries written%s%s\n",
                (long long)export.sessions, (long long)export.entries,
                export.whole[0] == '\0' ? "" : "; go on with --after ", export.whole);
    if (ok)
        return COMMAND_DONE;
    return err.kind == ERROR_INVALID_PAYLOAD ? COMMAND_USAGE : COMMAND_IMPOSSIBLE;
}

static const struct command_flag flags[] = {
    {"--after", "ID", offsetof(struct config, after)},
    {NULL, NULL, 0},
};

const struct command command_export = {
    .name = "export",
    .file = COMMAND_NO_FILE,
    .flags = flags,
    .summary = "writes all sessions and entries of the running service to stdout, as NDJSON",
    .help =
        "Asks the service that listens on --listen for all its sessions, the oldest first, each\n"
        "with its context and followed by the entries of its log: one JSON object a line, for\n"
        "sessiond import. Each session is as it was when its line was written; the service goes\n"
        "on meanwhile. Lines are written whole or not at all.\n\n"
        "--after ID begins behind this session: to go on after an interruption, or to get what\n"
        "is new. stderr says at the end which ID that is; what is written twice does no harm.\n\n"
        "Where the service asks for tokens, SESSIOND_TOKEN has to be one of scope admin.\n\n"
        "Exit codes: 0 all was written, 2 wrong usage, 3 it cannot be done, or not to the end;\n"
        "stderr says why.\n",
    .run = run,
};
