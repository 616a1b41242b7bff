#include "agent/adapters/login.h"

#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "common/text.h"
#include "common/triple.h"
#include "common/version.h"

/* What both C SDKs send. No server judges it: a device may not know the time before it is connected. */
#define TIMESTAMP "2524608000000"

_Static_assert(2 * OTA_TRIPLE_MAC_MAX < OTA_LINK_PASSWORD_SIZE, "the hex of a signature is a password");

/* "PK.DN" as the C SDKs have it; where names of ours are longer than a cid may be, a hash of them. */
static void cid_print(char target[OTA_TRIPLE_CID_MAX + 1], const struct ota_identity *identity)
{
	int size = snprintf(target, OTA_TRIPLE_CID_MAX + 1, "%s.%s", identity->product_key, identity->device_name);

	if (size > OTA_TRIPLE_CID_MAX)
		snprintf(target, OTA_TRIPLE_CID_MAX + 1, "%016llx", (unsigned long long)ota_identity_hash(identity));
}

static bool signs(const struct agent_login_options *options)
{
	return options->secret_file && options->secret_file[0];
}

void agent_login_client_id(const struct agent_login_options *options, char ret_client_id[OTA_CLIENT_ID_MAX + 1])
{
	char cid[OTA_TRIPLE_CID_MAX + 1], proof[64] = "";

	cid_print(cid, &options->identity);
	if (signs(options))
		snprintf(proof, sizeof(proof), "timestamp=" TIMESTAMP ",signmethod=%s,",
			 ota_triple_method_word(OTA_TRIPLE_SHA256));
	/* securemode: 2 = TLS, 3 = plain TCP (aliyun-ota.md section 3). */
	snprintf(ret_client_id, OTA_CLIENT_ID_MAX + 1, "%s|%ssecuremode=%d,_v=ota-agent-%s|", cid, proof, options->is_tls ? 2 : 3,
		 OTA_SOFTWARE_VERSION);
}

static int secret_read(const char *path, char ret_secret[OTA_SECRET_MAX + 1], struct ota_error *error)
{
	char text[OTA_SECRET_MAX + 3] = ""; /* a line may end in CR LF */
	int rc = ota_file_read_secret(path, text, sizeof(text), error);

	text[strcspn(text, "\r\n")] = '\0';
	if (!rc && !ota_text_is_secret(ota_span_from_text(text)))
		rc = ota_fail(error, OTA_EINVALID, "%s: must be one line of 1..%d visible ASCII characters without a space", path,
			      OTA_SECRET_MAX);
	if (!rc)
		ota_text_cut(ret_secret, OTA_SECRET_MAX + 1, text);
	explicit_bzero(text, sizeof(text));
	return rc ? ota_error_prefix(error, rc, "device_secret_file") : 0;
}

int agent_login_password(const struct agent_login_options *options, char ret_password[OTA_LINK_PASSWORD_SIZE],
			 struct ota_error *error)
{
	char cid[OTA_TRIPLE_CID_MAX + 1], secret[OTA_SECRET_MAX + 1] = "";
	unsigned char mac[OTA_TRIPLE_MAC_MAX];
	struct ota_triple_content content = {
		.identity = &options->identity,
		.cid = {cid, 0},
		.timestamp = ota_span_from_text(TIMESTAMP),
		.method = OTA_TRIPLE_SHA256,
	};
	int rc = secret_read(options->secret_file, secret, error);

	if (rc)
		return rc;
	cid_print(cid, &options->identity);
	content.cid = ota_span_from_text(cid);
	rc = ota_triple_sign(&content, secret, mac);
	explicit_bzero(secret, sizeof(secret));
	if (rc)
		return ota_fail(error, rc, "the login could not be signed");
	ota_text_hex(ret_password, mac, ota_triple_mac_size(content.method));
	return 0;
}
