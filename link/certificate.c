#include "link/certificate.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "common/text.h"

enum {
	CERTIFICATE_PATIENCE_S = 3,
	CERTIFICATE_NAP_MS = 20,
};

static const char *fault_text(long fault)
{
	switch (fault) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "the broker's certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "the broker's certificate is not valid yet; is this device's clock right?";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "the broker's certificate is of another host";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return "the broker's certificate is self-signed";
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "the broker's certificate is of an authority that is not trusted here";
	default:
		return X509_verify_cert_error_string(fault);
	}
}

static SSL_CTX *context_new(const char *ca_file)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		return NULL;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (ca_file ? SSL_CTX_load_verify_file(context, ca_file) : SSL_CTX_set_default_verify_paths(context))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

static bool expect_host(SSL *ssl, const char *host)
{
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host))
		return true;
	return SSL_set1_host(ssl, host) && SSL_set_tlsext_host_name(ssl, host);
}

/* The handshake's verdict. A broker that wants our own certificate ends the handshake after it, which does not matter here. */
static long handshake(SSL_CTX *context, const struct link_server *server)
{
	BIO *bio = BIO_new_ssl_connect(context);
	SSL *ssl = NULL;
	long fault = X509_V_OK;

	if (bio)
		BIO_get_ssl(bio, &ssl);
	if (ssl && expect_host(ssl, server->host) && BIO_set_conn_hostname(bio, link_server_address(server)) > 0) {
		BIO_do_connect_retry(bio, CERTIFICATE_PATIENCE_S, CERTIFICATE_NAP_MS);
		fault = SSL_get_verify_result(ssl);
	}
	BIO_free_all(bio);
	return fault;
}

bool link_certificate_fault(const struct link_server *server, const char *ca_file, char *target, size_t size)
{
	SSL_CTX *context = context_new(ca_file);
	long fault = context ? handshake(context, server) : X509_V_OK;

	SSL_CTX_free(context);
	if (fault == X509_V_OK)
		return false;
	ota_text_cut(target, size, fault_text(fault));
	return true;
}
