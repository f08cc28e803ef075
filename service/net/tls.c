#include "service/net/tls.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHAIN_MAX 16
#define KEY_ID_BYTES 32 /* SHA-256 */

struct pair {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    struct pair *previous;
};

/* A replaced pair stays allocated until tls_close(), since handshakes may still use it. That costs
 * a few KiB per renewal. */
struct tls {
    const char *certificate_path;
    const char *key_path;
    struct log *log;
    struct pair *_Atomic current;
};

static void free_pair(struct pair *pair)
{
    for (unsigned i = 0; i < pair->count; i++)
        gnutls_pcert_deinit(&pair->chain[i]);
    if (pair->key != NULL)
        gnutls_privkey_deinit(pair->key);
    free(pair);
}

static bool set_file_error(const char *flag, const char *path, const char *reason,
                           struct error *err)
{
    const int len = (int)strcspn(reason, "."); /* GnuTLS messages end with a period */

    return error_set(err, ERROR_INVALID_PAYLOAD, flag,
                     "--%s %.120s: %.*s; use a PEM file that the user of the service can read",
                     flag, path, len, reason);
}

/* Reads the file into *text. The caller frees text->data with gnutls_free(). */
static bool load_pem(const char *flag, const char *path, gnutls_datum_t *text, struct error *err)
{
    if (gnutls_load_file(path, text) == GNUTLS_E_SUCCESS)
        return true;
    return set_file_error(flag, path, strerror(errno), err);
}

static bool load_chain(const struct tls *tls, struct pair *pair, struct error *err)
{
    unsigned count = CHAIN_MAX;
    gnutls_datum_t text;

    if (!load_pem("tls-cert", tls->certificate_path, &text, err))
        return false;
    const int result =
        gnutls_pcert_list_import_x509_raw(pair->chain, &count, &text, GNUTLS_X509_FMT_PEM,
                                          GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    gnutls_free(text.data);
    if (result < 0)
        return set_file_error("tls-cert", tls->certificate_path, gnutls_strerror(result), err);
    pair->count = count;
    return true;
}

static bool load_key(const struct tls *tls, struct pair *pair, struct error *err)
{
    gnutls_datum_t text;

    if (!load_pem("tls-key", tls->key_path, &text, err))
        return false;
    if (gnutls_privkey_init(&pair->key) != GNUTLS_E_SUCCESS)
        abort();
    const int result =
        gnutls_privkey_import_x509_raw(pair->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    explicit_bzero(text.data, text.size);
    gnutls_free(text.data);
    return result >= 0 || set_file_error("tls-key", tls->key_path, gnutls_strerror(result), err);
}

static bool get_key_id(gnutls_pubkey_t key, unsigned char *id)
{
    size_t size = KEY_ID_BYTES;

    return gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id, &size) == GNUTLS_E_SUCCESS;
}

static bool key_matches_certificate(const struct pair *pair)
{
    unsigned char certificate_id[KEY_ID_BYTES];
    unsigned char private_key_id[KEY_ID_BYTES];
    gnutls_pubkey_t key;

    if (gnutls_pubkey_init(&key) != GNUTLS_E_SUCCESS)
        abort();
    const bool same = gnutls_pubkey_import_privkey(key, pair->key, 0, 0) == GNUTLS_E_SUCCESS &&
                      get_key_id(key, private_key_id) &&
                      get_key_id(pair->chain[0].pubkey, certificate_id) &&
                      memcmp(certificate_id, private_key_id, KEY_ID_BYTES) == 0;
    gnutls_pubkey_deinit(key);
    return same;
}

static bool set_mismatch_error(const struct tls *tls, struct error *err)
{
    return error_set(err, ERROR_INVALID_PAYLOAD, "tls-key",
                     "--tls-key %.120s: the key does not belong to the first certificate of "
                     "--tls-cert %.120s; use the key of this certificate",
                     tls->key_path, tls->certificate_path);
}

static bool load_pair(const struct tls *tls, struct pair **out, struct error *err)
{
    struct pair *pair = calloc(1, sizeof(*pair));

    if (pair == NULL)
        abort();
    if (load_chain(tls, pair, err) && load_key(tls, pair, err) &&
        (key_matches_certificate(pair) || set_mismatch_error(tls, err))) {
        *out = pair;
        return true;
    }
    free_pair(pair);
    return false;
}

static void warn_if_key_exposed(const struct tls *tls)
{
    struct stat status;

    if (stat(tls->key_path, &status) == 0 && (status.st_mode & (S_IRGRP | S_IROTH)) != 0)
        log_event(tls->log, LOG_WARNING, "tls_key_exposed",
                  "other users can read the file of --tls-key; run chmod 0600 on it");
}

bool tls_open(const char *certificate, const char *key, struct log *log, struct tls **out,
              struct error *err)
{
    struct pair *pair = NULL;

    *out = NULL;
    if (certificate == NULL && key == NULL)
        return true;
    if (certificate == NULL || key == NULL)
        return error_set(
            err, ERROR_INVALID_PAYLOAD, NULL,
            "TLS needs both --tls-cert and --tls-key, but only --tls-%s is set; set both or "
            "neither",
            key == NULL ? "cert" : "key");
    struct tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL)
        abort();
    *tls = (struct tls){.certificate_path = certificate, .key_path = key, .log = log};
    if (!load_pair(tls, &pair, err)) {
        free(tls);
        return false;
    }
    warn_if_key_exposed(tls);
    atomic_init(&tls->current, pair);
    *out = tls;
    return true;
}

