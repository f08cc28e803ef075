/* SHA-256 (FIPS 180-4): the only place that knows the library. Pure, any thread. */
#ifndef SESSIOND_ROUTES_CORE_SHA256_H
#define SESSIOND_ROUTES_CORE_SHA256_H

#include "db/base/slice.h"

#define SHA256_BYTES 32

/* The digest of the parts, one behind the other, each with its length in front, so that no two
 * different lists of parts are the same text. */
void sha256_parts(const struct slice *parts, size_t count, unsigned char out[SHA256_BYTES]);

/* The digest of one text, nothing before it: what `sha256sum` prints. */
void sha256_text(struct slice text, unsigned char out[SHA256_BYTES]);

/* Compares in a time that does not depend on where they differ. */
bool sha256_equal(const unsigned char a[SHA256_BYTES], const unsigned char b[SHA256_BYTES]);

#endif
