/*
 * The certificate that the service shows, and its key. Read at the start and again on demand:
 * connections that begin afterwards get the new pair. libmicrohttpd does the rest of TLS; it has an
 * opaque GnuTLS session for each connection.
 */
#ifndef SESSIOND_SERVICE_NET_TLS_H
#define SESSIOND_SERVICE_NET_TLS_H

#include "db/base/error.h"
#include "service/app/log.h"

struct tls;

/* Any function. */
typedef void tls_function(void);

/* Reads the pair; both names and the log are borrowed. Neither is no error: *out is NULL then. One
 * without the other, a file that cannot be read or has no PEM, and a key that is not the
 * certificate's are. The log warns where others than its owner may read the key. */
MUST_USE bool tls_open(const char *certificate, const char *key, struct log *log, struct tls **out,
                       struct error *err);

/* No connection may be left. NULL is legal. */
void tls_close(struct tls *tls);

/* Reads the pair again. Where that fails, the one before stays in use; the log has either. Main
 * thread; NULL is legal. */
void tls_reload(struct tls *tls);

/* What is negotiated, in GnuTLS's words: TLS 1.2 and 1.3 with forward secrecy and authenticated
 * encryption (RFC 9325 §3.1.1, §4.2). */
const char *tls_priorities(void);

/* Before the handshake: the session gets the present pair. Any thread. */
void tls_attach(struct tls *tls, void *session);

/* Sends what fits into the socket buffer; the rest is dropped. On the session's HTTP thread. */
void tls_send(void *session, const void *data, size_t len);

/* The gnutls_certificate_retrieve_function2 that finds the pair of an attached session. */
tls_function *tls_retriever(void);

#endif
