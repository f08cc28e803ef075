#include "tests/unit/support/command_line.h"

bool read_words(struct config *config, enum config_action *action, const char *one, const char *two,
                const char *three, struct error *err)
{
    static char words[4][128] = {"sessiond"};
    char *argv[5] = {words[0]};
    const char *given[] = {one, two, three};
    int argc = 1;

    for (int i = 0; i < 3 && given[i] != NULL; i++, argc++) {
        snprintf(words[argc], sizeof(words[argc]), "%s", given[i]);
        argv[argc] = words[argc];
    }
    *config = (struct config){0};
    *err = (struct error){0};
    return config_read(config, argc, argv, action, err);
}
