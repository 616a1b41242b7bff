/* Who is a device of ours: registered by an operator, or by its first report where the product is open. */
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/limits.h"
#include "common/text.h"
#include "plugin/fleet/context.h"

/* Made for open products alone, so operators bound how many there are. */
struct ota_registration {
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	struct ota_pace pace;
	UT_hash_handle hh;
};

static struct ota_registration *registration_of(struct ota_engine *engine, const char *product_key)
{
	struct ota_registration *row = NULL;

	HASH_FIND_STR(engine->registrations, product_key, row);
	if (row)
		return row;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	ota_text_cut(row->product_key, sizeof(row->product_key), product_key);
	HASH_ADD_STR(engine->registrations, product_key, row);
	return row;
}

void ota_registrations_free(struct ota_engine *engine)
{
	struct ota_registration *row, *next;

	HASH_ITER(hh, engine->registrations, row, next) {
		HASH_DEL(engine->registrations, row);
		free(row);
	}
}

static int device_insert(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_device *ret_device,
			 struct ota_error *error)
{
	struct ota_work work = { .engine = engine, .at = event->at };
	struct ota_device device = {
		.rev = 1,
		.identity = event->identity,
		.bucket = (int64_t)(ota_identity_hash(&event->identity) % 1000000),
		.created_ms = event->at.wall_ms,
		.last_seen_ms = event->at.wall_ms,
	};

	device.id = ota_store_new_id(engine->options.store, error);
	if (!device.id)
		return OTA_EIO;
	int failed = ota_device_insert(engine->options.store, &device, error);
	if (failed)
		return failed;
	*ret_device = device;
	work.device = device;
	return ota_note(&work, "device_registered", error, "by its first report: registration of %s is open",
			event->identity.product_key);
}

/* Whoever may connect may make up names, and every name becomes a row: so many a minute, then no more. A device that is refused
 * is registered by its next report. */
static int device_register(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_device *ret_device,
			   struct ota_error *error)
{
	static const struct ota_pace_rate rate = {
		.count = OTA_OPEN_REGISTRATIONS_SECOND,
		.period_ms = OTA_SECOND_MS,
		.burst = OTA_OPEN_REGISTRATIONS_BURST,
	};
	struct ota_registration *registration = registration_of(engine, event->identity.product_key);

	if (!registration)
		return OTA_ENOMEM;
	if (!ota_pace_take(&registration->pace, rate, event->at.heard_ms))
		return ota_fail(error, OTA_EDENIED, "device %s is not registered yet: more than %d new ones in a second",
				event->identity.device_name, OTA_OPEN_REGISTRATIONS_SECOND);
	return device_insert(engine, event, ret_device, error);
}

int ota_device_of(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_device *ret_device,
		  struct ota_error *error)
{
	struct ota_product product;
	int failed = ota_device_find(engine->options.store, &event->identity, ret_device, error);

	if (failed != OTA_ENOTFOUND)
		return failed;
	failed = ota_product_find(engine->options.store, event->identity.product_key, &product, error);
	if (failed == OTA_ENOTFOUND)
		return ota_fail(error, OTA_EDENIED, "product %s is not known", event->identity.product_key);
	if (failed)
		return failed;
	if (!product.open_registration)
		return ota_fail(error, OTA_EDENIED, "device %s is not registered", event->identity.device_name);
	return device_register(engine, event, ret_device, error);
}
