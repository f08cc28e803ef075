/* The pin of a certificate: what a client needs to recognise the server that has its key. */
#ifndef SESSIOND_SERVICE_NET_TLS_PIN_H
#define SESSIOND_SERVICE_NET_TLS_PIN_H

#include "db/base/error.h"

/* "sha256//", 44 characters of base64, NUL. */
#define TLS_PIN_SIZE 53

/* Writes "sha256//" and the base64 of the SHA-256 of the public key (SubjectPublicKeyInfo, DER) of
 * the first certificate in a PEM file, as RFC 7469 §2.4 computes it. */
MUST_USE bool tls_pin_of(const char *path, char out[TLS_PIN_SIZE], struct error *err);

#endif
