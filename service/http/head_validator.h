/*
 * What a request's head has to be so that its end and its body's end are beyond doubt: another
 * program on the way to the service must not be able to read other requests out of the same bytes
 * (RFC 9112 §11.2). Pure; it runs on the parsed head, before a byte of the body is kept.
 *
 * libmicrohttpd is lenient and hands out what it made of the head. But it parses in place: line
 * ends and colons become NULs, and names and values are pointers to where they stood. So the places
 * tell what the texts do not: where one part does not begin at the byte that the part before it
 * ends at, there was a folded line, a bare LF, a NUL or white space too much.
 *
 * libmicrohttpd 0.9 overwrites both bytes of a line's CR LF. From 1.0 on it overwrites the CR only,
 * or the first byte of the white space before the CR; there it has to run at a strictness level
 * that refuses a bare LF, which would look the same.
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
    struct slice bytes;    /* from the method to the empty line */
    struct slice method;   /* in `bytes` */
    const char *target_at; /* in `bytes`, where it may have been decoded since */
    struct slice target;   /* as sent */
    struct slice version;  /* in `bytes` */
    bool keeps_lf;         /* parsed by libmicrohttpd 1.0 or newer */
    size_t field_count;    /* all that came; `fields` has the first HEAD_FIELDS_MAX */
    struct head_field fields[HEAD_FIELDS_MAX];
};

/* Appends to the fields, or only counts. */
void request_head_add(struct request_head *head, struct slice name, struct slice value);

/* False when the request is refused, after which its connection has to end:
 *   ERROR_UNKNOWN_METHOD    RFC 9110 §9.1
 *   ERROR_UNKNOWN_VERSION   not HTTP/1.0 or HTTP/1.1
 *   ERROR_MALFORMED_REQUEST the target (RFC 9112 §3.2) or the lines (§2.2, §5.1, §5.2)
 *   ERROR_INVALID_HEADER    a name, a value (RFC 9110 §5.1, §5.5), Host (RFC 9112 §3.2),
 *                           Content-Length (RFC 9110 §8.6), or a field that came twice
 *   ERROR_LENGTH_REQUIRED   Transfer-Encoding (RFC 9112 §6.1), but for one `chunked` of HTTP/1.1
 *                           without Content-Length
 * At most HEAD_FIELDS_MAX fields may have come. */
MUST_USE bool head_validate(const struct request_head *head, struct error *err);

#endif
