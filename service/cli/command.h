/*
 * What the program does beside serving: `sessiond COMMAND [FILE] [--flag value]…`. Each command has
 * a file of its own with a constant; service/cli/command.c lists them.
 */
#ifndef SESSIOND_SERVICE_CLI_COMMAND_H
#define SESSIOND_SERVICE_CLI_COMMAND_H

#include "service/app/config.h"

/* A flag that one command has, and no other. */
struct command_flag {
    const char *name;  /* "--after" */
    const char *value; /* what follows it, for the help; NULL: nothing does, and it is a bool */
    size_t offset;     /* in struct config: of a const char *, or of the bool */
};

enum command_file { COMMAND_NO_FILE, COMMAND_FILE_OPTIONAL, COMMAND_FILE, COMMAND_NAME_AND_SCOPE };

/* Exit codes of all commands. */
enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_CHECK_FAILED = 1, /* the file is damaged or not what it should be */
    COMMAND_USAGE = 2,
    COMMAND_UNAVAILABLE = 3, /* it could not be done; stderr says why */
};

struct command {
    const char *name;
    enum command_file file;
    const struct command_flag *flags; /* of its own, ended by one without a name; NULL: none */
    const char *summary;              /* one line, for sessiond --help */
    const char *help;                 /* for sessiond NAME --help; ends in a newline */
    enum command_exit (*run)(const struct config *config); /* config->file as `file` says */
};

extern const struct command command_backup;
extern const struct command command_check;
extern const struct command command_export;
extern const struct command command_healthcheck;
extern const struct command command_import;
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
