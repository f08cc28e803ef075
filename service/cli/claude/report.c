#include "service/cli/claude/report.h"

#include "routes/core/buffer.h"
#include "service/cli/terminal.h"

#include <stdio.h>

/* Prints one line to stderr and releases it. */
static void print_line(struct buffer *line)
{
    buffer_add_char(line, '\0');
    terminal_print(stderr, "%s\n", line->data);
    buffer_release(line);
}

static struct buffer begin_line(const char *path)
{
    struct buffer line = {0};

    buffer_add_text(&line, "sessiond import: ");
    buffer_add_text(&line, path);
    return line;
}

void claude_report_skip(struct claude_report *report, const char *path, int64_t line,
                        const char *reason)
{
    struct buffer text = begin_line(path);

    report->skipped++;
    if (line > 0)
        buffer_printf(&text, ": line %lld", (long long)line);
    buffer_printf(&text, " is skipped: %s", reason);
    print_line(&text);
}

void claude_report_stop(struct claude_report *report, const char *path, int64_t line,
                        const char *reason)
{
    struct buffer text = begin_line(path);

    report->stopped++;
    if (line > 0)
        buffer_printf(&text, ": stopped before line %lld: %s", (long long)line, reason);
    else
        buffer_printf(&text, ": stopped: %s", reason);
    print_line(&text);
}

void claude_report_fail(const char *path, const char *reason)
{
    struct buffer text = begin_line(path);

    buffer_printf(&text, ": %s", reason);
    print_line(&text);
}

void claude_report_print(const struct claude_report *report)
{
    printf("transcripts: %lld; entries: %lld created, %lld existing; skipped: %lld; "
           "stopped: %lld\n",
           (long long)report->files, (long long)report->appended, (long long)report->present,
           (long long)report->skipped, (long long)report->stopped);
}
