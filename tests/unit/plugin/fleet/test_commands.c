/* The whole table of commands, row by row: who may, and what the log says of it. A new command needs its recipe here. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/command.h"
#include "common/credential.h"
#include "common/text.h"
#include "tests/unit/plugin/fleet/fixture.h"

/* A command that works in the test's world, behind another one where it needs that. @batch, @package and the like stand for the
 * members of the world's batch and package. */
struct recipe {
	const char *command;
	const char *members; /* "" or ,"key":value... */
	const char *before;  /* a whole command of the admin, NULL = none */
	void (*prepare)(void);
};

static struct fleet fleet;
static cJSON *package, *batch;

static void device_bar(void)
{
	struct ota_identity d0 = { "PK", "d0" };
	struct ota_device device;

	cr_assert_eq(ota_store_begin(fleet.store, NULL), 0);
	cr_assert_eq(ota_device_find(fleet.store, &d0, &device, NULL), 0);
	device.barred = true;
	cr_assert_eq(ota_device_save(fleet.store, &device, NULL), 0);
	cr_assert_eq(ota_store_commit(fleet.store, NULL), 0);
}

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
	{ "listDevices",         ",\"productKey\":\"PK\"" },
	{ "versionDistribution", ",\"productKey\":\"PK\"" },
	{ "addFile",             ",\"productKey\":\"PK\",\"size\":@size,\"sha256\":\"@sha256\",\"md5\":\"@md5\"" },
	{ "addPackage",          ",\"productKey\":\"PK\",\"version\":\"3.0.0\",\"size\":@size,\"sha256\":\"@sha256\",\"md5\":\"@md5\"" },
	{ "listPackages",        "" },
	{ "getPackage",          ",\"package\":@package" },
	{ "yankPackage",         ",\"package\":@package,\"force\":true" },
	{ "linkPackage",         ",\"package\":@package" },
	{ "createBatch",         ",\"package\":@package,\"kind\":\"verify\",\"targets\":{\"names\":[\"d1\"]}", },
	{ "listBatches",         "" },
	{ "getBatch",            ",\"batch\":@batch" },
	{ "listTasks",           ",\"batch\":@batch" },
	{ "getTask",             ",\"task\":1" },
	{ "listEvents",          "" },
	{ "pauseBatch",          ",\"batch\":@batch" },
	{ "resumeBatch",         ",\"batch\":@batch", "{\"command\":\"pauseBatch\",\"batch\":@batch}" },
	{ "advanceBatch",        ",\"batch\":@batch" },
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

static const struct recipe *recipe_of(const struct ota_command *command)
{
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++)
		if (strcmp(recipes[i].command, command->name) == 0)
			return &recipes[i];
	cr_assert(false, "%s has no recipe: add one to the table above", command->name);
	return NULL;
}

static void world_open(void)
{
	fleet_open(&fleet, 2);
	package = fleet_do(&fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");
	batch = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}",
			 (long long)fleet_batch(&fleet, "verify",
						    ",\"targets\":{\"names\":[\"d0\"]},\"strategy\":{\"stages\":[{\"count\":1}]}"));
}

static void world_close(void)
{
	cJSON_Delete(package);
	cJSON_Delete(batch);
	fleet_close(&fleet);
}

TestSuite(commands, .init = world_open, .fini = world_close);

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

static cJSON *recipe_ask(const struct recipe *recipe, const char *token, const char *more)
{
	OTA_AUTO_BYTES struct ota_bytes command = {0};

	ota_bytes_format(&command, "{\"command\":\"%s\"", recipe->command);
	text_fill(&command, recipe->members);
	ota_bytes_format(&command, "%s}", more);
	return fleet_ask_as(&fleet, token, command.data);
}

static void recipe_prepare(const struct recipe *recipe)
{
	OTA_AUTO_BYTES struct ota_bytes before = {0};

	if (recipe->prepare)
		recipe->prepare();
	if (!recipe->before)
		return;
	text_fill(&before, recipe->before);
	cJSON_Delete(fleet_do(&fleet, "%s", before.data));
}

/* --- who may --- */

