/* A command line of up to three words; NULL ends it. */
#ifndef SESSIOND_TESTS_UNIT_COMMAND_LINE_H
#define SESSIOND_TESTS_UNIT_COMMAND_LINE_H

#include "service/app/config.h"

/* The configuration borrows the words, which last until the next call. */
bool read_words(struct config *config, enum config_action *action, const char *one, const char *two,
                const char *three, struct error *err);

#endif
