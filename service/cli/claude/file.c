#include "service/cli/claude/file.h"

#include "routes/entries/params.h"
#include "routes/json/skip.h"
#include "routes/json/utf8.h"
#include "service/cli/claude/batch.h"
#include "service/cli/claude/digests.h"
#include "service/cli/claude/line.h"
#include "service/cli/claude/reader.h"
#include "service/cli/claude/stream.h"

#include <errno.h>
#include <stdio.h>

struct claude_file {
    const struct config *config;
    struct claude_report *report;
    const char *path;
    const struct claude_location *place;
    char session_id[UUID_SIZE];
    struct buffer project;
    bool is_project_guessed; /* no line has a cwd; the name of the folder is used */
    int64_t lines;           /* number of objects that the survey has read */
    struct claude_reader reader;
    struct claude_digests digests;
    struct claude_stream stream;
    struct claude_batch batch;
    struct error *err;
};

static void report_skip(struct claude_file *file, int64_t line, const char *reason)
{
    claude_report_skip(file->report, file->path, line, reason);
}

/* --- Reading ---------------------------------------------------------------------------------- */

typedef bool (*line_fn)(struct claude_file *file, const struct claude_line *line);

static bool is_metadata(const struct claude_file *file)
{
    return file->place->kind == CLAUDE_METADATA;
}

/* Handles the object of a metadata file, to which the entry adds the member `type`. */
static bool handle_metadata(struct claude_file *file, struct slice object, line_fn on_line)
{
    struct buffer text = {0};
    struct claude_line line;
    struct error reason;
    bool ok = true;

    if (!claude_line_add_metadata(object, &text, &reason) ||
        !claude_line_parse(text.data, text.len, &line, &reason)) {
        report_skip(file, 0, reason.detail);
    } else {
        ok = on_line(file, &line);
        claude_line_release(&line);
    }
    buffer_release(&text);
    return ok;
}

/* Parses these bytes, which may be modified in place, and passes the object to `on_line`. Sets
 * *is_parsed when they are one object or only white space. */
static bool handle_object(struct claude_file *file, char *data, size_t len, line_fn on_line,
                          bool *is_parsed, struct error *reason)
{
    struct claude_line line;
    bool ok = true;

    *is_parsed = claude_line_parse(data, len, &line, reason);
    if (*is_parsed && line.text.len > 0)
        ok = is_metadata(file) ? handle_metadata(file, line.text, on_line) : on_line(file, &line);
    if (*is_parsed)
        claude_line_release(&line);
    return ok;
}

/* Handles a line, which usually is a single object. With `should_report`, reports the first part
 * that is not an object. */
static bool handle_line(struct claude_file *file, bool should_report, line_fn on_line)
{
    char *data = file->reader.line.data;
    size_t left = file->reader.line.len;
    struct error reason;
    size_t first;
    bool is_parsed;

    do {
        first = claude_line_split((struct slice){data, left});
        if (!handle_object(file, data, first > 0 ? first : left, on_line, &is_parsed, &reason))
            return false;
        if (!is_parsed && should_report)
            report_skip(file, file->reader.number, reason.detail);
        data += first;
        left -= first;
    } while (is_parsed && first > 0);
    return true;
}

static void report_long_line(struct claude_file *file)
{
    char reason[96];

    snprintf(reason, sizeof(reason), "the line has more than %lld bytes (--max-body-size)",
             (long long)file->config->max_body_bytes);
    report_skip(file, file->reader.number, reason);
}

/* Replaces each LF by a space, for a file that is a single object. */
static void join_lines(struct buffer *text)
{
    char *end = text->data + text->len;

    for (char *at = text->data; at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL;
         at++)
        *at = ' ';
}

/* Passes the objects of the file to `on_line` until it returns false or the batch is stopped. */
static bool for_each_line(struct claude_file *file, bool should_report, line_fn on_line)
{
    enum claude_read read = CLAUDE_READ_END;
    bool ok = true;

    if (!claude_reader_open(&file->reader, file->path, (size_t)file->config->max_body_bytes,
                            is_metadata(file)))
        read = CLAUDE_READ_FAILED;
    else
        while (ok && !file->batch.is_stopped &&
               ((read = claude_reader_next(&file->reader)) == CLAUDE_READ_LINE ||
                read == CLAUDE_READ_TOO_LONG)) {
            if (is_metadata(file))
                join_lines(&file->reader.line);
            if (read == CLAUDE_READ_LINE)
                ok = handle_line(file, should_report, on_line);
            else if (should_report)
                report_long_line(file);
        }
    if (read == CLAUDE_READ_FAILED && should_report)
        report_skip(file, 0, strerror(errno));
    claude_reader_close(&file->reader);
    return ok;
}

/* --- Survey: session and project -------------------------------------------------------------- */

/* Records the first sessionId that is a UUID, unless the path has one, and the first cwd. Returns
 * false when both are known. */
static bool survey_line(struct claude_file *file, const struct claude_line *line)
{
    struct buffer text = {0};

    file->lines++;
    if (file->session_id[0] == '\0' && claude_line_text(line->text, "sessionId", &text) &&
        !uuid_read(buffer_slice(&text), file->session_id))
        file->session_id[0] = '\0';
    if (file->project.len == 0 && claude_line_text(line->text, "cwd", &text))
        buffer_add(&file->project, buffer_slice(&text));
    buffer_release(&text);
    return file->session_id[0] == '\0' || file->project.len == 0;
}

