/*
 * cert.c: the throw-away certificates of a sandbox with TLS.  Made on the
 * owner's thread at start; the CA's own key is forgotten at once.
 */
#include "sandbox.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY (24L * 3600)

static EVP_PKEY *make_key(void)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    if (ctx && EVP_PKEY_keygen_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1) == 1)
        EVP_PKEY_keygen(ctx, &key);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool done = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

/* A certificate without extensions and signature, valid from yesterday. */
static X509 *make_cert(EVP_PKEY *key, const char *name)
{
    X509 *cert = X509_new();
    unsigned char serial[8];
    if (!cert || RAND_bytes(serial, sizeof serial) != 1)
        goto failed;
    serial[0] = (unsigned char)((serial[0] & 0x7f) | 1);
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    bool set =
        number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    if (!set)
        goto failed;
    X509_set_version(cert, 2);
    X509_gmtime_adj(X509_getm_notBefore(cert), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(cert), 30 * DAY);
    if (X509_set_pubkey(cert, key) != 1 ||
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
                                   MBSTRING_UTF8, (const unsigned char *)name,
                                   -1, -1, 0) != 1)
        goto failed;
    return cert;
failed:
    X509_free(cert);
    return NULL;
}

static bool sign(X509 *cert, X509 *issuer, EVP_PKEY *key)
{
    return X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

static X509 *make_ca(EVP_PKEY *key)
{
    X509 *ca = make_cert(key, "ccaas sandbox CA");
    if (ca &&
        add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE") &&
        add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(ca, ca, NID_subject_key_identifier, "hash") &&
        sign(ca, ca, key))
        return ca;
    X509_free(ca);
    return NULL;
}

static X509 *make_server_cert(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    X509 *cert = make_cert(key, "127.0.0.1");
    if (cert &&
        add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
        add_extension(cert, ca, NID_ext_key_usage, "serverAuth") &&
        add_extension(cert, ca, NID_subject_alt_name,
                      "DNS:localhost,IP:127.0.0.1,IP:::1") &&
        add_extension(cert, ca, NID_authority_key_identifier, "keyid") &&
        sign(cert, ca, ca_key))
        return cert;
    X509_free(cert);
    return NULL;
}

/* mkstemps gives the file mode 0600, whatever the umask. */
static bool write_ca(struct cc_sandbox_cert *cert, X509 *ca)
{
    const char *dir = getenv("TMPDIR");
    int n = snprintf(cert->ca_file, sizeof cert->ca_file,
                     "%s/ccaas-sandbox-XXXXXX.pem", dir && *dir ? dir : "/tmp");
    int fd = -1;
    if (n > 0 && (size_t)n < sizeof cert->ca_file)
        fd = mkstemps(cert->ca_file, 4);
    if (fd < 0) {
        cert->ca_file[0] = '\0';
        return false;
    }
    FILE *file = fdopen(fd, "w");
    if (!file) {
        close(fd);
        return false;
    }
    bool written = PEM_write_X509(file, ca) == 1;
    return fclose(file) == 0 && written;
}

bool cc_sandbox_cert_make(struct cc_sandbox_cert *cert, char *error)
{
    EVP_PKEY *ca_key = make_key();
    X509 *ca = ca_key ? make_ca(ca_key) : NULL;
    if (ca)
        cert->key = make_key();
    if (cert->key)
        cert->cert = make_server_cert(cert->key, ca, ca_key);
    bool written = cert->cert && write_ca(cert, ca);
    if (!written)
        snprintf(error, CC_SANDBOX_ERROR_SIZE, "cannot %s",
                 cert->cert ? "write the CA into the temporary directory"
                            : "make a certificate");
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    ERR_clear_error();
    return written;
}

void cc_sandbox_cert_release(struct cc_sandbox_cert *cert)
{
    if (cert->ca_file[0])
        unlink(cert->ca_file);
    cert->ca_file[0] = '\0';
    X509_free(cert->cert);
    EVP_PKEY_free(cert->key);
    cert->cert = NULL;
    cert->key = NULL;
}
