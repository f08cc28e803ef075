/* Imports one file of Claude Code into the running service. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_FILE_H
#define SESSIOND_SERVICE_CLI_CLAUDE_FILE_H

#include "service/app/config.h"
#include "service/cli/claude/place.h"
#include "service/cli/claude/report.h"

/* Appends the lines that the stream does not have, in the order of the file. What is wrong with the
 * file or a line of it is reported. False when the service cannot be used: the import ends. */
MUST_USE bool claude_file_import(const struct config *config, struct claude_report *report,
                                 const char *path, const struct claude_place *place,
                                 struct error *err);

#endif
