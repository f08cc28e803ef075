/* SHA-256 (FIPS 180-4): the only place that knows the library. Pure, any thread. */
#ifndef SESSIOND_ROUTES_DIGEST_H
#define SESSIOND_ROUTES_DIGEST_H

#include "db/slice.h"

#define DIGEST_BYTES 32

/* The digest of the parts, one behind the other, each with its length in front, so that no two
 * different lists of parts are the same text. */
void digest_parts(const struct slice *parts, size_t count, unsigned char out[DIGEST_BYTES]);

#endif
