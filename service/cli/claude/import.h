/* sessiond import --claude: imports transcripts of Claude Code as sessions, through the public API
 * only. */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_IMPORT_H
#define SESSIOND_SERVICE_CLI_CLAUDE_IMPORT_H

#include "service/cli/command.h"

/* Imports config->file, a transcript or a folder with transcripts. Prints counts on stdout and
 * errors on stderr. */
enum command_exit claude_import(const struct config *config);

#endif
