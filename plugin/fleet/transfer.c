/* Downloads as the gateway tells of them: bytes of an attempt. No task is moved by them; only what its device says does that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "plugin/fleet/context.h"

enum { TASKS_LOOKED_AT = 20, ATTEMPTS_LOOKED_AT = 16, DEVICES_OF_BUCKET = 32 };

/* The URL names its device by a hash; the bucket every device has comes from the same one, and an index is on that. */
static int device_find(struct ota_engine *engine, uint64_t hash, struct ota_device *ret_device, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_device *rows = calloc(DEVICES_OF_BUCKET, sizeof(*rows));
	int64_t bucket = (int64_t)(hash % 1000000), after = 0;
	size_t count = DEVICES_OF_BUCKET;
	int failed = rows ? 0 : OTA_ENOMEM;

	while (!failed && count == DEVICES_OF_BUCKET) {
		failed = ota_device_list_bucket(engine->options.store, bucket, after, rows, DEVICES_OF_BUCKET, &count, error);
		for (size_t i = 0; !failed && i < count; i++) {
			after = rows[i].id;
			if (ota_identity_hash(&rows[i].identity) != hash)
				continue;
			*ret_device = rows[i];
			return 0;
		}
	}
	return failed ? failed : OTA_ENOTFOUND;
}

/* Which file of the task's package that is: a task of another package offers none. */
static int task_offers(struct ota_engine *engine, const struct ota_task *task, const char *sha256,
		       struct ota_attempt_bytes *ret_file, bool *ret_offers, struct ota_error *error)
{
	struct ota_package package;
	struct ota_package_files files = { 0 };
	int failed = ota_package_load(engine->options.store, task->package_id, &package, error);

	*ret_offers = false;
	if (!failed)
		failed = ota_package_files(engine->options.store, &package, &files, error);
	ret_file->file_count = files.count;
	for (size_t i = 0; !failed && !*ret_offers && i < files.count; i++) {
		ret_file->file = i;
		*ret_offers = !strcmp(files.items[i].sha256, sha256);
	}
	return failed;
}

/* The attempt in which the URL was made: the last one that had begun by then. 0: none had. */
static int attempt_find(struct ota_engine *engine, const struct ota_task *task, int64_t made_s, int64_t *ret_number,
			struct ota_error *error)
{
	struct ota_attempt rows[ATTEMPTS_LOOKED_AT];
	size_t count = 0;
	int failed = ota_attempt_list(engine->options.store, task->id, rows, ATTEMPTS_LOOKED_AT, &count, error);

	*ret_number = 0;
	for (size_t i = 0; !failed && i < count; i++) {
		if (rows[i].pushed_ms / OTA_SECOND_MS <= made_s)
			*ret_number = rows[i].attempt;
	}
	return failed;
}

static int task_find(struct ota_engine *engine, const struct ota_device *device, const struct ota_url_claim *claim,
		     struct ota_attempt_bytes *ret_more, int64_t *ret_batch, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_task *rows = calloc(TASKS_LOOKED_AT, sizeof(*rows));
	int64_t made_s = claim->expires_s - engine->options.url_lifetime_ms / OTA_SECOND_MS;
	size_t count = 0;
	int failed = rows ? 0 : OTA_ENOMEM;

	if (!failed)
		failed = ota_task_list_of_device(engine->options.store, device->id, rows, TASKS_LOOKED_AT, &count, error);
	for (size_t i = 0; !failed && i < count; i++) {
		bool offers;

		failed = task_offers(engine, &rows[i], claim->sha256, ret_more, &offers, error);
		if (failed || !offers)
			continue;
		failed = attempt_find(engine, &rows[i], made_s, &ret_more->number, error);
		if (failed || ret_more->number) {
			ret_more->task_id = rows[i].id;
			*ret_batch = rows[i].batch_id;
			return failed;
		}
	}
	return failed ? failed : OTA_ENOTFOUND;
}

static int whole_note(struct ota_engine *engine, const struct ota_device *device, const struct ota_transfer_place *place,
		      struct ota_instant now, struct ota_error *error)
{
	struct ota_attempt attempt;
	struct ota_event event = {
		.at_ms = now.wall_ms,
		.device_id = device->id,
		.batch_id = place->batch_id,
		.task_id = place->task_id,
		.attempt = place->attempt,
		.event = "fetched",
	};
	int failed = ota_attempt_find(engine->options.store, place->task_id, place->attempt, &attempt, error);

	if (failed)
		return failed;
	ota_text_cut(event.product_key, sizeof(event.product_key), device->identity.product_key);
	ota_text_cut(event.device_name, sizeof(event.device_name), device->identity.device_name);
	snprintf(event.detail, sizeof(event.detail), "to the last byte, %lld bytes sent, attempt %lld", (long long)attempt.bytes,
		 (long long)attempt.attempt);
	return ota_engine_note(engine, &event, error);
}

/* Bytes for an attempt that is found; its row keeps the sum. */
static int bytes_add(struct ota_engine *engine, const struct ota_device *device, const struct ota_transfer_place *place,
		     const struct ota_attempt_bytes *more, struct ota_instant now, struct ota_error *error)
{
	bool first = false;
	int failed = ota_attempt_add_transfer(engine->options.store, more, &first, error);

	return !failed && first ? whole_note(engine, device, place, now, error) : failed;
}

int ota_fetched_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error)
{
	const struct ota_fetched *fetched = &event->fetched;
	struct ota_transfer_place place = { .task_id = fetched->task_id, .attempt = fetched->attempt };
	struct ota_attempt_bytes more = {
		.task_id = fetched->task_id,
		.number = fetched->attempt,
		.bytes = fetched->bytes,
		.whole_ms = fetched->whole ? event->at.wall_ms : 0,
		.file_count = 1, /* a stream is of one file */
	};
	struct ota_device device;
	struct ota_task task;
	int failed = ota_task_load(engine->options.store, fetched->task_id, &task, error);

	if (!failed)
		failed = ota_device_load(engine->options.store, task.device_id, &device, error);
	place.batch_id = failed ? 0 : task.batch_id;
	if (!failed)
		failed = bytes_add(engine, &device, &place, &more, event->at, error);
	return failed == OTA_ENOTFOUND ? 0 : failed;
}

int ota_engine_transfer(struct ota_engine *engine, const struct ota_transfer *transfer, struct ota_instant now,
			struct ota_transfer_place *ret_place, struct ota_error *error)
{
	struct ota_url_claim claim;
	struct ota_device device;
	struct ota_attempt_bytes more = { .bytes = transfer->bytes, .whole_ms = transfer->whole ? now.wall_ms : 0 };
	int64_t batch = 0;
	/* A download may outlive its URL, so its age does not matter here; whoever asks has no more than it from it. */
	int failed = ota_url_verify(engine->options.url_keys, &transfer->query, 0, &claim, error);

	*ret_place = (struct ota_transfer_place){ 0 };
	if (failed)
		return failed;
	failed = device_find(engine, claim.device, &device, error);
	if (!failed)
		failed = task_find(engine, &device, &claim, &more, &batch, error);
	if (!failed) {
		*ret_place = (struct ota_transfer_place){ more.task_id, batch, more.number };
		failed = bytes_add(engine, &device, ret_place, &more, now, error);
	}
	return failed == OTA_ENOTFOUND ? 0 : failed;
}
