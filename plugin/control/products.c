#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/topic.h"
#include "plugin/control/call.h"

static enum ota_product_sign sign_of(const char *word)
{
	if (!strcmp(word, "md5"))
		return OTA_PRODUCT_SIGN_MD5;
	return strcmp(word, "sha256") ? OTA_PRODUCT_SIGN_AUTO : OTA_PRODUCT_SIGN_SHA256;
}

int ota_handle_create_product(struct ota_call *call, struct ota_error *error)
{
	struct ota_product product = { .created_ms = call->now.wall_ms, .rev = 1 };
	char sign[16], registration[16];

	ota_call_text(call, "productKey", "", product.product_key, sizeof(product.product_key));
	ota_call_text(call, "name", product.product_key, product.name, sizeof(product.name));
	ota_call_text(call, "signMethod", "auto", sign, sizeof(sign));
	ota_call_text(call, "registration", "listed", registration, sizeof(registration));
	product.sign = sign_of(sign);
	product.open_registration = !strcmp(registration, "open");
	int failed = ota_product_insert(call->store, &product, error);
	if (failed == OTA_ECONFLICT)
		return ota_fail_at(error, failed, "productKey", "product %s exists", product.product_key);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){product.product_key}, "product_created", product.name,
				       error);
	if (!failed)
		ota_answer_product(call->out, NULL, &product);
	return failed;
}

int ota_handle_get_product(struct ota_call *call, struct ota_error *error)
{
	struct ota_product product;
	int failed = ota_call_product(call, &product, error);

	if (!failed)
		ota_answer_product(call->out, NULL, &product);
	return failed;
}

int ota_handle_list_products(struct ota_call *call, struct ota_error *error)
{
	char after[OTA_PRODUCT_KEY_MAX + 1];
	size_t limit = ota_call_limit(call), count = 0, i = 0;
	OTA_AUTO_FREE struct ota_product *rows = calloc(limit, sizeof(*rows));

	ota_call_text(call, "after", "", after, sizeof(after));
	int failed = rows ? ota_product_list(call->store, after, rows, limit, &count, error) : OTA_ENOMEM;
	if (failed)
		return failed;
	ota_page_open(call);
	for (; i < count && ota_page_has_room(call); i++)
		ota_answer_product(call->out, NULL, &rows[i]);
	ota_page_close_text(call, i && (i < count || count == limit) ? rows[i - 1].product_key : NULL);
	return 0;
}

enum { VERSIONS_MAX = 500 };

int ota_handle_version_distribution(struct ota_call *call, struct ota_error *error)
{
	struct ota_product product;
	char module[OTA_MODULE_MAX + 1];
	size_t count = 0;
	OTA_AUTO_FREE struct ota_version_count *rows = calloc(VERSIONS_MAX, sizeof(*rows));
	int failed = rows ? ota_call_product(call, &product, error) : OTA_ENOMEM;

	ota_call_text(call, "module", OTA_MODULE_DEFAULT, module, sizeof(module));
	if (!failed)
		failed = ota_version_distribution(call->store, product.product_key, module, rows, VERSIONS_MAX, &count, error);
	if (failed)
		return failed;

	int64_t unknown = product.devices;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_text(call->out, "productKey", product.product_key);
	ota_answer_text(call->out, "module", module);
	ota_answer_open(call->out, "versions", '[');
	for (size_t i = 0; i < count; i++) {
		ota_answer_open(call->out, NULL, '{');
		ota_answer_text(call->out, "version", rows[i].version);
		ota_answer_integer(call->out, "count", rows[i].count);
		ota_answer_close(call->out, '}');
		unknown -= rows[i].count;
	}
	ota_answer_close(call->out, ']');
	ota_answer_integer(call->out, "unknown", unknown);
	ota_answer_close(call->out, '}');
	return 0;
}
