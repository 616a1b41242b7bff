#include "plugin/access/proof.h"

#include <string.h>

const char *ota_proof_check(struct ota_keyring *keyring, const struct ota_triple_login *login,
			    const struct ota_triple_policy *policy, int64_t boot_ms, struct ota_error *error)
{
	char secret[OTA_SECRET_MAX + 1] = "";
	int code = ota_keyring_find(keyring, login->identity, boot_ms, secret, error);
	const char *why = ota_triple_verify(login, code == 0 ? secret : NULL, policy);

	explicit_bzero(secret, sizeof(secret));
	return code < 0 && code != OTA_ENOTFOUND ? "secret_unreadable" : why;
}
