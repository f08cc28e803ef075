/*
 * Validates the header section of a request, so that the ends of the header section and of the body
 * are unambiguous: no proxy may find other requests in the same bytes (request smuggling, RFC 9112
 * §11.2). Pure. Runs on the parsed header section before any byte of the body is stored.
 *
 * libmicrohttpd parses leniently and returns its result only. But it parses in place: it overwrites
 * line ends and colons with NULs, and names and values are pointers into the original bytes. So
 * their positions reveal what the strings do not: when a part does not begin where the previous
 * part ends, there was a folded line, a bare LF, a NUL or superfluous white space.
 *
 * libmicrohttpd 0.9 overwrites both bytes of CR LF. From 1.0 on it overwrites only the CR, or the
 * first byte of white space before the CR. Since a bare LF would look the same then, 1.0 must run
 * at a strictness level that rejects it.
 */
#ifndef SESSIOND_SERVICE_HTTP_HEAD_VALIDATOR_H
#define SESSIOND_SERVICE_HTTP_HEAD_VALIDATOR_H

#include "db/base/error.h"
#include "db/base/slice.h"

#define HEAD_FIELDS_MAX 128

struct head_field {
    struct slice name;
    struct slice value;
};

struct request_head {
    struct slice bytes;  /* from the method to the empty line, inclusive */
    struct slice method; /* in `bytes` */
    /* position of the target in `bytes`, where libmicrohttpd may have decoded it */
    const char *target_at;
    struct slice target;  /* as the client sent it */
    struct slice version; /* in `bytes` */
    bool keeps_lf;        /* parsed by libmicrohttpd 1.0 or newer */
    size_t field_count;   /* number of all fields; `fields` stores the first HEAD_FIELDS_MAX */
    struct head_field fields[HEAD_FIELDS_MAX];
};

/* Appends a field. Beyond HEAD_FIELDS_MAX it only counts. The slices are borrowed. */
void request_head_add(struct request_head *head, struct slice name, struct slice value);

/* Returns false when the request is rejected; the caller must then close the connection:
 *   ERROR_UNKNOWN_METHOD    RFC 9110 §9.1
 *   ERROR_UNKNOWN_VERSION   not HTTP/1.0 or HTTP/1.1
 *   ERROR_MALFORMED_REQUEST the target (RFC 9112 §3.2) or the lines (§2.2, §5.1, §5.2)
 *   ERROR_INVALID_HEADER    a name, a value (RFC 9110 §5.1, §5.5), Host (RFC 9112 §3.2),
 *                           Content-Length (RFC 9110 §8.6), or a repeated field
 *   ERROR_LENGTH_REQUIRED   Transfer-Encoding (RFC 9112 §6.1), unless it is exactly one `chunked`
 *                           in HTTP/1.1 without Content-Length
 * The head must have at most HEAD_FIELDS_MAX fields. */
MUST_USE bool head_validate(const struct request_head *head, struct error *err);

#endif
