/* The names of consumers: readers that have their place kept. Pure functions; any thread. */
#ifndef SESSIOND_ROUTES_EVENTS_CONSUMER_NAME_H
#define SESSIOND_ROUTES_EVENTS_CONSUMER_NAME_H

#include "db/base/slice.h"

#include <stdbool.h>

/* What a name is, for who sent something else. */
#define CONSUMER_NAME_RULE                                                                         \
    "a consumer's name has 1 to 128 characters: letters and digits of ASCII, and behind the "      \
    "first one . _ ~ : @ - too"

/* Whether it is one. All its characters stand for themselves in a path (RFC 3986 §3.3). */
bool consumer_name_is(struct slice text);

#endif
