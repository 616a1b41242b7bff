/* A check finds what is wrong, each in a sentence, and nothing where all is well. */
#include <stdlib.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"
#include "fixture.h"
#include "plugin/store/inspect.h"

static struct ota_findings *findings;
static char image[SCRATCH_SIZE];

static void open_all(void)
{
	findings = calloc(1, sizeof(*findings));
	fixture_open();
}

static void close_all(void)
{
	free(findings);
	fixture_close();
}

TestSuite(inspect, .init = open_all, .fini = close_all);

/* A product with devices that said their version, a package with its file, a batch with a task. */
static void world_make(void)
{
	static const char content[] = "an image";
	struct ota_package package;
	struct ota_digest_result digests;
	struct ota_batch batch;

	insert_product("pk");
	scratch_write(fixture.directory, "image", content);
	scratch_path(image, fixture.directory, "image");
	cr_assert_eq(ota_digest_of_file(image, &digests, NULL), 0);
	package = sample_package("pk", "2.0");
	package.yanked = false;
	package.full.size = digests.size;
	memcpy(package.full.sha256, digests.sha256, sizeof(digests.sha256));
	MUST(package_put(&package));
	batch = insert_batch(&package);
	insert_task(&batch, insert_device("pk", "d1"));
	scratch_path(image, fixture.directory, digests.sha256);
	scratch_write(fixture.directory, digests.sha256, content);
	MUST(ota_store_commit(fixture.store, &fixture.error));
	sql_execute("UPDATE product SET devices = 1");
}

static bool beat(void *context, int percent)
{
	(void)context;
	return percent >= 0;
}

static void inspect(bool deep)
{
	static const struct ota_pulse pulse = {beat, NULL};
	const struct ota_inspection inspection = {.package_dir = fixture.directory, .deep = deep, .pulse = &pulse};
	char path[SCRATCH_SIZE];
	struct ota_db *db = NULL;

	memset(findings, 0, sizeof(*findings));
	scratch_path(path, fixture.directory, OTA_STORE_FILE);
	MUST(ota_db_open_beside(path, &db, &fixture.error));
	MUST(ota_inspect_store(db, &inspection, findings, &fixture.error));
	ota_db_free(db);
}

static void expect_one(const char *part, const char *words)
{
	cr_assert_eq(findings->count, 1, "%zu findings, first: %s", findings->count, findings->rows[0].text);
	cr_expect_str_eq(findings->rows[0].part, part);
	cr_expect_not_null(strstr(findings->rows[0].text, words), "%s", findings->rows[0].text);
}

static void expect_nothing(void)
{
	cr_expect_eq(findings->count, 0, "%s", findings->rows[0].text);
}

Test(inspect, finds_nothing_where_all_is_well)
{
	world_make();
	inspect(true);
	expect_nothing();
}

Test(inspect, finds_counters_that_differ_from_a_recount)
{
	world_make();
	sql_execute("UPDATE product SET devices = 7");
	inspect(false);
	expect_one("counters", "product pk: 7 devices are kept count of, there are 1");
	sql_execute("UPDATE product SET devices = 1");
	sql_execute("UPDATE batch_count SET n = n + 2");
	inspect(false);
	expect_one("counters", "tasks are kept count of");
	sql_execute("DELETE FROM batch_count");
	inspect(false);
	expect_one("counters", "0 tasks are kept count of, there are 1");
}

Test(inspect, finds_versions_that_differ_from_a_recount)
{
	world_make();
	sql_execute("INSERT INTO version_count (product_key, module, version, n) VALUES ('pk', 'default', '9.9', 3)");
	inspect(false);
	expect_one("counters", "version pk default 9.9: 3 devices are kept count of, there are 0");
}

Test(inspect, finds_two_tasks_of_a_device_that_exclude_each_other)
{
	world_make();
	sql_execute("DROP INDEX task_unfinished");
	sql_execute("CREATE TABLE other AS SELECT * FROM task");
	sql_execute("UPDATE other SET id = id + 500");
	sql_execute("INSERT INTO task SELECT * FROM other");
	sql_execute("UPDATE task SET state = 'pushed'");
	sql_execute("UPDATE batch_count SET state = 'pushed', n = 2");
	inspect(false);
	cr_assert_eq(findings->count, 2, "%zu", findings->count);
	cr_expect_not_null(strstr(findings->rows[0].text, "1 unfinished task of a module is allowed, there are 2"));
	cr_expect_not_null(strstr(findings->rows[1].text, "1 task may be pushed or upgrading, there are 2"));
}

Test(inspect, finds_rows_that_refer_to_none)
{
	world_make();
	sql_execute("PRAGMA foreign_keys = OFF; UPDATE task SET device_id = 4711");
	inspect(false);
	expect_one("store", "of task refers to a row of device that does not exist");
}

Test(inspect, finds_packages_without_their_file)
{
	world_make();
	cr_assert_eq(truncate(image, 3), 0);
	inspect(false);
	expect_one("packages", "has another size");
	cr_assert_eq(unlink(image), 0);
	inspect(false);
	expect_one("packages", "is missing");
	sql_execute("UPDATE package SET yanked = 1");
	inspect(false);
	expect_nothing();
}

Test(inspect, reads_packages_only_when_it_is_to)
{
	world_make();
	scratch_write(fixture.directory, strrchr(image, '/') + 1, "AN IMAGE");
	inspect(false);
	expect_nothing();
	inspect(true);
	expect_one("packages", "has other bytes");
}

/* In the middle of the file, where only tables and indexes stand. */
Test(inspect, finds_a_damaged_page)
{
	char path[SCRATCH_SIZE];
	FILE *file = NULL;

	world_make();
	for (int i = 0; i < 400; i++)
		sql_execute("INSERT INTO meta (name, value) VALUES (hex(randomblob(16)), hex(randomblob(200)))");
	fixture.store = ota_store_free(fixture.store);
	scratch_path(path, fixture.directory, OTA_STORE_FILE);
	file = fopen(path, "r+");
	cr_assert_not_null(file);
	fseek(file, -4096 * 3 + 3, SEEK_END);
	fputs("\xff\xff\xff\xff", file);
	fclose(file);
	inspect(false);
	cr_assert_geq(findings->count, 1);
	cr_expect_not_null(strstr(findings->rows[0].text, "the store is damaged"), "%s", findings->rows[0].text);
	cr_expect_not_null(strstr(findings->rows[0].text, "otactl server restore"));
}
