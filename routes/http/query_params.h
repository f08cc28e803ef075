/*
 * Parses the parameters of a query by a table of their names. Unknown parameters, and repeated ones
 * that may not repeat, are rejected; values are decoded. The caller interprets the values.
 *
 * Threads: any; a reader has one user at a time. Errors: ERROR_INVALID_QUERY in query_params.err,
 * with the parameter's name as the field.
 */
#ifndef SESSIOND_ROUTES_HTTP_QUERY_PARAMS_H
#define SESSIOND_ROUTES_HTTP_QUERY_PARAMS_H

#include "db/store/session.h"
#include "routes/http/query.h"

#define QUERY_PARAMS_NAMES 16

/* A set of parameters with one element. */
#define QUERY_BIT(which) (1U << (which))

struct query_params {
    const char *const *names; /* by index, at most QUERY_PARAMS_NAMES; borrowed */
    unsigned count;           /* of the names */
    unsigned known;           /* the parameters that this query may have, as bits */
    unsigned repeatable;      /* the known parameters that may repeat, as bits */
    struct buffer *text;      /* borrowed; receives the decoded values and must outlive them */
    struct error *err;        /* borrowed */

    /* Out. A value is stored as its offset in the text, because the text moves when it grows. */
    unsigned seen; /* as bits */
    struct {
        size_t at;
        size_t len;
    } ranges[QUERY_PARAMS_NAMES];
};

/* Parses `query` and calls `on_parameter` for each parameter in order, with its index and its
 * decoded value, which is valid during the call. Stops and returns false when a parameter is
 * rejected or when `on_parameter` returns false, which must then have set the error. */
MUST_USE bool query_read(struct query_params *reader, struct slice query,
                         bool (*on_parameter)(void *arg, unsigned which, struct slice value),
                         void *arg);

/* The decoded value of a parameter, the last one if it repeats; data NULL when the query does not
 * have the parameter. Valid until the text grows. */
struct slice query_text(const struct query_params *reader, unsigned which);

/* Whether the query has the parameter. */
bool query_has(const struct query_params *reader, unsigned which);

/* Parses a status and adds its bit, 1 << status, to *statuses. */
MUST_USE bool query_status(const struct query_params *reader, unsigned which, struct slice value,
                           unsigned *statuses);

/* Parses the limit of a page, from 1 to `most`. *out is unchanged when the value is rejected. */
MUST_USE bool query_limit(const struct query_params *reader, unsigned which, struct slice value,
                          int most, int *out);

/* Sets the error for the value of a parameter. Returns false, like error_set(). */
bool query_reject_value(const struct query_params *reader, unsigned which, const char *why);

#endif
