/*
 * JSON lines on a descriptor, one event each, in the shape that structlog users expect: timestamp,
 * level, event, fields. Any thread logs; one thread of the log's own writes, so that a terminal or
 * a pipe that stalls does not stall a request. Lines that would make the backlog longer than
 * LOG_BACKLOG_BYTES are dropped and counted; the next line that finds room says how many.
 */
#ifndef SESSIOND_SERVICE_APP_LOG_H
#define SESSIOND_SERVICE_APP_LOG_H

#include "routes/core/buffer.h"

#define LOG_BACKLOG_BYTES (4 << 20)

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log;

/* `level` is one of debug, info, warning, error. NULL when its thread cannot be started. */
struct log *log_new(int descriptor, const char *level);

/* Writes what is left and ends the thread; where nobody reads what is written, gives up after a
 * second. For the end of the process. */
void log_free(struct log *log);

/* Whether lines of this level are written at all. */
bool log_wants(const struct log *log, enum log_level level);

/* A line under construction: begin, add fields, then hand it over. */
void log_begin(struct buffer *line, enum log_level level, const char *event);
void log_text(struct buffer *line, const char *field, struct slice value);
void log_integer(struct buffer *line, const char *field, int64_t value);
void log_milliseconds(struct buffer *line, const char *field, int64_t us);

/* Hands the line over and empties `line`. A line that is not urgent may stay unwritten for
 * LOG_DELAY_MS. */
#define LOG_DELAY_MS 50
void log_end(struct log *log, struct buffer *line, bool urgent);

/* A whole event with at most one field. `detail` may be NULL. */
void log_event(struct log *log, enum log_level level, const char *event, const char *detail);

/* Returns when everything so far is written, or after `limit_ms`. Whether it is. */
bool log_flush(struct log *log, int64_t limit_ms);

#endif
