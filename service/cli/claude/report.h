/* What an import of transcripts counts, and says on stderr and stdout. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_REPORT_H
#define SESSIOND_SERVICE_CLI_CLAUDE_REPORT_H

#include <stdint.h>

/* {0} is where it begins. */
struct claude_report {
    int64_t files; /* with a line at least */
    int64_t appended;
    int64_t present; /* lines that were in the service */
    int64_t skipped; /* lines and files that cannot be imported */
    int64_t stopped; /* files whose rest can be imported later */
};

/* A line of the file, or with number 0 the file itself, cannot be imported. */
void claude_report_skip(struct claude_report *report, const char *path, int64_t line,
                        const char *why);

/* The rest of the file, from this line on, is not imported now. */
void claude_report_stop(struct claude_report *report, const char *path, int64_t line,
                        const char *why);

/* The import ends at this file or folder. */
void claude_report_fail(const char *path, const char *why);

/* Prints the counts. */
void claude_report_print(const struct claude_report *report);

#endif
