/* Counts and messages of a transcript import. One thread. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_REPORT_H
#define SESSIOND_SERVICE_CLI_CLAUDE_REPORT_H

#include <stdint.h>

/* {0} is an empty report. */
struct claude_report {
    int64_t files; /* files with at least one object whose session was accepted */
    int64_t appended;
    int64_t present; /* lines that the service had already */
    int64_t skipped; /* lines and files that cannot be imported */
    int64_t stopped; /* files whose rest may be imported later */
};

/* Reports a line that cannot be imported; with `line` 0, the whole file. */
void claude_report_skip(struct claude_report *report, const char *path, int64_t line,
                        const char *reason);

/* Reports that the rest of the file, from this line on, is not imported now. */
void claude_report_stop(struct claude_report *report, const char *path, int64_t line,
                        const char *reason);

/* Reports that the import ends at this file or folder. */
void claude_report_fail(const char *path, const char *reason);

/* Prints the counts to stdout. */
void claude_report_print(const struct claude_report *report);

#endif