/* A conflict or the like comes from behind the door: only a denial counts. */
static bool is_denied(cJSON *response)
{
	const cJSON *error = cJSON_GetObjectItem(response, "error");
	bool denied = error && strcmp(cJSON_GetObjectItem(error, "code")->valuestring, "denied") == 0;

	cJSON_Delete(response);
	return denied;
}

struct holder {
	const char *what;
	enum ota_role role; /* what the token must be good for */
	char token[OTA_TOKEN_SIZE];
};

static void holder_make(struct holder *holder)
{
	bool expires = strcmp(holder->what, "expired") == 0, revoked = strcmp(holder->what, "revoked") == 0;
	const char *role = expires || revoked ? "admin" : holder->what;

	ota_text_cut(holder->token, sizeof(holder->token), fleet_token(&fleet, holder->what, role, expires ? "1m" : ""));
	if (expires)
		fleet_advance(&fleet, OTA_MINUTE_MS);
	if (revoked)
		cJSON_Delete(fleet_do(&fleet, "{\"command\":\"revokeToken\",\"name\":\"revoked\"}"));
}

Test(commands, each_row_is_allowed_to_its_role_and_those_above_and_to_nobody_else)
{
	struct holder holders[] = {
		{ "expired", OTA_ROLE_NONE, "" },       { "revoked", OTA_ROLE_NONE, "" }, { "viewer", OTA_ROLE_VIEWER, "" },
		{ "operator", OTA_ROLE_OPERATOR, "" },  { "admin2", OTA_ROLE_ADMIN, "" }, { "none", OTA_ROLE_NONE, "" },
		{ "a stranger", OTA_ROLE_NONE, "" },
	};
	enum { HOLDERS = sizeof(holders) / sizeof(holders[0]), MADE = HOLDERS - 3 };

	for (int i = 0; i < MADE; i++)
		holder_make(&holders[i]);
	ota_text_cut(holders[MADE].token, OTA_TOKEN_SIZE, fleet_token(&fleet, "second", "admin", ""));
	cr_assert_eq(ota_token_new(holders[HOLDERS - 1].token), 0);
	for (size_t i = 0; i < ota_command_count(); i++) {
		const struct ota_command *command = ota_command_at(i);

		if (command->role == OTA_ROLE_NONE)
			continue; /* needs no token */
		for (int j = 0; j < HOLDERS; j++)
			cr_expect_eq(is_denied(recipe_ask(recipe_of(command), holders[j].token, "")),
				     holders[j].role < command->role, "%s with a token: %s", command->name, holders[j].what);
	}
}

/* --- what the log says --- */

static bool is_noted(const char *actor, const char *reason)
{
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"limit\":20}");
	const cJSON *event;
	bool noted = false;

	cJSON_ArrayForEach(event, cJSON_GetObjectItem(page, "items")) {
		const cJSON *by = cJSON_GetObjectItem(event, "actor");

		noted |= by && strcmp(by->valuestring, actor) == 0 &&
			 strstr(cJSON_GetObjectItem(event, "detail")->valuestring, reason) != NULL;
	}
	cJSON_Delete(page);
	return noted;
}

/* By a token that has just the role the row asks for. */
static void change_check(const struct ota_command *command)
{
	const struct recipe *recipe = recipe_of(command);
	char token[OTA_TOKEN_SIZE];

	world_open();
	ota_text_cut(token, sizeof(token), fleet_token(&fleet, "ann", ota_role_name(command->role), ""));
	recipe_prepare(recipe);
	cJSON *response = recipe_ask(recipe, token, ",\"reason\":\"because of 42\"");
	const cJSON *error = cJSON_GetObjectItem(response, "error");
	cr_expect(!error, "%s: %s", command->name, error ? cJSON_GetObjectItem(error, "message")->valuestring : "");
	cr_expect(is_noted("ann", "because of 42"), "%s leaves no row with its actor and reason", command->name);
	cJSON_Delete(response);
	world_close();
}

Test(audit, each_change_is_in_the_log_with_actor_and_reason)
{
	for (size_t i = 0; i < ota_command_count(); i++)
		if (ota_command_at(i)->mutating && ota_command_at(i)->role > OTA_ROLE_NONE)
			change_check(ota_command_at(i));
}
