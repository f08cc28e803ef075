/* The log: lines of JSON, in order, written by a thread of its own that no reader can hold up for
 * the others. */

#include "service/app/log.h"

#include "routes/json/scan.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LONG_MS 600000

static void ignore_sigpipe(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the process does */
}

TestSuite(log, .init = ignore_sigpipe, .timeout = 60);

/* --- Reading what was written -------------------------------------------------------------- */

/* A file in memory, which never holds anybody up. */
static int open_memory(void)
{
    const int fd = memfd_create("log", 0);

    cr_assert_geq(fd, 0);
    return fd;
}

/* All that was written so far, with a NUL behind it. */
static void read_memory(int fd, struct buffer *out)
{
    const off_t size = lseek(fd, 0, SEEK_END);

    out->len = 0;
    buffer_reserve(out, (size_t)size + 1);
    cr_assert_eq(pread(fd, out->data, (size_t)size, 0), size);
    out->len = (size_t)size;
    buffer_add_char(out, '\0');
    out->len--;
}

/* Takes a line off the front and checks that it is an event. */
static bool next_line(struct slice *text, struct json_outline *line)
{
    struct error err;
    const char *end;

    if (text->len == 0)
        return false;
    end = memchr(text->data, '\n', text->len);
    cr_assert_not_null(end, "the last line is cut: %.*s", (int)text->len, text->data);
    const struct slice whole = {text->data, (size_t)(end - text->data)};
    cr_assert(json_scan(whole, 4, line, &err), "%s: %.*s", err.detail, (int)whole.len, whole.data);
    cr_assert_eq(line->type, JSON_OBJECT);
    cr_assert(slice_is(line->members[0].name, "timestamp"));
    cr_assert(slice_is(line->members[1].name, "level"));
    cr_assert(slice_is(line->members[2].name, "event"));
    text->len -= whole.len + 1;
    text->data = end + 1;
    return true;
}

static int64_t number_of(struct slice value)
{
    char digits[32];

    snprintf(digits, sizeof(digits), "%.*s", (int)value.len, value.data);
    return strtoll(digits, NULL, 10);
}

/* --- One line ------------------------------------------------------------------------------ */

Test(log, a_line_is_an_event_with_its_fields)
{
    const int fd = open_memory();
    struct log *log = log_new(fd, "info");
    struct buffer line = {0};
    struct buffer text = {0};

    log_begin(&line, LOG_INFO, "request");
    log_text(&line, "path", SLICE_LITERAL("/a\"\n\xff"));
    log_integer(&line, "status", -200);
    log_milliseconds(&line, "duration_ms", 1234567);
    log_end(log, &line, true);
    cr_expect_eq(line.len, 0, "it is empty again");
    log_free(log);
    read_memory(fd, &text);
    cr_expect(strstr(text.data, ",\"level\":\"info\",\"event\":\"request\",\"path\":"
                                "\"/a\\\"\\n\xef\xbf\xbd\",\"status\":-200,\"duration_ms\":"
                                "1234.567}\n"),
              "%s", text.data);
    cr_expect_eq(strncmp(text.data, "{\"timestamp\":\"20", 16), 0, "%s", text.data);
    buffer_release(&text);
    buffer_release(&line);
    close(fd);
}

Test(log, milliseconds_have_three_digits)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, ",\"t\":0.000"},
        {7, ",\"t\":0.007"},
        {999, ",\"t\":0.999"},
        {1000, ",\"t\":1.000"},
        {60000010, ",\"t\":60000.010"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer line = {0};
        log_milliseconds(&line, "t", cases[i].us);
        cr_expect(slice_is(buffer_slice(&line), cases[i].text), "%.*s", (int)line.len, line.data);
        buffer_release(&line);
    }
}

Test(log, lines_below_the_level_are_not_written)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};

    for (unsigned least = LOG_DEBUG; least <= LOG_ERROR; least++) {
        const int fd = open_memory();
        struct log *log = log_new(fd, names[least]);
        struct buffer text = {0};

        for (unsigned level = LOG_DEBUG; level <= LOG_ERROR; level++) {
            cr_expect_eq(log_is_enabled(log, (enum log_level)level), level >= least);
            log_event(log, (enum log_level)level, names[level], level == least ? "why" : NULL);
        }
        log_free(log);
        read_memory(fd, &text);
        for (unsigned level = LOG_DEBUG; level <= LOG_ERROR; level++) {
            char event[64];
            snprintf(event, sizeof(event), "\"level\":\"%s\",\"event\":\"%s\"%s}", names[level],
                     names[level], level == least ? ",\"detail\":\"why\"" : "");
            cr_expect_eq(strstr(text.data, event) != NULL, level >= least, "%s: %s", event,
                         text.data);
        }
        buffer_release(&text);
        close(fd);
    }
}

/* --- When lines are written ---------------------------------------------------------------- */

static void add_line(struct log *log, int64_t thread, int64_t number, bool urgent)
{
    struct buffer line = {0};

    log_begin(&line, LOG_INFO, "line");
    log_integer(&line, "thread", thread);
    log_integer(&line, "number", number);
    log_end(log, &line, urgent);
    buffer_release(&line);
}

static void expect_readable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    cr_assert_eq(poll(&ready, 1, LONG_MS), 1);
}

