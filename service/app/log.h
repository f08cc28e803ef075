/*
 * JSON log lines on a file descriptor, one event per line, in the format of structlog: timestamp,
 * level, event, fields. Any thread may log. A separate log thread writes, so that a stalled
 * terminal or pipe does not stall a request. Lines that would make the backlog longer than
 * LOG_BACKLOG_BYTES are dropped and counted; the next line after that reports the number.
 */
#ifndef SESSIOND_SERVICE_APP_LOG_H
#define SESSIOND_SERVICE_APP_LOG_H

#include "routes/core/buffer.h"

#define LOG_BACKLOG_BYTES (4 << 20)

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log;

/* `level` is debug, info, warning or error. Returns NULL when the log thread cannot be started. */
struct log *log_new(int descriptor, const char *level);

/* Writes the backlog and stops the thread. Gives up after one second when the reader does not read.
 * Call it at the end of the process. */
void log_free(struct log *log);

/* Whether lines of this level are written. */
bool log_is_enabled(const struct log *log, enum log_level level);

/* Builds a line in `line`: call log_begin(), add fields, then pass it to log_end(). `us` is in
 * microseconds and is written in milliseconds. */
void log_begin(struct buffer *line, enum log_level level, const char *event);
void log_text(struct buffer *line, const char *field, struct slice value);
void log_integer(struct buffer *line, const char *field, int64_t value);
void log_milliseconds(struct buffer *line, const char *field, int64_t us);

/* Passes the line to the log thread and empties `line`. A line that is not urgent may stay
 * unwritten for LOG_DELAY_MS. */
#define LOG_DELAY_MS 50
void log_end(struct log *log, struct buffer *line, bool urgent);

/* Logs an event with the field `detail`, or with no field when `detail` is NULL. Urgent. */
void log_event(struct log *log, enum log_level level, const char *event, const char *detail);

/* Waits until all lines are written, for at most `limit_ms`. Returns whether they are. */
bool log_flush(struct log *log, int64_t limit_ms);

#endif
