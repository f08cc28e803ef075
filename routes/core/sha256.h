/* SHA-256 (FIPS 180-4); the only user of the library (nettle). Pure functions, any thread. They
 * borrow their arguments and cannot fail. */
#ifndef SESSIOND_ROUTES_CORE_SHA256_H
#define SESSIOND_ROUTES_CORE_SHA256_H

#include "db/base/slice.h"

#define SHA256_BYTES 32

/* Writes the digest of `count` parts. Each part is hashed with its length before it, so that no two
 * different lists of parts have the same input. */
void sha256_parts(const struct slice *parts, size_t count, unsigned char out[SHA256_BYTES]);

/* Writes the digest of the text alone, as `sha256sum` prints it. */
void sha256_text(struct slice text, unsigned char out[SHA256_BYTES]);

/* Compares in constant time: the duration does not depend on where the digests differ. */
bool sha256_equal(const unsigned char a[SHA256_BYTES], const unsigned char b[SHA256_BYTES]);

#endif
