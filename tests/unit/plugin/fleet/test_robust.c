/* One bad row, one loud device or one greedy request does not stop the others. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "common/time.h"
#include "plugin/store/batch.h"
#include "plugin/store/device.h"
#include "plugin/store/task.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void twenty_devices(void)
{
	fleet_open(&fleet, 20);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(robust, .init = twenty_devices, .fini = close_fleet);

static void device_up(int device, const char *version)
{
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, version);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static int64_t batch_of_one(int device, const char *members)
{
	char all[256];

	snprintf(all, sizeof(all), ",\"targets\":{\"names\":[\"d%d\"]}%s", device, members);
	return fleet_batch(&fleet, "static", all);
}

/* As an older or newer server, or a damaged disk, may have left it: the batch of d0's task cannot be read. */
static void poison(struct ota_batch *batch, const struct ota_task *like)
{
	const struct ota_identity identity = { .product_key = "PK", .device_name = "d0" };
	struct ota_task task = *like;
	struct ota_device device;

	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_device_find(fleet.store, &identity, &device, NULL), 0);
	batch->id = ota_store_new_id(fleet.store, NULL);
	batch->rev = 1;
	batch->kind = OTA_BATCH_STATIC;
	batch->package_id = 1;
	ota_text_cut(batch->product_key, sizeof(batch->product_key), "PK");
	ota_text_cut(batch->module, sizeof(batch->module), "default");
	ota_text_cut(batch->strategy, sizeof(batch->strategy), "{\"noSuchMember\":1}");
	cJSON *package = NULL;
	ota_store_commit(fleet.store, NULL);
	package = fleet_do(&fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");
	batch->package_id = (int64_t)cJSON_GetObjectItem(package, "id")->valuedouble;
	cJSON_Delete(package);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_batch_insert(fleet.store, batch, NULL), 0);
	task.id = ota_store_new_id(fleet.store, NULL);
	task.batch_id = batch->id;
	task.device_id = device.id;
	task.package_id = batch->package_id;
	ota_text_cut(task.module, sizeof(task.module), "default");
	ota_text_cut(task.version, sizeof(task.version), "2.0.0");
	cr_assert_eq(ota_task_insert(fleet.store, &task, NULL), 0);
	ota_store_commit(fleet.store, NULL);
}

static void another_device_upgrades(void)
{
	device_up(1, "1.0.0");
	batch_of_one(1, "");
	fleet_progress(&fleet, 1, 100);
	fleet_disconnect(&fleet, 1);
	device_up(1, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 1), "succeeded/version_reported");
	device_up(2, "1.0.0");
	batch_of_one(2, ",\"strategy\":{\"retries\":0}");
	fleet_advance(&fleet, 2 * OTA_HOUR_MS);
	cr_assert_str_eq(fleet_task(&fleet, 2), "failed/push_timeout");
}

static const char *version_of(int device)
{
	static char said[OTA_VERSION_MAX + 1];
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d%d\"}", device);
	const cJSON *module = cJSON_GetArrayItem(cJSON_GetObjectItem(row, "modules"), 0);

	snprintf(said, sizeof(said), "%s", module ? cJSON_GetObjectItem(module, "version")->valuestring : "");
	cJSON_Delete(row);
	return said;
}

Test(robust, a_due_task_that_cannot_be_read_keeps_no_other_from_its_timer)
{
	struct ota_batch batch = { .state = OTA_BATCH_RUNNING, .prepared = true };

	poison(&batch, &(struct ota_task){ .state = OTA_TASK_PUSHED, .attempt = 1, .deadline_at = 20, .due_at = 20 });
	another_device_upgrades();
}

Test(robust, a_version_told_by_a_device_whose_task_cannot_be_read_is_kept_and_stops_nobody)
{
	struct ota_batch batch = { .state = OTA_BATCH_RUNNING, .prepared = true };

	poison(&batch, &(struct ota_task){ .state = OTA_TASK_PENDING });
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.2.3");
	another_device_upgrades();
	cJSON *row = fleet_ask(&fleet, "{\"command\":\"listDevices\",\"productKey\":\"PK\",\"version\":\"1.2.3\"}");
	cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(cJSON_GetObjectItem(row, "data"), "items")), 1);
	cJSON_Delete(row);
}

Test(robust, a_batch_that_cannot_be_read_does_not_keep_others_from_being_prepared)
{
	struct ota_batch batch = { .state = OTA_BATCH_CANCELED, .prepared = true, .canceling = true };

	poison(&batch, &(struct ota_task){ .state = OTA_TASK_PENDING });
	another_device_upgrades();
}

Test(robust, a_walk_through_a_batch_passes_over_a_task_that_cannot_be_read)
{
	struct ota_batch batch = { .state = OTA_BATCH_RUNNING, .prepared = true };

	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	poison(&batch, &(struct ota_task){ .state = OTA_TASK_PENDING });
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_wake_batch(fleet.engine, batch.id), 0);
	ota_store_commit(fleet.store, NULL);
	another_device_upgrades();
}

