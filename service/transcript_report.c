#include "service/transcript_report.h"

#include "routes/buffer.h"
#include "routes/json_utf8.h"

#include <stdio.h>

/* The bytes of the character at `at` that a terminal shows as it is; 0: it is a control character,
 * or no UTF-8. */
static size_t printable_length(const char *at, const char *end)
{
    const unsigned char c = (unsigned char)*at;

    if (c < 0x80)
        return c >= 0x20 && c != 0x7f;
    const size_t len = json_utf8_length(at, end);
    return len > 0 && json_utf8_has_control((struct slice){at, len}) ? 0 : len;
}

/* Prints one line. Paths and what the service says may have any bytes. */
static void say(struct buffer *line)
{
    char *end = line->data + line->len;

    for (char *at = line->data; at < end;) {
        const size_t len = printable_length(at, end);
        if (len == 0)
            *at = '?';
        at += len == 0 ? 1 : len;
    }
    buffer_add_char(line, '\n');
    fwrite(line->data, 1, line->len, stderr);
    buffer_release(line);
}

static struct buffer begin_line(const char *path)
{
    struct buffer line = {0};

    buffer_add_text(&line, "sessiond import: ");
    buffer_add_text(&line, path);
    return line;
}

void transcript_report_pass_over(struct transcript_report *report, const char *path, int64_t line,
                                 const char *why)
{
    struct buffer text = begin_line(path);

    report->passed_over++;
    if (line > 0)
        buffer_printf(&text, ": line %lld", (long long)line);
    buffer_printf(&text, " is passed over: %s", why);
    say(&text);
}

void transcript_report_stop(struct transcript_report *report, const char *path, int64_t line,
                            const char *why)
{
    struct buffer text = begin_line(path);

    report->stopped++;
    if (line > 0)
        buffer_printf(&text, ": stopped before line %lld: %s", (long long)line, why);
    else
        buffer_printf(&text, ": stopped: %s", why);
    say(&text);
}

void transcript_report_fail(const char *path, const char *why)
{
    struct buffer text = begin_line(path == NULL ? "" : path);

    buffer_printf(&text, "%s%s", path == NULL ? "" : ": ", why);
    say(&text);
}

void transcript_report_print(const struct transcript_report *report)
{
    printf("transcripts: %lld; entries: %lld new, %lld there already; passed over: %lld; "
           "stopped: %lld\n",
           (long long)report->files, (long long)report->appended, (long long)report->present,
           (long long)report->passed_over, (long long)report->stopped);
}
