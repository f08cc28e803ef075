#include "service/app/log.h"

#include "db/base/timestamp.h"
#include "routes/json/writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A backlog of this size is written immediately, without the delay of LOG_DELAY_MS. */
#define WRITE_AT_BYTES (64 << 10)

/* How long log_free() waits for a slow reader of the log. */
#define FLUSH_ON_EXIT_MS 1000

static const char *const level_names[] = {"debug", "info", "warning", "error"};

struct log {
    int descriptor;
    enum log_level level;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        struct buffer backlog;
        int64_t dropped;
        bool urgent;
        bool writing;
        bool closed;
    } _shared;
};

static struct timespec deadline_after_ms(int64_t ms)
{
    struct timespec when;

    clock_gettime(CLOCK_MONOTONIC, &when);
    when.tv_nsec += ms % 1000 * 1000000;
    when.tv_sec += ms / 1000 + when.tv_nsec / 1000000000;
    when.tv_nsec %= 1000000000;
    return when;
}

static void write_all(int descriptor, struct slice text)
{
    while (text.len > 0) {
        const ssize_t written = write(descriptor, text.data, text.len);
        /* another process that shares the descriptor has set O_NONBLOCK */
        if (written < 0 && errno == EAGAIN)
            poll(&(struct pollfd){.fd = descriptor, .events = POLLOUT}, 1, -1);
        else if (written < 0 && errno != EINTR)
            return; /* the reader has closed its end */
        if (written > 0) {
            text.data += written;
            text.len -= (size_t)written;
        }
    }
}

static void add_dropped_locked(struct log *log)
{
    struct buffer *backlog = &log->_shared.backlog;

    log_begin(backlog, LOG_WARNING, "log_lines_dropped");
    log_integer(backlog, "count", log->_shared.dropped);
    buffer_add_text(backlog, "}\n");
    log->_shared.dropped = 0;
}

static void wait_for_lines_locked(struct log *log)
{
    while (log->_shared.backlog.len == 0 && !log->_shared.closed)
        pthread_cond_wait(&log->changed, &log->lock);
    const struct timespec deadline = deadline_after_ms(LOG_DELAY_MS);
    while (!log->_shared.urgent && !log->_shared.closed &&
           log->_shared.backlog.len < WRITE_AT_BYTES) {
        if (pthread_cond_timedwait(&log->changed, &log->lock, &deadline) == ETIMEDOUT)
            break;
    }
}

static void *log_run(void *arg)
{
    struct log *log = arg;
    struct buffer batch = {0};
    bool is_open = true;

    pthread_mutex_lock(&log->lock);
    while (is_open) {
        wait_for_lines_locked(log);
        is_open = !log->_shared.closed;
        log->_shared.urgent = false;
        const struct buffer empty = batch;
        batch = log->_shared.backlog;
        log->_shared.backlog = empty;
        log->_shared.writing = true;
        pthread_mutex_unlock(&log->lock);
        write_all(log->descriptor, buffer_slice(&batch));
        batch.len = 0;
        pthread_mutex_lock(&log->lock);
        log->_shared.writing = false;
        if (log->_shared.dropped > 0)
            add_dropped_locked(log);
        is_open = is_open || log->_shared.backlog.len > 0;
        pthread_cond_broadcast(&log->changed);
    }
    pthread_mutex_unlock(&log->lock);
    buffer_release(&batch);
    return NULL;
}

static enum log_level parse_level(const char *name)
{
    for (unsigned i = LOG_DEBUG; i < LOG_ERROR; i++) {
        if (strcmp(name, level_names[i]) == 0)
            return (enum log_level)i;
    }
    return LOG_ERROR;
}

struct log *log_new(int descriptor, const char *level)
{
    struct log *log = calloc(1, sizeof(*log));
    pthread_condattr_t attributes;

    if (log == NULL)
        abort();
    log->descriptor = descriptor;
    log->level = parse_level(level);
    pthread_mutex_init(&log->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&log->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&log->thread, NULL, log_run, log) != 0) {
        free(log);
        return NULL;
    }
    return log;
}

void log_free(struct log *log)
{
    if (log == NULL)
        return;
    if (!log_flush(log, FLUSH_ON_EXIT_MS)) {
        pthread_detach(log->thread); /* no reader: the thread ends with the process */
        return;
    }
    pthread_mutex_lock(&log->lock);
    log->_shared.closed = true;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->thread, NULL);
    buffer_release(&log->_shared.backlog);
    pthread_cond_destroy(&log->changed);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

bool log_is_enabled(const struct log *log, enum log_level level)
{
    return level >= log->level;
}

void log_begin(struct buffer *line, enum log_level level, const char *event)
{
    buffer_add(line, SLICE_LITERAL("{\"timestamp\":"));
    json_add_time(line, timestamp_now_us());
    buffer_add(line, SLICE_LITERAL(",\"level\":\""));
    buffer_add_text(line, level_names[level]);
    buffer_add(line, SLICE_LITERAL("\",\"event\":\""));
    buffer_add_text(line, event);
    buffer_add_char(line, '"');
}

static void add_field_name(struct buffer *line, const char *field)
{
    buffer_add(line, SLICE_LITERAL(",\""));
    buffer_add_text(line, field);
    buffer_add(line, SLICE_LITERAL("\":"));
}

void log_text(struct buffer *line, const char *field, struct slice value)
{
    add_field_name(line, field);
    json_add_string(line, value);
}

void log_integer(struct buffer *line, const char *field, int64_t value)
{
    add_field_name(line, field);
    buffer_add_int(line, value);
}

void log_milliseconds(struct buffer *line, const char *field, int64_t us)
{
    const char fraction[] = {'.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
                             (char)('0' + us % 10)};

    add_field_name(line, field);
    buffer_add_int(line, us / 1000);
    buffer_add(line, (struct slice){fraction, sizeof(fraction)});
}

void log_end(struct log *log, struct buffer *line, bool urgent)
{
    bool wake = urgent;

    buffer_add(line, SLICE_LITERAL("}\n"));
    pthread_mutex_lock(&log->lock);
    struct buffer *backlog = &log->_shared.backlog;
    wake = wake || backlog->len == 0 ||
           (backlog->len < WRITE_AT_BYTES && backlog->len + line->len >= WRITE_AT_BYTES);
    if (backlog->len + line->len > LOG_BACKLOG_BYTES)
        log->_shared.dropped++;
    else
        buffer_add(backlog, buffer_slice(line));
    log->_shared.urgent = log->_shared.urgent || urgent;
    pthread_mutex_unlock(&log->lock);
    if (wake)
        pthread_cond_broadcast(&log->changed);
    line->len = 0;
}

void log_event(struct log *log, enum log_level level, const char *event, const char *detail)
{
    struct buffer line = {0};

    if (!log_is_enabled(log, level))
        return;
    log_begin(&line, level, event);
    if (detail != NULL)
        log_text(&line, "detail", slice_from(detail));
    log_end(log, &line, true);
    buffer_release(&line);
}

bool log_flush(struct log *log, int64_t limit_ms)
{
    const struct timespec deadline = deadline_after_ms(limit_ms);
    int waited = 0;

    pthread_mutex_lock(&log->lock);
    log->_shared.urgent = true;
    pthread_cond_broadcast(&log->changed);
    while ((log->_shared.backlog.len > 0 || log->_shared.writing) && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&log->changed, &log->lock, &deadline);
    const bool flushed = log->_shared.backlog.len == 0 && !log->_shared.writing;
    pthread_mutex_unlock(&log->lock);
    return flushed;
}
