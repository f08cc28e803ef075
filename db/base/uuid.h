/* UUIDs, which are the session ids: canonical text form in lower case (RFC 9562 §4). Any thread. */
#ifndef SESSIOND_DB_BASE_UUID_H
#define SESSIOND_DB_BASE_UUID_H

#include "db/base/error.h"
#include "db/base/slice.h"

#define UUID_LENGTH 36
#define UUID_SIZE (UUID_LENGTH + 1)

/* Writes a new random UUID (version 4) and a NUL. Never fails. */
void uuid_make(char out[UUID_SIZE]);

/* Accepts 8-4-4-4-12 hexadecimal digits of either case and writes the canonical form and a NUL.
 * False when `text` is no UUID; `out` is then unchanged. */
MUST_USE bool uuid_read(struct slice text, char out[UUID_SIZE]);

#endif
