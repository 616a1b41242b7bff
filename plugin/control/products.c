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

static enum ota_delivery delivery_of(const char *word)
{
	return strcmp(word, "mqtt") ? OTA_DELIVERY_HTTP : OTA_DELIVERY_MQTT;
}

int ota_handle_create_product(struct ota_call *call, struct ota_error *error)
{
	struct ota_product product = { .created_ms = call->now.wall_ms, .rev = 1 };
	char sign[16], registration[16], delivery[16];

	ota_call_text(call, "productKey", "", product.product_key, sizeof(product.product_key));
	ota_call_text(call, "name", product.product_key, product.name, sizeof(product.name));
	ota_call_text(call, "signMethod", "auto", sign, sizeof(sign));
	ota_call_text(call, "registration", "listed", registration, sizeof(registration));
	ota_call_text(call, "delivery", "http", delivery, sizeof(delivery));
	product.sign = sign_of(sign);
	product.delivery = delivery_of(delivery);
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

/* Sets what the command names. ret_detail tells it for the log. */
static void product_change(struct ota_call *call, struct ota_product *product, struct ota_bytes *ret_detail)
{
	static const char *const keys[] = { "registration", "signMethod", "delivery" };
	char words[3][16], name[OTA_LABEL_MAX + 1];

	for (size_t i = 0; i < 3; i++) {
		ota_call_text(call, keys[i], "", words[i], sizeof(words[i]));
		if (*words[i])
			ota_bytes_format(ret_detail, "%s%s %s", ret_detail->size ? ", " : "", keys[i], words[i]);
	}
	if (ota_json_member(call->at.object, "name")) {
		ota_call_text(call, "name", "", name, sizeof(name));
		ota_bytes_format(ret_detail, "%sname %s", ret_detail->size ? ", " : "", name);
		ota_text_cut(product->name, sizeof(product->name), *name ? name : product->product_key);
	}
	if (*words[0])
		product->open_registration = !strcmp(words[0], "open");
	if (*words[1])
		product->sign = sign_of(words[1]);
	if (*words[2])
		product->delivery = delivery_of(words[2]);
}

int ota_handle_update_product(struct ota_call *call, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes detail = {0};
	struct ota_product product;
	int failed = ota_call_product(call, &product, error);

	if (failed)
		return failed;
	product_change(call, &product, &detail);
	if (detail.failed)
		return ota_fail(error, OTA_ENOMEM, "no memory for a change of a product");
	failed = ota_product_save(call->store, &product, error);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){product.product_key}, "product_changed", detail.data,
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
