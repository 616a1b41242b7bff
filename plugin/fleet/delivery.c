/* How the bytes of an offer go: by a URL, or block by block over MQTT. */
#include <string.h>

#include "common/command_rules.h"
#include "common/message.h"
#include "plugin/fleet/context.h"
#include "plugin/store/device_tag.h"

/* "" when the operator left it to the device and its product. */
static int tag_find(const struct ota_work *work, char word[OTA_DEVICE_TAG_VALUE_MAX + 1], struct ota_error *error)
{
	struct ota_device_tag tags[OTA_DEVICE_TAGS_MAX];
	size_t count = 0;
	int failed = ota_device_tag_list(work->engine->options.store, work->device.id, tags, OTA_DEVICE_TAGS_MAX, &count, error);

	*word = 0;
	for (size_t i = 0; !failed && i < count; i++) {
		if (!strcmp(tags[i].tag, OTA_DEVICE_TAG_DELIVERY))
			memcpy(word, tags[i].value, sizeof(tags[i].value));
	}
	return failed;
}

bool ota_engine_can_stream(const struct ota_package *package)
{
	return !*package->full.url && !*package->full.file_name;
}

/* What blocks cannot bring is offered by a URL, whatever was wished: the device then says what it makes of it. */
static bool stream_is_possible(const struct ota_work *work, const struct ota_package *package)
{
	return ota_engine_can_stream(package) && work->task.id <= OTA_STREAM_ID_MAX;
}

int ota_delivery_choose(const struct ota_work *work, const struct ota_package *package, const struct ota_product *product,
			enum ota_delivery *ret_delivery, struct ota_error *error)
{
	char word[OTA_DEVICE_TAG_VALUE_MAX + 1];
	int failed = tag_find(work, word, error);
	bool wished = work->device.caps & OTA_CAP_MQTT || product->delivery == OTA_DELIVERY_MQTT;

	if (*word)
		wished = !strcmp(word, "mqtt");
	*ret_delivery = !failed && wished && stream_is_possible(work, package) ? OTA_DELIVERY_MQTT : OTA_DELIVERY_HTTP;
	return failed;
}

int ota_delivery_of(const struct ota_work *work, enum ota_delivery *ret_delivery, struct ota_error *error)
{
	struct ota_store *store = work->engine->options.store;
	struct ota_package package;
	struct ota_product product;
	int failed = ota_package_load(store, work->task.package_id, &package, error);

	if (!failed)
		failed = ota_product_find(store, package.product_key, &product, error);
	return failed ? failed : ota_delivery_choose(work, &package, &product, ret_delivery, error);
}
