/*
 * Server certificate and private key. Both are read at start and on reload; connections that begin
 * after a reload use the new pair. libmicrohttpd runs TLS itself and has an opaque GnuTLS session
 * for each connection.
 */
#ifndef SESSIOND_SERVICE_NET_TLS_H
#define SESSIOND_SERVICE_NET_TLS_H

#include "db/base/error.h"
#include "service/app/log.h"

struct tls;

/* Stands for any function type; the caller casts it back. */
typedef void tls_function(void);

/* Reads the certificate and the key. The names and the log are borrowed. Sets *out to NULL and
 * succeeds when both names are NULL. Fails when only one name is set, when a file cannot be read or
 * is not PEM, and when the key does not match the certificate. Logs a warning when users other than
 * the owner may read the key. */
MUST_USE bool tls_open(const char *certificate, const char *key, struct log *log, struct tls **out,
                       struct error *err);

/* Frees the pairs. All connections must be closed. `tls` may be NULL. */
void tls_close(struct tls *tls);

/* Reads the pair again. On failure the previous pair stays in use. Logs the result. Main thread.
 * `tls` may be NULL. */
void tls_reload(struct tls *tls);

/* GnuTLS priority string: TLS 1.2 and 1.3 with forward secrecy and authenticated encryption (RFC
 * 9325 §3.1.1, §4.2). */
const char *tls_priorities(void);

/* Binds the session to `tls`. Call it before the handshake, which uses the current pair. Any
 * thread. */
void tls_attach(struct tls *tls, void *session);

/* Sends the bytes that fit into the socket buffer and drops the rest. HTTP thread of the
 * session. */
void tls_send(void *session, const void *data, size_t len);

/* Returns the gnutls_certificate_retrieve_function2 that selects the pair of an attached
 * session. */
tls_function *tls_retriever(void);

#endif
