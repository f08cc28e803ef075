#include "service/cli/command.h"

#include "service/cli/terminal.h"

#include <string.h>

static const struct command *const commands[] = {
    &command_backup, &command_check, &command_export,  &command_healthcheck,
    &command_import, &command_purge, &command_restore, &command_token,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static const char *argument_usage(const struct command *command)
{
    static const char *const arguments[] = {[COMMAND_NO_FILE] = "",
                                            [COMMAND_FILE_OPTIONAL] = " [FILE]",
                                            [COMMAND_FILE] = " FILE",
                                            [COMMAND_NAME_AND_SCOPE] = " NAME SCOPE"};

    return arguments[command->file];
}

void command_list(FILE *out)
{
    fputs("\nCommands, which run instead of the service (see sessiond COMMAND --help):\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %s%s\n        %s\n", commands[i]->name, argument_usage(commands[i]),
                commands[i]->summary);
}

static const struct command_flag *find_flag(const struct command *command, const char *word)
{
    const struct command_flag *flag = command->flags;

    while (flag != NULL && flag->name != NULL && strcmp(flag->name, word) != 0)
        flag++;
    return flag == NULL || flag->name == NULL ? NULL : flag;
}

/* Removes the flags of this command from argv and stores them, before config_read() parses the
 * common flags. */
static bool extract_flags(const struct command *command, int *argc, char **argv,
                          struct config *config, struct error *err)
{
    int kept_count = 0;

    for (int i = 0; i < *argc; i++) {
        const struct command_flag *flag = find_flag(command, argv[i]);
        if (flag == NULL) {
            argv[kept_count++] = argv[i];
            continue;
        }
        char *target = (char *)config + flag->offset;
        if (flag->value == NULL) {
            memcpy(target, &(bool){true}, sizeof(bool));
            continue;
        }
        if (argv[i + 1] == NULL || argv[i + 1][0] == '\0')
            return error_set(err, ERROR_INVALID_PAYLOAD, NULL, "%s needs a value", flag->name);
        const char *value = argv[++i];
        memcpy(target, &value, sizeof(value));
    }
    argv[kept_count] = NULL;
    *argc = kept_count;
    return true;
}

static void print_flag_usage(const struct command *command)
{
    for (const struct command_flag *flag = command->flags; flag != NULL && flag->name != NULL;
         flag++)
        printf(" [%s%s%s]", flag->name, flag->value == NULL ? "" : " ",
               flag->value == NULL ? "" : flag->value);
}

static void print_help(const struct command *command)
{
    printf("usage: sessiond %s%s", command->name, argument_usage(command));
    print_flag_usage(command);
    printf(" [--flag value] …\n\n%s\nFlags and variables: see sessiond --help.\n", command->help);
}

static bool check_arguments(const struct command *command, const struct config *config,
                            struct error *err)
{
    const bool needs_two = command->file == COMMAND_NAME_AND_SCOPE;

    if (needs_two && config->second == NULL)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL, "%s needs a NAME and a SCOPE",
                         command->name);
    if (!needs_two && config->second != NULL)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         "\"%.60s\" and \"%.60s\" are two files; give one FILE", config->file,
                         config->second);
    if (command->file == COMMAND_FILE && config->file == NULL)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL, "%s needs a FILE", command->name);
    if (command->file == COMMAND_NO_FILE && config->file != NULL)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL, "%s takes no argument \"%.60s\"",
                         command->name, config->file);
    return true;
}

enum command_exit command_main(const struct command *command, int argc, char **argv)
{
    struct config config = {0};
    enum config_action action;
    struct error err;

    if (!extract_flags(command, &argc, argv, &config, &err) ||
        !config_read(&config, argc, argv, &action, &err) ||
        (action == CONFIG_RUN && !check_arguments(command, &config, &err))) {
        terminal_print(stderr, "sessiond %s: %s\n", command->name, err.detail);
        return COMMAND_USAGE;
    }
    if (action == CONFIG_RUN)
        return command->run(&config);
    print_help(command);
    return COMMAND_DONE;
}
