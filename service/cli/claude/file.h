/* Imports one file of Claude Code into the running service. One thread; blocks. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_FILE_H
#define SESSIOND_SERVICE_CLI_CLAUDE_FILE_H

#include "service/app/config.h"
#include "service/cli/claude/place.h"
#include "service/cli/claude/report.h"

/* Appends the lines that the stream does not have yet, in the order of the file. Reports errors of
 * the file and its lines. All arguments are borrowed for the call. Returns false, with `err` set,
 * when the service cannot be used and the import must end. */
MUST_USE bool claude_file_import(const struct config *config, struct claude_report *report,
                                 const char *path, const struct claude_location *place,
                                 struct error *err);

#endif
