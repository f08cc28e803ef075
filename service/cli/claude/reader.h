/* Reads a file line by line with a limit on what a line may take of the memory. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_READER_H
#define SESSIOND_SERVICE_CLI_CLAUDE_READER_H

#include "routes/core/buffer.h"

#define CLAUDE_READER_BYTES (64 << 10)

enum claude_read {
    CLAUDE_READ_LINE,
    CLAUDE_READ_TOO_LONG, /* the line was skipped */
    CLAUDE_READ_END,
    CLAUDE_READ_FAILED, /* errno says why */
};

struct claude_reader {
    int fd;
    size_t max_bytes;   /* of a line, without its end */
    bool is_whole;      /* the file is one line, whatever is in it */
    struct buffer line; /* after CLAUDE_READ_LINE; the caller may change its bytes */
    int64_t number;     /* of that line or of the one that was skipped, from 1 */
    size_t at;          /* in `chunk` */
    size_t len;
    char chunk[CLAUDE_READER_BYTES];
};

/* False when the file cannot be opened: errno says why. */
bool claude_reader_open(struct claude_reader *reader, const char *path, size_t max_bytes,
                        bool is_whole);

/* Lines end with LF or CR LF, the last one perhaps with neither. A byte order mark at the start of
 * the file is skipped. */
enum claude_read claude_reader_next(struct claude_reader *reader);

void claude_reader_close(struct claude_reader *reader);

#endif
