/*
 * A request's head taken apart as libmicrohttpd 0.9.75 does it: in place, line ends, colons and the
 * spaces of the request line overwritten with NULs, lenient about everything that the framing guard
 * is there to refuse.
 */
#ifndef SESSIOND_TESTS_UNIT_LENIENT_HEAD_H
#define SESSIOND_TESTS_UNIT_LENIENT_HEAD_H

#include "service/http/head_validator.h"

struct lenient_head {
    struct request_head head;
    char *bytes;  /* owned: what was parsed in place */
    char *target; /* owned: as the service keeps it */
    char *folded; /* owned: where libmicrohttpd lays the names of folded lines */
    size_t folded_len;
    char *moved; /* the last name there */
};

/* False when libmicrohttpd refuses it by itself, or waits for more. Release it in either case. */
bool lenient_head_read(struct slice text, struct lenient_head *out);
void lenient_head_release(struct lenient_head *head);

#endif
