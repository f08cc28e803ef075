/*
 * Steps over JSON text without validating it. For a text that json_scan() has not accepted, such as
 * one from the database, the functions read nothing beyond `end`, and return NULL where the text
 * ends too early.
 *
 * Pure functions, any thread.
 */
#ifndef SESSIOND_ROUTES_JSON_SKIP_H
#define SESSIOND_ROUTES_JSON_SKIP_H

#include "routes/json/member_name.h"

/* The first byte from `at` on that is not white space, or `end`. */
const char *json_skip_space(const char *at, const char *end);

/* The end of the value that begins at `at`; NULL when no value begins there or it is not closed.
 * Takes linear time, whatever the nesting. */
const char *json_skip_value(const char *at, const char *end);

/* *at is where a member, a comma before one, or the end of an object may be. At a member: returns
 * true and its name, and moves *at to its value. At the end: returns false and moves *at past the
 * brace. Otherwise: returns false and sets *at to NULL. */
bool json_skip_to_member(const char **at, const char *end, struct json_name *name);

#endif
