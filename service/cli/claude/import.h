/* sessiond import --claude: transcripts of Claude Code become sessions, by the public routes alone.
 */
#ifndef SESSIOND_SERVICE_CLI_CLAUDE_IMPORT_H
#define SESSIOND_SERVICE_CLI_CLAUDE_IMPORT_H

#include "service/cli/command.h"

/* Imports config->file, a transcript or a folder with transcripts, and says on stdout what came of
 * it, on stderr what did not. */
enum command_exit claude_import(const struct config *config);

#endif
