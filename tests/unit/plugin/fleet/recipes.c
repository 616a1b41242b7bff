/* The recipes of recipes.h. A new command needs its row here. */
#include "tests/unit/plugin/fleet/recipes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct fleet recipes_fleet;
static cJSON *package, *batch;

static void device_bar(void)
{
	struct ota_identity d0 = { "PK", "d0" };
	struct ota_device device;

	cr_assert_eq(ota_store_begin(recipes_fleet.store, NULL), 0);
	cr_assert_eq(ota_device_find(recipes_fleet.store, &d0, &device, NULL), 0);
	device.barred = true;
	cr_assert_eq(ota_device_save(recipes_fleet.store, &device, NULL), 0);
	cr_assert_eq(ota_store_commit(recipes_fleet.store, NULL), 0);
}

/* A version to go back to. */
static void old_package_prove(void)
{
	struct ota_package_files files;
	struct ota_package old;

	cr_assert_eq(ota_store_begin(recipes_fleet.store, NULL), 0);
	cr_assert_eq(ota_package_find(recipes_fleet.store, "PK", OTA_MODULE_DEFAULT, "2.0.0", &old, NULL), 0);
	cr_assert_eq(ota_package_files(recipes_fleet.store, &old, &files, NULL), 0);
	old.id = ota_store_new_id(recipes_fleet.store, NULL);
	files.items[0].id = ota_store_new_id(recipes_fleet.store, NULL);
	snprintf(old.version, sizeof(old.version), "1.0.0");
	old.verification = OTA_VERIFIED;
	snprintf(old.verified_sha256, sizeof(old.verified_sha256), "%s", old.full.sha256);
	cr_assert_eq(ota_package_insert(recipes_fleet.store, &old, &files, NULL), 0);
	cr_assert_eq(ota_store_commit(recipes_fleet.store, NULL), 0);
}
#define LAB "{\"command\":\"addToGroup\",\"productKey\":\"PK\",\"group\":\"lab\",\"names\":[\"d0\"]}"

/* clang-format off */
static const struct recipe recipes[] = {
	{ "getServer",           "" },
	{ "createProduct",       ",\"productKey\":\"P2\",\"name\":\"two\"" },
	{ "updateProduct",       ",\"productKey\":\"PK\",\"delivery\":\"mqtt\"" },
	{ "listProducts",        "" },
	{ "getProduct",          ",\"productKey\":\"PK\"" },
	{ "registerDevices",     ",\"productKey\":\"PK\",\"names\":[\"new\"]" },
	{ "importDevices",       ",\"productKey\":\"PK\",\"devices\":[{\"deviceName\":\"new\",\"secret\":\"s\"}]" },
	{ "tagDevices",          ",\"productKey\":\"PK\",\"names\":[\"d0\"],\"set\":{\"a\":\"b\"}" },
	{ "renewSecret",         ",\"productKey\":\"PK\",\"deviceName\":\"d0\"" },
	{ "getDevice",           ",\"productKey\":\"PK\",\"deviceName\":\"d0\"" },
	{ "explainDevice",       ",\"productKey\":\"PK\",\"deviceName\":\"d0\"" },
	{ "listDevices",         ",\"productKey\":\"PK\"" },
	{ "versionDistribution", ",\"productKey\":\"PK\"" },
	{ "addToGroup",          ",\"productKey\":\"PK\",\"group\":\"lab\",\"names\":[\"d1\"]", LAB },
	{ "removeFromGroup",     ",\"productKey\":\"PK\",\"group\":\"lab\",\"names\":[\"d0\"]", LAB },
	{ "listGroups",          ",\"productKey\":\"PK\"" },
	{ "getGroup",            ",\"productKey\":\"PK\",\"group\":\"lab\"", LAB },
	{ "listGroupMembers",    ",\"productKey\":\"PK\",\"group\":\"lab\"", LAB },
	{ "deleteGroup",         ",\"productKey\":\"PK\",\"group\":\"lab\"", LAB },
	{ "addFile",             ",\"productKey\":\"PK\",\"size\":@size,\"sha256\":\"@sha256\",\"md5\":\"@md5\"" },
	{ "addPackage",          ",\"productKey\":\"PK\",\"version\":\"3.0.0\",\"size\":@size,\"sha256\":\"@sha256\",\"md5\":\"@md5\"" },
	{ "listPackages",        "" },
	{ "getPackage",          ",\"package\":@package" },
	{ "yankPackage",         ",\"package\":@package,\"force\":true" },
	{ "linkPackage",         ",\"package\":@package" },
	{ "createBatch",         ",\"package\":@package,\"kind\":\"verify\",\"targets\":{\"names\":[\"d1\"]}", },
	{ "listBatches",         "" },
	{ "getBatch",            ",\"batch\":@batch" },
	{ "exportBatch",         ",\"batch\":@batch" },
	{ "listTasks",           ",\"batch\":@batch" },
	{ "getTask",             ",\"task\":1" },
	{ "listEvents",          "" },
	{ "retryBatch",          ",\"batch\":@batch" },
	{ "cloneBatch",          ",\"batch\":@batch,\"onConflict\":\"skip\"" },
	{ "rollbackBatch",       ",\"batch\":@batch,\"version\":\"1.0.0\"", NULL, old_package_prove },
	{ "pauseBatch",          ",\"batch\":@batch" },
	{ "resumeBatch",         ",\"batch\":@batch", "{\"command\":\"pauseBatch\",\"batch\":@batch}" },
	{ "advanceBatch",        ",\"batch\":@batch" },
	{ "updateBatch",         ",\"batch\":@batch,\"strategy\":{\"maxInFlight\":5}" },
	{ "confirmTasks",        ",\"batch\":@batch,\"all\":true" },
	{ "cancelBatch",         ",\"batch\":@batch" },
	{ "unbarDevice",         ",\"productKey\":\"PK\",\"deviceName\":\"d0\"", NULL, device_bar },
	{ "disableDevice",       ",\"productKey\":\"PK\",\"deviceName\":\"d0\"" },
	{ "enableDevice",        ",\"productKey\":\"PK\",\"deviceName\":\"d0\"",
				 "{\"command\":\"disableDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}" },
	{ "reportTransfer",      ",\"sha256\":\"@sha256\",\"e\":\"1\",\"d\":\"0000000000000000\",\"k\":\"00000000\","
				 "\"s\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"bytes\":1" },
	{ "createToken",         ",\"name\":\"new\",\"role\":\"viewer\"" },
	{ "listTokens",          "" },
	{ "revokeToken",         ",\"name\":\"old\"", "{\"command\":\"createToken\",\"name\":\"old\",\"role\":\"viewer\"}" },
	{ "backupServer",        "" },
	{ "checkServer",         "" },
	{ "getJob",              ",\"job\":1700000000000", "{\"command\":\"checkServer\"}" },
};
/* clang-format on */

