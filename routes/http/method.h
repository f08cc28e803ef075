/* Request methods and media types (RFC 9110 §9 and §8.3.1). Pure. */
#ifndef SESSIOND_ROUTES_HTTP_METHOD_H
#define SESSIOND_ROUTES_HTTP_METHOD_H

#include "routes/core/exchange.h"

/* The method's name as it is sent, "OTHER" for one that no route has. */
const char *method_name(enum method method);

/* Whether a Content-Type is this media type, whatever its parameters (RFC 9110 §8.3.1). */
bool media_type_is(struct slice content_type, const char *type);

#endif
