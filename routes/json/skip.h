/*
 * Stepping over JSON text. It is not checked: of a text that json_scan() has not accepted, such as
 * one that the database holds, the functions read nothing beyond `end` and return NULL where the
 * text ends too early.
 *
 * Pure, any thread.
 */
#ifndef SESSIOND_ROUTES_JSON_SKIP_H
#define SESSIOND_ROUTES_JSON_SKIP_H

#include "routes/json/member_name.h"

/* Behind the white space at `at`. */
const char *json_skip_space(const char *at, const char *end);

/* Behind the value that begins at `at`; NULL when there is none or it is not closed. Linear in it,
 * whatever its nesting. */
const char *json_skip_value(const char *at, const char *end);

/* *at stands where a member, a comma before one or the end of an object may
 * be. A member: returns true and its name, *at comes to its value. The end:
 * returns false, *at comes behind the brace. Neither: returns false, *at is NULL. */
bool json_skip_to_member(const char **at, const char *end, struct json_name *name);

#endif