Test(log, a_line_is_written_without_being_asked_for)
{
    for (int urgent = 0; urgent <= 1; urgent++) {
        int ends[2];
        cr_assert_eq(pipe(ends), 0);
        struct log *log = log_new(ends[1], "info");
        add_line(log, 0, 0, urgent);
        expect_readable(ends[0]);
        log_free(log);
        close(ends[0]);
        close(ends[1]);
    }
}

Test(log, flush_returns_when_all_is_written)
{
    const int fd = open_memory();
    struct log *log = log_new(fd, "info");

    for (int i = 1; i <= 300; i++) {
        const off_t before = lseek(fd, 0, SEEK_END);
        add_line(log, 0, i, false);
        log_flush(log, LONG_MS);
        cr_assert_gt(lseek(fd, 0, SEEK_END), before, "line %d", i);
    }
    log_flush(log, LONG_MS);
    log_free(log);
    close(fd);
}

Test(log, free_writes_what_is_left)
{
    struct buffer text = {0};

    for (int lines = 0; lines < 50; lines++) {
        const int fd = open_memory();
        struct log *log = log_new(fd, "info");
        struct json_outline line;
        int found = 0;

        for (int i = 0; i < lines; i++)
            add_line(log, 0, i, false);
        log_free(log);
        read_memory(fd, &text);
        struct slice rest = buffer_slice(&text);
        while (next_line(&rest, &line))
            cr_assert_eq(number_of(line.members[4].value), found++);
        cr_expect_eq(found, lines);
        close(fd);
    }
    buffer_release(&text);
    log_free(NULL);
}

/* --- Many threads -------------------------------------------------------------------------- */

#define THREADS 8
#define LINES_EACH 2000

struct writer {
    pthread_t thread;
    struct log *log;
    int64_t number;
};

static void *write_lines(void *arg)
{
    const struct writer *writer = arg;

    for (int i = 0; i < LINES_EACH; i++)
        add_line(writer->log, writer->number, i, i % 97 == 0);
    return NULL;
}

Test(log, lines_of_a_thread_stay_whole_and_in_order)
{
    struct writer writers[THREADS];
    const int fd = open_memory();
    struct log *log = log_new(fd, "info");
    int64_t seen[THREADS] = {0};
    struct buffer text = {0};
    struct json_outline line;

    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){.log = log, .number = i};
        cr_assert_eq(pthread_create(&writers[i].thread, NULL, write_lines, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(writers[i].thread, NULL);
    log_free(log);
    read_memory(fd, &text);
    struct slice rest = buffer_slice(&text);
    while (next_line(&rest, &line)) {
        const int64_t thread = number_of(line.members[3].value);
        cr_assert_eq(number_of(line.members[4].value), seen[thread]++);
    }
    for (int i = 0; i < THREADS; i++)
        cr_expect_eq(seen[i], LINES_EACH);
    buffer_release(&text);
    close(fd);
}

/* --- Readers that stall -------------------------------------------------------------------- */

#define FLOOD 100000 /* lines: more bytes than the backlog and a pipe together */

struct drain {
    int fd;
    struct buffer text;
};

static void *drain_pipe(void *arg)
{
    struct drain *drain = arg;
    ssize_t got;

    do {
        buffer_reserve(&drain->text, 65536);
        got = read(drain->fd, drain->text.data + drain->text.len, 65536);
        drain->text.len += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    return NULL;
}

/* Counts the lines that came, and adds what the log says of the others. */
static void count_lines(struct slice text, int64_t *found, int64_t *dropped)
{
    struct json_outline line;
    int64_t last = -1;

    while (next_line(&text, &line)) {
        if (slice_is(line.members[2].value, "\"log_lines_dropped\"")) {
            *dropped += number_of(line.members[3].value);
            continue;
        }
        const int64_t number = number_of(line.members[4].value);
        cr_assert_gt(number, last);
        last = number;
        ++*found;
    }
}

/* Floods a pipe that nobody reads, which must not hold up this thread, and then reads it. */
static void flood(int flags)
{
    struct drain drain = {0};
    int64_t found = 0;
    int64_t dropped = 0;
    pthread_t thread;
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(fcntl(ends[1], F_SETFL, flags), 0);
    struct log *log = log_new(ends[1], "info");
    for (int i = 0; i < FLOOD; i++)
        add_line(log, 0, i, true);
    log_flush(log, 1); /* does not wait for ever */
    drain.fd = ends[0];
    cr_assert_eq(pthread_create(&thread, NULL, drain_pipe, &drain), 0);
    log_flush(log, LONG_MS);
    add_line(log, 0, FLOOD, true);
    log_free(log);
    close(ends[1]);
    pthread_join(thread, NULL);
    count_lines(buffer_slice(&drain.text), &found, &dropped);
    cr_expect_gt(dropped, 0);
    cr_expect_eq(found + dropped, FLOOD + 1, "%lld found and %lld dropped", (long long)found,
                 (long long)dropped);
    buffer_release(&drain.text);
    close(ends[0]);
}

Test(log, a_stalled_reader_holds_nobody_up_and_what_is_dropped_is_counted)
{
    flood(0);
}

/* Other programs that share a terminal or a pipe may have made it so. */
Test(log, a_descriptor_that_does_not_block_is_no_different)
{
    flood(O_NONBLOCK);
}

Test(log, a_reader_that_is_gone_is_no_reason_to_stop)
{
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    struct log *log = log_new(ends[1], "info");
    close(ends[0]);
    for (int i = 0; i < 100; i++)
        add_line(log, 0, i, true);
    log_flush(log, LONG_MS);
    log_free(log);
    close(ends[1]);
}
