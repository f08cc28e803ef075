#include "service/net/tls_pin.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA256_BYTES 32

/* Sets *der to the public key. The caller frees der->data with gnutls_free(). */
static int export_key(const gnutls_datum_t *pem, gnutls_datum_t *der)
{
    gnutls_x509_crt_t certificate;
    gnutls_pubkey_t key;

    if (gnutls_x509_crt_init(&certificate) != GNUTLS_E_SUCCESS ||
        gnutls_pubkey_init(&key) != GNUTLS_E_SUCCESS)
        abort(); /* only out of memory fails here */
    int result = gnutls_x509_crt_import(certificate, pem, GNUTLS_X509_FMT_PEM);
    if (result == GNUTLS_E_SUCCESS)
        result = gnutls_pubkey_import_x509(key, certificate, 0);
    if (result == GNUTLS_E_SUCCESS)
        result = gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, der);
    gnutls_pubkey_deinit(key);
    gnutls_x509_crt_deinit(certificate);
    return result;
}

static int make_pin(const gnutls_datum_t *key, char out[TLS_PIN_SIZE])
{
    unsigned char digest[SHA256_BYTES];
    const gnutls_datum_t bytes = {digest, sizeof(digest)};
    gnutls_datum_t text = {0};

    int result = gnutls_hash_fast(GNUTLS_DIG_SHA256, key->data, key->size, digest);
    if (result == GNUTLS_E_SUCCESS)
        result = gnutls_base64_encode2(&bytes, &text);
    if (result == GNUTLS_E_SUCCESS)
        snprintf(out, TLS_PIN_SIZE, "sha256//%.*s", (int)text.size, (const char *)text.data);
    gnutls_free(text.data);
    return result;
}

bool tls_pin_of(const char *path, char out[TLS_PIN_SIZE], struct error *err)
{
    gnutls_datum_t key = {0};
    gnutls_datum_t pem;

    if (gnutls_load_file(path, &pem) != GNUTLS_E_SUCCESS)
        return error_set(err, ERROR_INTERNAL, NULL, "--tls-cert %.80s: %s", path, strerror(errno));
    int result = export_key(&pem, &key);
    if (result == GNUTLS_E_SUCCESS)
        result = make_pin(&key, out);
    gnutls_free(key.data);
    gnutls_free(pem.data);
    return result == GNUTLS_E_SUCCESS ||
           error_set(err, ERROR_INTERNAL, NULL, "--tls-cert %.80s: %s", path,
                     gnutls_strerror(result));
}
