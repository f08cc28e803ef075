/*
 * What the program does beside serving: `sessiond COMMAND [FILE] [--flag value]…`. Each command has
 * a file of its own with a constant; service/command.c lists them.
 */
#ifndef SESSIOND_SERVICE_COMMAND_H
#define SESSIOND_SERVICE_COMMAND_H

#include "service/config.h"

enum command_file { COMMAND_NO_FILE, COMMAND_FILE_OPTIONAL, COMMAND_FILE, COMMAND_NAME_AND_SCOPE };

/* Exit codes of all commands. */
enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_UNSOUND = 1, /* the file is damaged or not what it should be */
    COMMAND_USAGE = 2,
    COMMAND_IMPOSSIBLE = 3, /* it could not be done; stderr says why */
};

struct command {
    const char *name;
    enum command_file file;
    const char *own_flag; /* that no other has, without a value, such as "--all"; NULL: none */
    const char *summary;  /* one line, for sessiond --help */
    const char *help;     /* for sessiond NAME --help; ends in a newline */
    enum command_exit (*run)(const struct config *config); /* config->file as `file` says */
};

extern const struct command command_backup;
extern const struct command command_check;
extern const struct command command_healthcheck;
extern const struct command command_purge;
extern const struct command command_restore;
extern const struct command command_token;

/* NULL when there is none of this name. */
const struct command *command_find(const char *name);

/* Prints the list of commands. */
void command_list(FILE *out);

/* Reads the flags and runs the command; argv[0] is its name. */
enum command_exit command_main(const struct command *command, int argc, char **argv);

#endif
