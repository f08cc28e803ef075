/* What a command does with the answer of the running service. */
#ifndef SESSIOND_SERVICE_COMMAND_ANSWER_H
#define SESSIOND_SERVICE_COMMAND_ANSWER_H

#include "service/http_client.h"

/* Reads a body of at most `size` bytes; *out is what came, in `buffer`. */
MUST_USE bool command_answer_read(struct http_answer *answer, char *buffer, size_t size,
                                  struct slice *out, struct error *err);

/* Says why the service refused: its own words, or which token it wants. Always fails. */
MUST_USE bool command_answer_refuse(const struct config *config, struct http_answer *answer,
                                    struct error *err);

/* The text of a member of a JSON object; its data is NULL when there is none. */
struct slice command_answer_member(struct slice object, const char *name);

/* The same as a number; 0 when there is none. */
int64_t command_answer_number(struct slice object, const char *name);

#endif