/* Uses the name of the folder as project. Claude Code derives that name from the path of the
 * project, but not exactly. */
static void guess_project(struct claude_file *file)
{
    if (file->project.len > 0 || file->place->session_id[0] == '\0')
        return;
    buffer_add(&file->project, file->place->project);
    file->is_project_guessed = true;
}

static bool is_utf8(struct slice text)
{
    const char *end = text.data + text.len;
    size_t len;

    for (const char *at = text.data; at < end; at += len) {
        len = (unsigned char)*at < 0x80 ? 1 : json_utf8_length(at, end);
        if (len == 0)
            return false;
    }
    return true;
}

/* Returns true when there is something to import and its session and stream are known. */
static bool survey(struct claude_file *file)
{
    const struct slice stream = buffer_slice(&file->place->stream);

    memcpy(file->session_id, file->place->session_id, UUID_SIZE);
    if (file->config->project != NULL)
        buffer_add_text(&file->project, file->config->project);
    (void)for_each_line(file, false, survey_line);
    guess_project(file);
    if (file->lines == 0)
        return false;
    if (file->session_id[0] == '\0')
        report_skip(file, 0, "neither the name of the file nor a sessionId in it is a UUID");
    else if (!is_utf8(stream) || !entries_params_is_stream(stream))
        report_skip(
            file, 0,
            "its path is not a valid stream name; a stream name has 1 to 256 bytes of UTF-8 "
            "without control characters");
    else if (file->project.len == 0)
        report_skip(file, 0, "no line has a cwd; set --project");
    else
        return true;
    return false;
}

/* --- Import ----------------------------------------------------------------------------------- */

/* Returns false when the import must end. */
static bool report_result(struct claude_file *file, enum claude_result result)
{
    if (result == CLAUDE_REFUSED)
        report_skip(file, 0, file->err->detail);
    else if (result == CLAUDE_STOPPED)
        claude_report_stop(file->report, file->path, 0, file->err->detail);
    return result != CLAUDE_FAILED;
}

/* The session exists with another project or thread. Accepts it when the file is a stream of an
 * agent, which may have worked in another folder. Accepts it also when the thread is the same and
 * the project was guessed, now or when the session was created. Returns false when the import must
 * end. */
static bool accept_session(struct claude_file *file, bool *accepted)
{
    struct buffer project = {0};
    bool is_other_thread = false;

    *accepted = file->place->kind != CLAUDE_MAIN;
    if (*accepted)
        return true;
    const enum claude_result result =
        claude_stream_project(&file->stream, &project, &is_other_thread, file->err);
    *accepted =
        result == CLAUDE_DONE && !is_other_thread && file->config->project == NULL &&
        (file->is_project_guessed || slice_equal(buffer_slice(&project), file->place->project));
    buffer_release(&project);
    if (result != CLAUDE_DONE)
        return report_result(file, result);
    if (!*accepted)
        report_skip(file, 0, "its session exists with another project_path or thread_id");
    return true;
}

static bool create_session(struct claude_file *file, bool *accepted)
{
    const enum claude_result result =
        claude_stream_create(&file->stream, buffer_slice(&file->project), file->err);

    *accepted = result == CLAUDE_DONE;
    if (*accepted)
        return true;
    if (result == CLAUDE_STOPPED && file->err->kind == ERROR_SESSION_EXISTS)
        return accept_session(file, accepted);
    return report_result(file, result);
}

static bool import_line(struct claude_file *file, const struct claude_line *line)
{
    switch (claude_digests_match(&file->digests, line->uuid, line->text)) {
    case CLAUDE_NEW:
        return claude_batch_add(&file->batch, line->text, file->reader.number, file->err);
    case CLAUDE_STORED:
        file->report->present++;
        break;
    case CLAUDE_REPEATED:
        break;
    case CLAUDE_CONFLICT:
        report_skip(
            file, file->reader.number,
            "an entry of the stream, or an earlier line, has the same uuid and other content");
        break;
    }
    return true;
}

/* Ignores the lines of a file without objects, which is read only to report errors. */
static bool ignore_line(struct claude_file *file, const struct claude_line *line)
{
    (void)file;
    (void)line;
    return true;
}

static bool import_lines(struct claude_file *file)
{
    bool accepted;

    if (!create_session(file, &accepted))
        return false;
    if (!accepted)
        return true;
    file->report->files++;
    const enum claude_result result = claude_stream_load(&file->stream, &file->digests, file->err);
    if (result != CLAUDE_DONE)
        return report_result(file, result);
    return for_each_line(file, true, import_line) && claude_batch_send(&file->batch, file->err);
}

bool claude_file_import(const struct config *config, struct claude_report *report, const char *path,
                        const struct claude_location *place, struct error *err)
{
    struct claude_file file = {
        .config = config, .report = report, .path = path, .place = place, .err = err};
    bool ok;

    file.batch = (struct claude_batch){.stream = &file.stream, .report = report, .path = path};
    if (survey(&file)) {
        claude_stream_open(&file.stream, config, file.session_id, buffer_slice(&place->stream));
        ok = import_lines(&file);
    } else {
        ok = file.lines > 0 || for_each_line(&file, true, ignore_line);
    }
    claude_stream_close(&file.stream);
    claude_batch_release(&file.batch);
    claude_digests_release(&file.digests);
    buffer_release(&file.project);
    return ok;
}
