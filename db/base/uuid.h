/* Session ids: UUIDs in their canonical text form, lower case (RFC 9562 §4). Thread-safe. */
#ifndef SESSIOND_DB_BASE_UUID_H
#define SESSIOND_DB_BASE_UUID_H

#include "db/base/error.h"
#include "db/base/slice.h"

#define UUID_LENGTH 36
#define UUID_SIZE (UUID_LENGTH + 1)

/* Writes a new random UUID (version 4) and a NUL. */
void uuid_make(char out[UUID_SIZE]);

/* Accepts 8-4-4-4-12 hexadecimal digits of either case and writes the canonical form and a NUL.
 * False, and `out` untouched, when `text` is no UUID. */
MUST_USE bool uuid_read(struct slice text, char out[UUID_SIZE]);

#endif
