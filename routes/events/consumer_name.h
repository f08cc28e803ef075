/* The names of consumers: readers of the event log with a stored offset. Pure function, any thread.
 */
#ifndef SESSIOND_ROUTES_EVENTS_CONSUMER_NAME_H
#define SESSIOND_ROUTES_EVENTS_CONSUMER_NAME_H

#include "db/base/slice.h"

#include <stdbool.h>

/* The rule for names, as the detail of an error. */
#define CONSUMER_NAME_RULE                                                                         \
    "the name of a consumer must have 1 to 128 characters: ASCII letters and digits, and after "   \
    "the first one also . _ ~ : @ -"

/* Whether the text is a valid name. Valid names need no percent-encoding in a path (RFC 3986 §3.3).
 */
bool consumer_name_is_valid(struct slice text);

#endif
