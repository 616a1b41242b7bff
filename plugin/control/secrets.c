/* Secrets of devices: brought or made, sealed, and told once at most. */
#include <openssl/crypto.h>
#include <string.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/text.h"
#include "plugin/control/call.h"
#include "plugin/store/device_secret.h"

_Static_assert((int)OTA_SEALED_SIZE <= (int)OTA_SEALED_MAX, "a sealed secret fits its column");

/* Opened when the first secret comes: most servers never have one. What is only tried makes no key: the vault stays NULL. */
static int vault_need(struct ota_call *call, struct ota_error *error)
{
	struct ota_control *control = call->control;
	char path[4096];
	bool any;

	if (control->vault)
		return 0;
	if (!ota_file_join(path, sizeof(path), control->options.store_dir, "secret.key"))
		return ota_fail(error, OTA_ELIMIT, "the store directory's name is too long");
	int failed = ota_device_secret_any(call->store, &any, error);
	if (!failed && (any || !call->undo))
		failed = ota_vault_open(path, !any, &control->vault, error);
	/* Whatever it is, it is not the asking operator's. */
	return failed ? ota_error_recode(error, OTA_EIO) : 0;
}

/* Whether it is the one that is held. What cannot be opened any more is not. */
static bool secret_is(const struct ota_call *call, const struct ota_device *device, const struct ota_device_secret *held,
		      const char *secret)
{
	char known[OTA_SECRET_MAX + 1] = "";
	bool opened = !ota_vault_open_secret(call->control->vault, &device->identity, held->sealed, known, NULL);
	size_t size = strlen(secret);
	bool same = opened && strlen(known) == size && CRYPTO_memcmp(known, secret, size) == 0;

	explicit_bzero(known, sizeof(known));
	return same;
}

int ota_call_secret_keep(struct ota_call *call, const struct ota_device *device, const char *secret, bool *ret_changed,
			 struct ota_error *error)
{
	struct ota_device_secret row = { 0 };
	int failed = vault_need(call, error);

	*ret_changed = true;
	if (failed || !call->control->vault)
		return failed;
	failed = ota_device_secret_find(call->store, device->id, &row, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	*ret_changed = failed == OTA_ENOTFOUND || !secret_is(call, device, &row, secret);
	if (!*ret_changed)
		return 0;
	row.device_id = device->id;
	row.at_ms = call->now.wall_ms;
	failed = ota_vault_seal(call->control->vault, &device->identity, secret, row.sealed, error);
	return failed ? failed : ota_device_secret_save(call->store, &row, error);
}

/* As long and as spelled as those of the platform. */
static int secret_make(char ret_secret[OTA_MADE_SECRET_HEX + 1])
{
	unsigned char bytes[OTA_MADE_SECRET_HEX / 2];

	if (ota_random(bytes, sizeof(bytes)) < 0)
		return OTA_EIO;
	ota_text_hex(ret_secret, bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

int ota_call_secret_give(struct ota_call *call, const struct ota_device *device, struct ota_error *error)
{
	char secret[OTA_MADE_SECRET_HEX + 1] = "";
	bool changed = false;

	if (secret_make(secret) < 0)
		return ota_fail(error, OTA_EIO, "no random bytes for a secret");
	int failed = ota_call_secret_keep(call, device, secret, &changed, error);
	if (!failed && !call->undo) /* it will never be the device's */
		ota_answer_text(call->out, "deviceSecret", secret);
	explicit_bzero(secret, sizeof(secret));
	call->secret = true;
	return failed;
}

int ota_handle_renew_secret(struct ota_call *call, struct ota_error *error)
{
	struct ota_device device;
	int failed = ota_call_device(call, &device, error);

	if (failed)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_text(call->out, "productKey", device.identity.product_key);
	ota_answer_text(call->out, "deviceName", device.identity.device_name);
	failed = ota_call_secret_give(call, &device, error);
	ota_answer_close(call->out, '}');
	if (failed)
		return failed;
	const struct ota_call_subject subject = {device.identity.product_key, .device = &device};
	return ota_call_note(call, subject, "secret_renewed", "", error);
}
