/*
 * Commands: `sessiond COMMAND [FILE] [--flag value]…`. Each command has its own file, which defines
 * one constant; service/cli/command.c lists them. Main thread.
 */
#ifndef SESSIOND_SERVICE_CLI_COMMAND_H
#define SESSIOND_SERVICE_CLI_COMMAND_H

#include "service/app/config.h"

/* A flag that only one command has. */
struct command_flag {
    const char *name; /* with the dashes: "--after" */
    /* name of the value in the help; NULL: the flag has no value and is a bool */
    const char *value;
    size_t offset; /* in struct config: of a const char * or of a bool */
};

enum command_file { COMMAND_NO_FILE, COMMAND_FILE_OPTIONAL, COMMAND_FILE, COMMAND_NAME_AND_SCOPE };

/* Exit codes of all commands. */
enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_CHECK_FAILED = 1, /* the file is corrupt or invalid */
    COMMAND_USAGE = 2,
    COMMAND_UNAVAILABLE = 3, /* the command failed; stderr says why */
};

struct command {
    const char *name;
    enum command_file file;
    /* flags of this command, terminated by an entry with name NULL; NULL: none */
    const struct command_flag *flags;
    const char *summary; /* one line, for sessiond --help */
    const char *help;    /* for sessiond NAME --help; ends with a newline */
    /* `file` says whether config->file is set */
    enum command_exit (*run)(const struct config *config);
};

extern const struct command command_backup;
extern const struct command command_check;
extern const struct command command_export;
extern const struct command command_healthcheck;
extern const struct command command_import;
extern const struct command command_purge;
extern const struct command command_restore;
extern const struct command command_token;

/* Returns NULL when there is no command with this name. */
const struct command *command_find(const char *name);

/* Prints the list of commands. */
void command_list(FILE *out);

/* Parses the flags and runs the command; argv[0] is its name. Returns the exit code. */
enum command_exit command_main(const struct command *command, int argc, char **argv);

#endif
