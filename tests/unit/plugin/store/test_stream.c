/* What a device may fetch over MQTT, as a reader beside the store sees it. */
#include <string.h>

#include "fixture.h"
#include "plugin/store/stream.h"

static struct ota_reader *reader;
static struct ota_package package;
static struct ota_task task;

/* Unyanked and in the package directory, pushed to device "a". */
static void stream_open(void)
{
	struct ota_batch batch;

	fixture_open();
	insert_product("pk");
	package = sample_package("pk", "2.0");
	package.yanked = false;
	package.full.url[0] = '\0';
	package.full.file_name[0] = '\0';
	MUST(package_put(&package));
	batch = insert_batch(&package);
	task = sample_task(&batch, insert_device("pk", "a"));
	task.state = OTA_TASK_PUSHED;
	MUST(ota_task_insert(fixture.store, &task, &fixture.error));
	insert_device("pk", "b");
	MUST(ota_store_commit(fixture.store, &fixture.error));
	MUST(ota_store_begin(fixture.store, &fixture.error));
	MUST(ota_reader_open(fixture.directory, &reader, &fixture.error));
}

static void stream_close(void)
{
	reader = ota_reader_free(reader);
	fixture_close();
}

TestSuite(stream, .init = stream_open, .fini = stream_close);

static int read_as(const char *device_name, struct ota_stream *stream)
{
	struct ota_identity identity = {.product_key = "pk"};

	snprintf(identity.device_name, sizeof(identity.device_name), "%s", device_name);
	fixture.error = (struct ota_error){0};
	return ota_stream_read(reader, &identity, task.id, stream, &fixture.error);
}

static void task_become(enum ota_task_state state)
{
	struct ota_task before = task;

	task.state = state;
	MUST(ota_task_save(fixture.store, &before, &task, &fixture.error));
	MUST(ota_store_commit(fixture.store, &fixture.error));
	MUST(ota_store_begin(fixture.store, &fixture.error));
}

Test(stream, is_the_package_of_the_devices_own_task)
{
	struct ota_stream stream;

	cr_assert_eq(read_as("a", &stream), 0, "%s", fixture.error.text);
	cr_expect_eq(stream.task_id, task.id);
	cr_expect_eq(stream.attempt, task.attempt);
	cr_expect_eq(stream.size, package.full.size);
	cr_expect_str_eq(stream.sha256, package.full.sha256);
	cr_expect_eq(read_as("b", &stream), OTA_ENOTFOUND, "another device's");
	cr_expect_str_empty(fixture.error.text);
}

Test(stream, lasts_while_the_task_is_in_work)
{
	struct ota_stream stream;

	task_become(OTA_TASK_UPGRADING);
	cr_expect_eq(read_as("a", &stream), 0);
	task_become(OTA_TASK_PENDING);
	cr_expect_eq(read_as("a", &stream), OTA_ENOTFOUND);
	task_become(OTA_TASK_CANCELED);
	cr_expect_eq(read_as("a", &stream), OTA_ENOTFOUND);
}

Test(stream, ends_with_the_yank_of_its_package)
{
	struct ota_stream stream;

	package.yanked = true;
	MUST(ota_package_save(fixture.store, &package, &fixture.error));
	cr_expect_eq(read_as("a", &stream), 0, "not committed yet");
	MUST(ota_store_commit(fixture.store, &fixture.error));
	MUST(ota_store_begin(fixture.store, &fixture.error));
	cr_expect_eq(read_as("a", &stream), OTA_ENOTFOUND);
}
