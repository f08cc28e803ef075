/* Request methods and media types (RFC 9110 §9 and §8.3.1). Pure functions, any thread. */
#ifndef SESSIOND_ROUTES_HTTP_METHOD_H
#define SESSIOND_ROUTES_HTTP_METHOD_H

#include "routes/core/exchange.h"

/* The method's name as sent; "OTHER" for METHOD_OTHER. Static. */
const char *method_name(enum method method);

/* Whether a Content-Type has this media type, ignoring its parameters (RFC 9110 §8.3.1). */
bool media_type_is(struct slice content_type, const char *type);

#endif
