/*
 * The parameters that a path takes, by a table of their names: each is known here, stands once
 * unless it may be repeated, and is decoded. What a value means is the path's own affair.
 */
#ifndef SESSIOND_ROUTES_HTTP_QUERY_PARAMS_H
#define SESSIOND_ROUTES_HTTP_QUERY_PARAMS_H

#include "db/store/session.h"
#include "routes/http/query.h"

#define QUERY_PARAMS_NAMES 16

/* The set of one parameter. */
#define QUERY_BIT(which) (1U << (which))

struct query_params {
    const char *const *names; /* by number, at most QUERY_PARAMS_NAMES; borrowed */
    unsigned count;
    unsigned known;      /* those that there are here, as bits */
    unsigned repeatable; /* and of these those that may stand more than once */
    struct buffer *text; /* gets the values, decoded; has to outlive what is read */
    struct error *err;   /* ERROR_INVALID_QUERY, naming the parameter */

    /* Out. A value is kept as its place in the text, which moves while it grows. */
    unsigned seen;
    struct {
        size_t at;
        size_t len;
    } places[QUERY_PARAMS_NAMES];
};

/* Hands each parameter of `query` to `take`, in order, by its number and its decoded value, which
 * is valid during the call, until that returns false. */
MUST_USE bool query_read(struct query_params *reader, struct slice query,
                         bool (*take)(void *arg, unsigned which, struct slice value), void *arg);

/* The value of a parameter that stands once; data NULL when it does not stand in the query. */
struct slice query_text(const struct query_params *reader, unsigned which);

bool query_has(const struct query_params *reader, unsigned which);

/* Adds the status that the value names to *statuses, a bit 1 << status for each. */
MUST_USE bool query_status(const struct query_params *reader, unsigned which, struct slice value,
                           unsigned *statuses);

/* A limit of a page, from 1 to `most`. *out stays as it is when it is refused. */
MUST_USE bool query_limit(const struct query_params *reader, unsigned which, struct slice value,
                          int most, int *out);

/* Refuses the value of a parameter. Returns false, as error_set does. */
bool query_refuse_value(const struct query_params *reader, unsigned which, const char *why);

#endif
