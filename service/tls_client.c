#include "service/tls_client.h"

#include "service/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

struct tls_client {
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};

/* The certificate's own bytes; the caller's to give to gnutls_free. */
static bool load_trusted(const char *path, gnutls_datum_t *der, struct error *err)
{
    gnutls_datum_t text;

    if (gnutls_load_file(path, &text) != GNUTLS_E_SUCCESS)
        return error_set(err, ERROR_INTERNAL, NULL, "--tls-cert %.80s: %s", path, strerror(errno));
    const int result = gnutls_pem_base64_decode2("CERTIFICATE", &text, der);
    gnutls_free(text.data);
    return result >= 0 || error_set(err, ERROR_INTERNAL, NULL, "--tls-cert %.80s: %s", path,
                                    gnutls_strerror(result));
}

static struct tls_client *new_client(int socket)
{
    struct tls_client *client = calloc(1, sizeof(*client));

    if (client == NULL ||
        gnutls_certificate_allocate_credentials(&client->credentials) != GNUTLS_E_SUCCESS ||
        gnutls_init(&client->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) != GNUTLS_E_SUCCESS ||
        gnutls_priority_set_direct(client->session, tls_priorities(), NULL) != GNUTLS_E_SUCCESS ||
        gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials) !=
            GNUTLS_E_SUCCESS)
        abort(); /* out of memory: there is no other reason */
    gnutls_transport_set_int(client->session, socket);
    return client;
}

static bool shake_hands(struct tls_client *client, struct error *err)
{
    int result;

    do
        result = gnutls_handshake(client->session);
    while (result == GNUTLS_E_INTERRUPTED || result == GNUTLS_E_WARNING_ALERT_RECEIVED);
    if (result == GNUTLS_E_AGAIN)
        return error_set(err, ERROR_INTERNAL, NULL, "the service did not answer in time");
    return result == GNUTLS_E_SUCCESS ||
           error_set(err, ERROR_INTERNAL, NULL,
                     "the service does not speak TLS as it would with --tls-cert: %s",
                     gnutls_strerror(result));
}

/* That the service has the key, too, the handshake has shown. */
static bool is_shown(const struct tls_client *client, const gnutls_datum_t *trusted)
{
    unsigned count = 0;
    const gnutls_datum_t *shown = gnutls_certificate_get_peers(client->session, &count);

    return shown != NULL && count > 0 && trusted->data != NULL && shown[0].size == trusted->size &&
           memcmp(shown[0].data, trusted->data, trusted->size) == 0;
}

bool tls_client_open(int socket, const char *certificate, struct tls_client **out,
                     struct error *err)
{
    gnutls_datum_t trusted = {0};
    bool ok = false;

    if (!load_trusted(certificate, &trusted, err))
        return false;
    struct tls_client *client = new_client(socket);
    if (shake_hands(client, err))
        ok = is_shown(client, &trusted) ||
             error_set(err, ERROR_INTERNAL, NULL,
                       "the service shows another certificate than that of --tls-cert %.60s",
                       certificate);
    gnutls_free(trusted.data);
    if (ok)
        *out = client;
    else
        tls_client_close(client);
    return ok;
}

static ssize_t translate(ssize_t result)
{
    if (result >= 0)
        return result;
    switch (result) {
    case GNUTLS_E_AGAIN:
        errno = EAGAIN;
        return -1;
    case GNUTLS_E_INTERRUPTED:
        errno = EINTR;
        return -1;
    case GNUTLS_E_PREMATURE_TERMINATION:
        errno = ECONNRESET;
        return -1;
    default:
        errno = EPROTO;
        return -1;
    }
}

ssize_t tls_client_send(struct tls_client *client, const void *data, size_t len)
{
    return translate(gnutls_record_send(client->session, data, len));
}

ssize_t tls_client_receive(struct tls_client *client, void *out, size_t size)
{
    return translate(gnutls_record_recv(client->session, out, size));
}

void tls_client_close(struct tls_client *client)
{
    if (client == NULL)
        return;
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->credentials);
    free(client);
}