void tls_close(struct tls *tls)
{
    if (tls == NULL)
        return;
    struct pair *pair = atomic_load(&tls->current);
    while (pair != NULL) {
        struct pair *previous = pair->previous;
        free_pair(pair);
        pair = previous;
    }
    free(tls);
}

/* Equal certificates have equal keys. */
static bool has_same_chain(const struct pair *a, const struct pair *b)
{
    bool same = a->count == b->count;

    for (unsigned i = 0; same && i < a->count; i++) {
        const gnutls_datum_t *left = &a->chain[i].cert;
        const gnutls_datum_t *right = &b->chain[i].cert;
        same = left->size == right->size && memcmp(left->data, right->data, left->size) == 0;
    }
    return same;
}

void tls_reload(struct tls *tls)
{
    struct pair *pair = NULL;
    struct error err;

    if (tls == NULL)
        return;
    if (!load_pair(tls, &pair, &err)) {
        log_event(tls->log, LOG_ERROR, "tls_reload_failed", err.detail);
        return;
    }
    pair->previous = atomic_load(&tls->current);
    if (has_same_chain(pair, pair->previous)) {
        free_pair(pair);
        log_event(tls->log, LOG_INFO, "tls_reloaded", "the certificate is unchanged");
    } else {
        atomic_store(&tls->current, pair);
        log_event(tls->log, LOG_INFO, "tls_reloaded", NULL);
    }
    warn_if_key_exposed(tls);
}

const char *tls_priorities(void)
{
    return "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
           "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305";
}

void tls_attach(struct tls *tls, void *session)
{
    gnutls_session_set_ptr(session, tls);
}

void tls_send(void *session, const void *data, size_t len)
{
    (void)gnutls_record_send(session, data, len);
}

static int on_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities,
                       int authority_count, const gnutls_pk_algorithm_t *algorithms,
                       int algorithm_count, gnutls_pcert_st **chain, unsigned *chain_length,
                       gnutls_privkey_t *key)
{
    const struct tls *tls = gnutls_session_get_ptr(session);
    struct pair *pair = atomic_load(&tls->current);

    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    *chain = pair->chain;
    *chain_length = pair->count;
    *key = pair->key;
    return 0;
}

tls_function *tls_retriever(void)
{
    gnutls_certificate_retrieve_function2 *function = on_retrieve;

    return (tls_function *)function;
}
