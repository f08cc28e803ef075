/* Certificate pin: identifies a server by its public key. */
#ifndef SESSIOND_SERVICE_NET_TLS_PIN_H
#define SESSIOND_SERVICE_NET_TLS_PIN_H

#include "db/base/error.h"

/* "sha256//", 44 base64 characters, NUL. */
#define TLS_PIN_SIZE 53

/* Writes "sha256//" and the base64 of the SHA-256 of the public key (SubjectPublicKeyInfo, DER) of
 * the first certificate in a PEM file (RFC 7469 §2.4). Fails when the file cannot be read or has no
 * certificate. */
MUST_USE bool tls_pin_of(const char *path, char out[TLS_PIN_SIZE], struct error *err);

#endif