Test(robust, batches_past_their_end_that_wait_for_lost_devices_do_not_keep_a_new_one_from_being_prepared)
{
	for (int i = 0; i < 17; i++) {
		device_up(i, "1.0.0");
		batch_of_one(i, ",\"strategy\":{\"endAfter\":\"1h\"}");
		cr_assert_str_eq(fleet_task(&fleet, i), "pushed");
	}
	fleet_advance(&fleet, 50 * OTA_MINUTE_MS);
	for (int i = 0; i < 17; i++)
		fleet_disconnect(&fleet, i);
	fleet_advance(&fleet, 30 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	device_up(18, "1.0.0");
	batch_of_one(18, "");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 18), "pushed");
}

/* A turn at this instant whose transaction is lost. */
static void turn_lost(void)
{
	bool more;

	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 50, &more, NULL), 0);
	ota_store_rollback(fleet.store);
	ota_outbox_clear(&fleet.outbox);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_rolled_back(fleet.engine, NULL), 0);
	ota_store_commit(fleet.store, NULL);
}

Test(robust, a_connect_that_settled_in_a_lost_transaction_settles_again_and_disturbs_no_download)
{
	device_up(1, "1.0.0");
	fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d0\",\"d1\"]}");
	fleet_progress(&fleet, 1, 30);
	fleet_advance(&fleet, 10 * OTA_MINUTE_MS);
	fleet_pushes(&fleet, 1);
	fleet_connect(&fleet, 0);
	fleet.now.heard_ms += 2 * OTA_SECOND_MS;
	turn_lost();
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/settling");
	fleet_advance(&fleet, 1);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	cr_assert_eq(fleet_pushes(&fleet, 1), 0);
}

Test(robust, a_walk_that_went_on_in_a_lost_transaction_is_walked_again)
{
	device_up(0, "1.0.0");
	int64_t batch = batch_of_one(1, "");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"pauseBatch\",\"batch\":%lld}", (long long)batch));
	device_up(1, "1.0.0");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"resumeBatch\",\"batch\":%lld}", (long long)batch));
	turn_lost();
	fleet_advance(&fleet, 1);
	cr_assert_str_eq(fleet_task(&fleet, 1), "pushed");
	cr_assert_eq(fleet_pushes(&fleet, 1), 1);
}

Test(robust, many_failed_transactions_do_not_pile_up_walks)
{
	batch_of_one(3, "");
	ota_store_begin(fleet.store, NULL);
	for (int i = 0; i < 3000; i++)
		cr_assert_eq(ota_engine_rolled_back(fleet.engine, NULL), 0);
	ota_store_commit(fleet.store, NULL);
	fleet_advance(&fleet, OTA_SECOND_MS); /* rests within a thousand turns, or the fixture says so */
}

static int events_of_device(int device)
{
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"productKey\":\"PK\",\"deviceName\":\"d%d\",\"limit\":500}",
			       device);
	int count = cJSON_GetArraySize(cJSON_GetObjectItem(page, "items"));

	cJSON_Delete(page);
	return count;
}

Test(robust, a_device_that_repeats_what_is_only_noted_fills_no_table)
{
	device_up(0, "1.0.0");
	batch_of_one(0, "");
	fleet_progress(&fleet, 0, -2);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
	int before = events_of_device(0);
	for (int i = 0; i < 100; i++) {
		char payload[128];

		snprintf(payload, sizeof(payload), "{\"id\":1,\"params\":{\"step\":%d,\"module\":\"default\"}}",
			 i % 2 ? -1 : 100);
		fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, payload);
		fleet_advance(&fleet, 100);
	}
	int noted = events_of_device(0) - before;
	cr_assert(noted >= 1 && noted <= 2, "%d rows", noted);
}

Test(robust, what_was_verified_stays_so_when_a_later_verify_batch_proves_nothing)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "verify", ",\"targets\":{\"names\":[\"d0\"]}");
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	device_up(0, "2.0.0");
	fleet_batch(&fleet, "verify", ",\"targets\":{\"names\":[\"d0\"]}");
	cJSON *package = fleet_do(&fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");
	cr_assert_str_eq(cJSON_GetObjectItem(package, "verification")->valuestring, "verified");
	cJSON_Delete(package);
	cr_assert_str_eq(version_of(0), "2.0.0");
}

Test(robust, a_dry_run_counts_a_device_under_one_exclusion_only)
{
	device_up(0, "1.0.0");
	batch_of_one(0, ",\"strategy\":{\"soak\":\"1h\"}");
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	cJSON *plan = fleet_do(&fleet,
			       "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\","
			       "\"targets\":{\"names\":[\"d0\"]},\"dryRun\":true}");
	cr_assert_eq(cJSON_GetObjectItem(plan, "matches")->valueint, 0);
	cJSON_Delete(plan);
}

