/* Reads a file line by line, with a limit on the memory for a line. One thread. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_READER_H
#define SESSIOND_SERVICE_CLI_CLAUDE_READER_H

#include "routes/core/buffer.h"

#define CLAUDE_READER_BYTES (64 << 10)

enum claude_read {
    CLAUDE_READ_LINE,
    CLAUDE_READ_TOO_LONG, /* the line is skipped */
    CLAUDE_READ_END,
    CLAUDE_READ_FAILED, /* see errno */
};

struct claude_reader {
    int fd;
    size_t max_bytes;   /* maximum length of a line, without its end */
    bool is_whole;      /* the whole file is one line */
    struct buffer line; /* valid after CLAUDE_READ_LINE; the caller may modify it */
    int64_t number;     /* number of the last line, skipped lines included, from 1 */
    size_t at;          /* position in `chunk` */
    size_t len;
    char chunk[CLAUDE_READER_BYTES];
};

/* Opens the file. Returns false, with errno set, on failure. In both cases the caller closes the
 * reader. */
bool claude_reader_open(struct claude_reader *reader, const char *path, size_t max_bytes,
                        bool is_whole);

/* Reads the next line into reader->line, without its end: LF or CR LF; the last line may have none.
 * Skips a byte order mark at the start of the file. */
enum claude_read claude_reader_next(struct claude_reader *reader);

/* Closes the file and frees the line. */
void claude_reader_close(struct claude_reader *reader);

#endif