const struct recipe *recipe_of(const struct ota_command *command)
{
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++)
		if (strcmp(recipes[i].command, command->name) == 0)
			return &recipes[i];
	cr_assert(false, "%s has no recipe: add one to the table above", command->name);
	return NULL;
}

void recipes_open(void)
{
	fleet_open(&recipes_fleet, 2);
	package = fleet_do(&recipes_fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");
	batch = fleet_do(&recipes_fleet, "{\"command\":\"getBatch\",\"batch\":%lld}",
			 (long long)fleet_batch(&recipes_fleet, "verify",
						    ",\"targets\":{\"names\":[\"d0\"]},"
						    "\"strategy\":{\"confirm\":true,\"stages\":[{\"count\":1}]}"));
}

void recipes_close(void)
{
	cJSON_Delete(package);
	cJSON_Delete(batch);
	fleet_close(&recipes_fleet);
}

/* What a placeholder stands for; *ret_size is how long its name is. */
static const cJSON *placeholder_find(const char *name, size_t *ret_size)
{
	static const char *const of_package[] = {"size", "sha256", "md5"};

	for (size_t i = 0; i < sizeof(of_package) / sizeof(of_package[0]); i++) {
		*ret_size = strlen(of_package[i]);
		if (strncmp(name, of_package[i], *ret_size) == 0)
			return cJSON_GetObjectItem(package, of_package[i]);
	}
	*ret_size = strcspn(name, "}\",");
	return cJSON_GetObjectItem(strncmp(name, "batch", 5) == 0 ? batch : package, "id");
}

static void text_fill(struct ota_bytes *out, const char *text)
{
	const char *at;

	for (; (at = strchr(text, '@')); text = at) {
		size_t size;
		const cJSON *value = placeholder_find(at + 1, &size);

		ota_bytes_append(out, text, (size_t)(at - text));
		if (cJSON_IsString(value))
			ota_bytes_text(out, value->valuestring);
		else
			ota_bytes_format(out, "%.0f", value->valuedouble);
		at += 1 + size;
	}
	ota_bytes_text(out, text);
}

cJSON *recipe_ask(const struct recipe *recipe, const char *token, const char *more)
{
	OTA_AUTO_BYTES struct ota_bytes command = {0};

	ota_bytes_format(&command, "{\"command\":\"%s\"", recipe->command);
	text_fill(&command, recipe->members);
	ota_bytes_format(&command, "%s}", more);
	return fleet_ask_as(&recipes_fleet, token, command.data);
}

void recipe_prepare(const struct recipe *recipe)
{
	OTA_AUTO_BYTES struct ota_bytes before = {0};

	if (recipe->prepare)
		recipe->prepare();
	if (!recipe->before)
		return;
	text_fill(&before, recipe->before);
	cJSON_Delete(fleet_do(&recipes_fleet, "%s", before.data));
}