/* Sixty-four orders in one request, whose answers are longer than they; `last` may stand in place of the last. */
static void orders_print(struct ota_bytes *request, int64_t batch, const char *last)
{
	ota_bytes_text(request, "{\"commands\":[");
	for (int i = 0; i < (*last ? 63 : 64); i++)
		ota_bytes_format(request, "%s{\"command\":\"cancelBatch\",\"token\":\"%s\",\"batch\":%lld,\"reason\":\"%0200d\"}",
				 i ? "," : "", fleet.token, (long long)batch, i);
	if (*last)
		ota_bytes_format(request, ",{\"token\":\"%s\",%s", fleet.token, last + 1);
	ota_bytes_text(request, "]}");
}

static int64_t batch_with_a_long_name(void)
{
	OTA_AUTO_BYTES struct ota_bytes members = {0};

	ota_bytes_text(&members, ",\"name\":\"");
	for (int i = 0; i < OTA_LABEL_MAX; i++)
		ota_bytes_text(&members, "\\\"");
	ota_bytes_text(&members, "\"");
	return fleet_batch(&fleet, "static", members.data);
}

static int cancellations(int64_t batch)
{
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"batch\":%lld,\"limit\":500}", (long long)batch);
	const cJSON *event;
	int count = 0;

	cJSON_ArrayForEach(event, cJSON_GetObjectItem(page, "items"))
		count += !strcmp(cJSON_GetObjectItem(event, "event")->valuestring, "batch_canceled");
	cJSON_Delete(page);
	return count;
}

Test(robust, answers_of_changing_commands_stay_under_64_KiB_and_what_does_not_fit_is_not_done)
{
	OTA_AUTO_BYTES struct ota_bytes request = {0}, answer = {0};
	int64_t batch = batch_with_a_long_name();
	const cJSON *response;
	int done = 0, refused = 0;

	orders_print(&request, batch, "");
	cr_assert(request.size <= OTA_PAYLOAD_MAX);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_control_handle(fleet.control, (struct ota_span){request.data, request.size}, "test", fleet.now, &answer,
					NULL),
		     0);
	ota_store_commit(fleet.store, NULL);
	cr_assert(answer.size <= OTA_PAYLOAD_MAX, "%zu bytes", answer.size);
	cJSON *tree = cJSON_Parse(answer.data);
	cJSON_ArrayForEach(response, cJSON_GetObjectItem(tree, "responses"))
	{
		done += cJSON_GetObjectItem(response, "data") != NULL;
		refused += cJSON_GetObjectItem(response, "error") != NULL;
	}
	cJSON_Delete(tree);
	cr_assert_eq(done + refused, 64);
	cr_assert_gt(refused, 0);
	cr_assert_eq(cancellations(batch), done);
}

Test(robust, a_command_that_is_undone_sends_nothing)
{
	OTA_AUTO_BYTES struct ota_bytes request = {0}, answer = {0};
	int64_t batch = batch_with_a_long_name();

	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	device_up(0, "1.0.0");
	for (int i = 0; i < 6; i++) {
		batch_of_one(0, "");
		fleet_progress(&fleet, 0, 100);
		fleet_advance(&fleet, OTA_SECOND_MS);
		fleet_inform(&fleet, 0, "1.0.0");
		if (i == 5)
			cr_assert_eq(ota_engine_online(fleet.engine), 1);
		fleet_advance(&fleet, i < 5 ? 3 * OTA_SECOND_MS : 1);
	}
	/* An order for another module waits behind the bar. */
	cJSON *package = fleet_do(&fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");
	cJSON_Delete(fleet_do(
		&fleet,
		"{\"command\":\"addPackage\",\"productKey\":\"PK\",\"module\":\"mcu\",\"version\":\"2.0.0\",\"size\":%d,"
		"\"sha256\":\"%s\","
		"\"md5\":\"%s\"}",
		cJSON_GetObjectItem(package, "size")->valueint, cJSON_GetObjectItem(package, "sha256")->valuestring,
		cJSON_GetObjectItem(package, "md5")->valuestring));
	cJSON_Delete(package);
	cJSON_Delete(fleet_do(&fleet,
			      "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"module\":\"mcu\",\"version\":\"2.0.0\","
			      "\"kind\":\"verify\",\"targets\":{\"names\":[\"d0\"]}}"));
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/barred");
	fleet_pushes(&fleet, 0);
	orders_print(&request, batch, "{\"command\":\"unbarDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}");
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_control_handle(fleet.control, (struct ota_span){request.data, request.size}, "test", fleet.now, &answer,
					NULL),
		     0);
	ota_store_commit(fleet.store, NULL);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/barred");
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
}
