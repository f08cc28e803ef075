/*
 * A request's head taken apart as libmicrohttpd 1.0 does it at its strictness level 1: in place, of
 * a line's end the CR overwritten, or the first byte of the white space before it.
 */
#ifndef SESSIOND_TESTS_UNIT_STRICT_HEAD_H
#define SESSIOND_TESTS_UNIT_STRICT_HEAD_H

#include "service/http/head_validator.h"

struct strict_head {
    struct request_head head;
    char *bytes;  /* owned: what was parsed in place */
    char *target; /* owned: as the service keeps it */
};

/* False when libmicrohttpd refuses it by itself, or waits for more. Release it in either case. */
bool strict_head_read(struct slice text, struct strict_head *out);
void strict_head_release(struct strict_head *head);

#endif
