#include "common/command.h"

#include <string.h>

#include "common/command_rules.h"
#include "common/limits.h"
#include "common/nearest.h"
#include "common/text.h"
#include "common/time.h"

#define NONE { NULL, 0 }
#define LIST(name) { name##_rows, sizeof(name##_rows) / sizeof(name##_rows[0]) }
#define DAYS(n) ((int64_t)(n) * OTA_DAY_MS)

static const char *const roles[] = {
	[OTA_ROLE_NONE] = "none",
	[OTA_ROLE_VIEWER] = "viewer",
	[OTA_ROLE_OPERATOR] = "operator",
	[OTA_ROLE_ADMIN] = "admin",
};

static const char *const token_roles[] = { "viewer", "operator", "admin", NULL };
static const char *const registrations[] = { "listed", "open", NULL };
static const char *const sign_methods[] = { "auto", "md5", "sha256", NULL };
static const char *const kinds[] = { "verify", "static", "dynamic", NULL };
static const char *const conflict_answers[] = { "reject", "skip", "supersede", NULL };
static const char *const source_states[] = { "failed", "succeeded", "canceled", "installed", NULL };
static const char *const abort_actions[] = { "pause", "cancel", NULL };
static const char *const cancel_levels[] = { "withdraw", "ask", "revoke", NULL };
static const char *const deliveries[] = { "http", "mqtt", NULL };
static const char *const batch_states[] = { "planned", "running", "paused", "completed", "canceled", NULL };
static const char *const task_states[] = { "pending", "pushed", "upgrading", "succeeded", "failed", "canceled", NULL };

/* One macro per parameter that several commands share, so that it means the same everywhere. */
/* clang-format off */
#define TEXT(n, must, low_, high_) { .name = n, .type = OTA_PARAMETER_TEXT, .required = must, .low = low_, .high = high_ }
#define SHAPE(n, must, high_, check, words) \
	{ .name = n, .type = OTA_PARAMETER_TEXT, .required = must, .low = 1, .high = high_, .is_valid = check, .allowed = words }
#define CHOICE(n, must, list) { .name = n, .type = OTA_PARAMETER_TEXT, .required = must, .choices = list }
#define INTEGER(n, must, low_, high_) { .name = n, .type = OTA_PARAMETER_INTEGER, .required = must, .low = low_, .high = high_ }
#define DURATION(n, low_, high_) { .name = n, .type = OTA_PARAMETER_DURATION, .low = low_, .high = high_ }
#define BOOL(n) { .name = n, .type = OTA_PARAMETER_BOOL }
#define ID(n, must) INTEGER(n, must, 1, OTA_INTEGER_MAX)
#define PRODUCT_KEY(must) SHAPE("productKey", must, OTA_PRODUCT_KEY_MAX, ota_text_is_product_key, "1..32 letters and digits")
#define DEVICE_NAME(must) \
	SHAPE("deviceName", must, OTA_DEVICE_NAME_MAX, ota_text_is_device_name, "1..64 letters, digits and _ . : @ -")
#define GROUP SHAPE("group", true, OTA_GROUP_NAME_MAX, ota_text_is_device_name, "1..64 letters, digits and _ . : @ -")
#define MODULE SHAPE("module", false, OTA_MODULE_MAX, ota_text_is_module, OTA_PLAIN_WORDS)
#define VERSION(must) SHAPE("version", must, OTA_VERSION_MAX, ota_text_is_version, OTA_PLAIN_WORDS)
#define OTA_PLAIN_WORDS "1..64 printable ASCII characters, none of \" \\ { } [ ], no space at an end, and no reserved word"
#define TOKEN_NAME SHAPE("name", true, OTA_TOKEN_NAME_MAX, ota_command_is_token_name, "1..64 letters, digits and _ . @ -")
#define MEASURES(must) \
	INTEGER("size", must, 1, (int64_t)OTA_PACKAGE_SIZE_MAX), \
	SHAPE("sha256", must, OTA_SHA256_HEX, ota_command_is_sha256, "64 lower-case hex digits"), \
	SHAPE("md5", must, OTA_MD5_HEX, ota_command_is_md5, "32 lower-case hex digits")
/* An expression of ota-targets(7); the server parses it. */
#define WHERE TEXT("where", false, 1, OTA_TARGET_TEXT_MAX)
#define PAGE INTEGER("limit", false, 1, OTA_PAGE_MAX), TEXT("after", false, 1, OTA_LABEL_MAX)

static const struct ota_parameter common_rows[] = {
	TEXT("command", true, 1, OTA_LABEL_MAX),
	TEXT("token", false, 0, OTA_LABEL_MAX),
	TEXT("correlationData", false, 0, OTA_LABEL_MAX),
	TEXT("requestId", false, 1, OTA_REQUEST_ID_MAX),
	TEXT("reason", false, 0, OTA_REASON_MAX),
	BOOL("dryRun"),
	INTEGER("ifRev", false, 1, OTA_INTEGER_MAX),
};
enum { COMMON_READING = 3 }; /* how many of common_rows a command may carry that changes nothing */

/* What they say is judged by the strategy's own table in the plugin (rules/strategy.c); here stand their shapes. */
static const struct ota_parameter rate_rows[] = {
	INTEGER("perMinute", true, 0, 1000000), INTEGER("from", false, 0, 1000000), INTEGER("factor", false, 2, 10),
	DURATION("every", OTA_SECOND_MS, DAYS(7)),
};
static const struct ota_parameter window_rows[] = {
	TEXT("from", true, 5, 5), TEXT("to", true, 5, 5), TEXT("zone", false, 1, 48), TEXT("zoneTag", false, 1, OTA_DEVICE_TAG_KEY_MAX),
};
static const struct ota_parameter stage_rows[] = {
	INTEGER("percent", false, 1, 100), INTEGER("count", false, 1, 1000000),
	INTEGER("success", false, 0, 100), INTEGER("finished", false, 1, 100),
	DURATION("soak", 0, DAYS(30)), DURATION("deadline", 0, DAYS(365)), BOOL("manual"),
};
#define CAUSES(n) \
	{ .name = n, .type = OTA_PARAMETER_NAMES, .low = 0, .high = 32, .is_valid = ota_command_is_cause, \
	  .allowed = "a cause is a word such as burn_failed" }

static const struct ota_parameter strategy_rows[] = {
	DURATION("pushTimeout", OTA_SECOND_MS, DAYS(30)),
	DURATION("upgradeTimeout", OTA_SECOND_MS, DAYS(7)),
	DURATION("rebootTimeout", OTA_SECOND_MS, DAYS(7)),
	DURATION("soak", 0, DAYS(30)),
	INTEGER("retries", false, 0, 10),
	DURATION("retryPause", 0, DAYS(7)),
	DURATION("endAfter", OTA_SECOND_MS, DAYS(365)),
	INTEGER("abortPercent", false, 0, 100),
	INTEGER("abortSample", false, 0, 1000000),
	INTEGER("abortCount", false, 0, 1000000),
	CAUSES("abortCauses"), CHOICE("abortAction", false, abort_actions), CAUSES("retryCauses"),
	INTEGER("startAt", false, 0, OTA_INTEGER_MAX), INTEGER("endAt", false, 0, OTA_INTEGER_MAX),
	INTEGER("maxInFlight", false, 0, 1000000),
	BOOL("confirm"), BOOL("pullOnly"), BOOL("autoRollback"),
	{ .name = "rate", .type = OTA_PARAMETER_OBJECT, .members = LIST(rate) },
	{ .name = "window", .type = OTA_PARAMETER_OBJECT, .members = LIST(window) },
	{ .name = "stages", .type = OTA_PARAMETER_OBJECTS, .low = 0, .high = 16, .members = LIST(stage) },
};

static const struct ota_parameter targets_rows[] = {
	BOOL("all"), WHERE, ID("batch", false), CHOICE("state", false, source_states), CAUSES("causes"),
	{ .name = "names", .type = OTA_PARAMETER_NAMES, .low = 1, .high = OTA_NAMES_MAX },
};

static const struct ota_parameter create_product_rows[] = {
	PRODUCT_KEY(true), TEXT("name", false, 0, OTA_LABEL_MAX),
	CHOICE("registration", false, registrations), CHOICE("signMethod", false, sign_methods), CHOICE("delivery", false, deliveries),
};
static const struct ota_parameter page_rows[] = { PAGE };
static const struct ota_parameter product_rows[] = { PRODUCT_KEY(true) };
static const struct ota_parameter register_rows[] = {
	PRODUCT_KEY(true),
	{ .name = "names", .type = OTA_PARAMETER_NAMES, .required = true, .low = 1, .high = OTA_NAMES_MAX },
	BOOL("secrets"),
};
static const struct ota_parameter device_rows[] = { PRODUCT_KEY(true), DEVICE_NAME(true) };
static const struct ota_parameter import_device_rows[] = {
	DEVICE_NAME(true),
	{ .name = "tags", .type = OTA_PARAMETER_OBJECT, .rule = ota_rule_device_tags },
	{ .name = "secret", .type = OTA_PARAMETER_TEXT, .low = 1, .high = OTA_SECRET_MAX, .is_valid = ota_text_is_secret,
	  .secret = true,
	  .allowed = "1..64 visible ASCII characters without a space" },
};
static const struct ota_parameter import_rows[] = {
	PRODUCT_KEY(true),
	{ .name = "devices", .type = OTA_PARAMETER_OBJECTS, .required = true, .low = 1, .high = OTA_IMPORT_MAX,
	  .members = LIST(import_device) },
};
static const struct ota_parameter tag_rows[] = {
	PRODUCT_KEY(true),
	{ .name = "names", .type = OTA_PARAMETER_NAMES, .required = true, .low = 1, .high = OTA_NAMES_MAX },
	{ .name = "set", .type = OTA_PARAMETER_OBJECT, .rule = ota_rule_device_tags },
	{ .name = "unset", .type = OTA_PARAMETER_NAMES, .low = 1, .high = OTA_DEVICE_TAGS_MAX, .is_valid = ota_command_is_tag_key,
	  .allowed = "a tag has 1..32 letters, digits and _ . -" },
};
static const struct ota_parameter add_to_group_rows[] = {
	PRODUCT_KEY(true), GROUP, { .name = "names", .type = OTA_PARAMETER_NAMES, .low = 1, .high = OTA_NAMES_MAX },
};
static const struct ota_parameter remove_from_group_rows[] = {
	PRODUCT_KEY(true), GROUP,
	{ .name = "names", .type = OTA_PARAMETER_NAMES, .required = true, .low = 1, .high = OTA_NAMES_MAX },
};
static const struct ota_parameter list_groups_rows[] = { PRODUCT_KEY(true), PAGE };
static const struct ota_parameter group_rows[] = { PRODUCT_KEY(true), GROUP };
static const struct ota_parameter list_group_members_rows[] = { PRODUCT_KEY(true), GROUP, PAGE };
static const struct ota_parameter list_devices_rows[] = {
	PRODUCT_KEY(true), MODULE, VERSION(false), BOOL("online"), BOOL("disabled"),
	SHAPE("tag", false, OTA_DEVICE_TAG_KEY_MAX + 1 + OTA_DEVICE_TAG_VALUE_MAX, ota_command_is_tag_pair, "KEY=VALUE, KEY of 1..32 letters, digits and _ . -, VALUE of at most 128 bytes"),
	WHERE, PAGE,
};
static const struct ota_parameter versions_rows[] = { PRODUCT_KEY(true), MODULE };
static const struct ota_parameter file_rows[] = {
	SHAPE("name", true, OTA_FILE_NAME_MAX, ota_text_is_file_name,
	      "1..64 letters, digits and _ . + -, no . or - first, and no reserved word"),
	MEASURES(true),
};
static const struct ota_parameter add_file_rows[] = { PRODUCT_KEY(true), MEASURES(false) };
static const struct ota_parameter add_package_rows[] = {
	PRODUCT_KEY(true), MODULE, VERSION(true), MEASURES(false),
	{ .name = "files", .type = OTA_PARAMETER_OBJECTS, .low = OTA_FILES_MIN, .high = OTA_FILES_MAX, .members = LIST(file) },
	SHAPE("url", false, OTA_URL_MAX, ota_command_is_package_url,
	      "http(s)://HOST/..., at most 255 characters of a URL, without user, password and fragment"),
	{ .name = "notes", .type = OTA_PARAMETER_TEXT, .high = OTA_NOTES_MAX, .is_valid = ota_command_is_notes,
	  .allowed = "at most 1024 bytes of UTF-8 without control characters but line ends and tabs" },
	{ .name = "extData", .type = OTA_PARAMETER_OBJECT, .rule = ota_rule_ext_data },
};
static const struct ota_parameter list_packages_rows[] = { PRODUCT_KEY(false), MODULE, PAGE };
static const struct ota_parameter get_package_rows[] = { ID("package", false), PRODUCT_KEY(false), MODULE, VERSION(false) };
static const struct ota_parameter yank_package_rows[] = {
	ID("package", false), PRODUCT_KEY(false), MODULE, VERSION(false), BOOL("force"),
};
static const struct ota_parameter create_batch_rows[] = {
	ID("package", false), PRODUCT_KEY(false), MODULE, VERSION(false),
	CHOICE("kind", true, kinds),
	{ .name = "targets", .type = OTA_PARAMETER_OBJECT, .required = true, .members = LIST(targets),
	  .rule = ota_rule_targets },
	TEXT("name", false, 0, OTA_LABEL_MAX),
	{ .name = "strategy", .type = OTA_PARAMETER_OBJECT, .members = LIST(strategy) },
	{ .name = "tags", .type = OTA_PARAMETER_OBJECT, .rule = ota_rule_ext_data },
	CHOICE("onConflict", false, conflict_answers),
	BOOL("override"),
};
/* Batches made from another one: what is not said is as it was there. */
#define SUCCESSOR \
	ID("batch", true), TEXT("name", false, 0, OTA_LABEL_MAX), \
	{ .name = "strategy", .type = OTA_PARAMETER_OBJECT, .members = LIST(strategy) }, \
	CHOICE("onConflict", false, conflict_answers), BOOL("override")
static const struct ota_parameter retry_rows[] = { SUCCESSOR, CAUSES("causes") };
static const struct ota_parameter clone_rows[] = {
	SUCCESSOR, ID("package", false), VERSION(false), CHOICE("kind", false, kinds),
	{ .name = "targets", .type = OTA_PARAMETER_OBJECT, .members = LIST(targets), .rule = ota_rule_targets },
	{ .name = "tags", .type = OTA_PARAMETER_OBJECT, .rule = ota_rule_ext_data },
};
static const struct ota_parameter rollback_rows[] = { SUCCESSOR, ID("package", false), VERSION(false) };
static const struct ota_parameter list_batches_rows[] = { PRODUCT_KEY(false), CHOICE("state", false, batch_states), PAGE };
static const struct ota_parameter batch_rows[] = { ID("batch", true) };
static const struct ota_parameter update_batch_rows[] = {
	ID("batch", true),
	{ .name = "strategy", .type = OTA_PARAMETER_OBJECT, .required = true, .members = LIST(strategy) },
};
static const struct ota_parameter confirm_rows[] = {
	ID("batch", true), BOOL("all"),
	{ .name = "names", .type = OTA_PARAMETER_NAMES, .low = 1, .high = OTA_NAMES_MAX },
};
static const struct ota_parameter export_rows[] = { ID("batch", true), BOOL("all") };
static const struct ota_parameter list_tasks_rows[] = { ID("batch", true), CHOICE("state", false, task_states), PAGE };
static const struct ota_parameter task_rows[] = { ID("task", true) };
static const struct ota_parameter list_events_rows[] = {
	PRODUCT_KEY(false), DEVICE_NAME(false), ID("batch", false), ID("task", false),
	TEXT("actor", false, 1, OTA_LABEL_MAX), TEXT("event", false, 1, OTA_EVENT_WORD_MAX),
	INTEGER("since", false, 0, OTA_INTEGER_MAX), INTEGER("until", false, 0, OTA_INTEGER_MAX),
	INTEGER("above", false, 0, OTA_INTEGER_MAX), PAGE,
};
static const struct ota_parameter create_token_rows[] = {
	TOKEN_NAME, CHOICE("role", true, token_roles), DURATION("expiresIn", OTA_MINUTE_MS, DAYS(3650)),
};
static const struct ota_parameter token_rows[] = { TOKEN_NAME };
static const struct ota_parameter cancel_rows[] = { ID("batch", true), CHOICE("level", false, cancel_levels) };

static const struct ota_parameter backup_rows[] = {
	SHAPE("name", false, OTA_BACKUP_NAME_MAX, ota_command_is_backup_name, "1..32 letters, digits and _ -"),
	INTEGER("keep", false, 1, 1000),
};
static const struct ota_parameter check_rows[] = { BOOL("deep") };
static const struct ota_parameter job_rows[] = { ID("job", true) };

static const struct ota_parameter transfer_rows[] = {
	SHAPE("sha256", true, OTA_SHA256_HEX, ota_command_is_sha256, "64 lower-case hex digits"),
	TEXT("e", true, 1, 10), TEXT("d", true, 16, 16), TEXT("k", true, 8, 8), TEXT("s", true, 43, 43),
	INTEGER("bytes", true, 0, OTA_INTEGER_MAX), BOOL("whole"),
};

/* mutating, creates */
#define READS false, false
#define CHANGES true, false
#define CREATES true, true
#define VIEWER OTA_ROLE_VIEWER
#define OPERATOR OTA_ROLE_OPERATOR
#define ADMIN OTA_ROLE_ADMIN

static const struct ota_command commands[] = {
	{ "getServer",           VIEWER,   READS,   NONE,                 "/api/v1/server" },
	{ "createProduct",       OPERATOR, CREATES, LIST(create_product), NULL },
	{ "listProducts",        VIEWER,   READS,   LIST(page),           "/api/v1/products" },
	{ "updateProduct",       OPERATOR, CHANGES, LIST(create_product), NULL, ota_rule_update_product },
	{ "getProduct",          VIEWER,   READS,   LIST(product),        "/api/v1/products/{productKey}" },
	{ "registerDevices",     OPERATOR, CREATES, LIST(register),       NULL, ota_rule_register },
	{ "importDevices",       OPERATOR, CREATES, LIST(import),         NULL, ota_rule_import },
	{ "tagDevices",          OPERATOR, CHANGES, LIST(tag),            NULL, ota_rule_tag_devices },
	{ "renewSecret",         OPERATOR, CHANGES, LIST(device),         NULL },
	{ "getDevice",           VIEWER,   READS,   LIST(device),         "/api/v1/devices/{productKey}/{deviceName}" },
	{ "explainDevice",       VIEWER,   READS,   LIST(device),         "/api/v1/devices/{productKey}/{deviceName}/explain" },
	{ "listDevices",         VIEWER,   READS,   LIST(list_devices),   "/api/v1/devices" },
	{ "versionDistribution", VIEWER,   READS,   LIST(versions),       "/api/v1/products/{productKey}/versions" },
	{ "addToGroup",          OPERATOR, CHANGES, LIST(add_to_group),   NULL },
	{ "removeFromGroup",     OPERATOR, CHANGES, LIST(remove_from_group), NULL },
	{ "listGroups",          VIEWER,   READS,   LIST(list_groups),    "/api/v1/groups" },
	{ "getGroup",            VIEWER,   READS,   LIST(group),          "/api/v1/groups/{productKey}/{group}" },
	{ "listGroupMembers",    VIEWER,   READS,   LIST(list_group_members), "/api/v1/groups/{productKey}/{group}/members" },
	{ "deleteGroup",         OPERATOR, CHANGES, LIST(group),          NULL },
	{ "addFile",             OPERATOR, CREATES, LIST(add_file),       NULL, ota_rule_add_file },
	{ "addPackage",          OPERATOR, CREATES, LIST(add_package),    NULL, ota_rule_add_package },
	{ "listPackages",        VIEWER,   READS,   LIST(list_packages),  "/api/v1/packages" },
	{ "getPackage",          VIEWER,   READS,   LIST(get_package),    "/api/v1/packages/{package}", ota_rule_package },
	{ "yankPackage",         OPERATOR, CHANGES, LIST(yank_package),   NULL, ota_rule_package },
	{ "linkPackage",         OPERATOR, READS,   LIST(get_package),    "/api/v1/packages/{package}/link", ota_rule_package },
	{ "createBatch",         OPERATOR, CREATES, LIST(create_batch),   NULL, ota_rule_create_batch },
	{ "listBatches",         VIEWER,   READS,   LIST(list_batches),   "/api/v1/batches" },
	{ "getBatch",            VIEWER,   READS,   LIST(batch),          "/api/v1/batches/{batch}" },
	{ "exportBatch",         VIEWER,   READS,   LIST(export),         "/api/v1/batches/{batch}/order" },
	{ "listTasks",           VIEWER,   READS,   LIST(list_tasks),     "/api/v1/batches/{batch}/tasks" },
	{ "getTask",             VIEWER,   READS,   LIST(task),           "/api/v1/tasks/{task}" },
	{ "listEvents",          VIEWER,   READS,   LIST(list_events),    "/api/v1/events", ota_rule_list_events },
	{ "retryBatch",          OPERATOR, CREATES, LIST(retry),          NULL },
	{ "cloneBatch",          OPERATOR, CREATES, LIST(clone),          NULL, ota_rule_one_package },
	{ "rollbackBatch",       OPERATOR, CREATES, LIST(rollback),       NULL, ota_rule_one_package },
	{ "pauseBatch",          OPERATOR, CHANGES, LIST(batch),          NULL },
	{ "resumeBatch",         OPERATOR, CHANGES, LIST(batch),          NULL },
	{ "advanceBatch",        OPERATOR, CHANGES, LIST(batch),          NULL },
	{ "updateBatch",         OPERATOR, CHANGES, LIST(update_batch),   NULL },
	{ "confirmTasks",        OPERATOR, CHANGES, LIST(confirm),        NULL, ota_rule_confirm_tasks },
	{ "cancelBatch",         OPERATOR, CHANGES, LIST(cancel),         NULL },
	{ "unbarDevice",         OPERATOR, CHANGES, LIST(device),         NULL },
	{ "disableDevice",       OPERATOR, CHANGES, LIST(device),         NULL },
	{ "enableDevice",        OPERATOR, CHANGES, LIST(device),         NULL },
	{ "reportTransfer",      OTA_ROLE_NONE, CHANGES, LIST(transfer),  NULL }, /* the gateway's own */
	{ "createToken",         ADMIN,    CREATES, LIST(create_token),   NULL },
	{ "listTokens",          ADMIN,    READS,   LIST(page),           "/api/v1/tokens" },
	{ "revokeToken",         ADMIN,    CHANGES, LIST(token),          NULL },
	{ "backupServer",        ADMIN,    CHANGES, LIST(backup),         NULL },
	{ "checkServer",         ADMIN,    CHANGES, LIST(check),          NULL },
	{ "getJob",              ADMIN,    READS,   LIST(job),            "/api/v1/jobs/{job}" },
};
/* clang-format on */

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

const char *ota_role_name(enum ota_role role)
{
	return role <= OTA_ROLE_ADMIN ? roles[role] : roles[OTA_ROLE_NONE];
}

bool ota_role_parse(const char *name, enum ota_role *ret_role)
{
	for (enum ota_role role = OTA_ROLE_VIEWER; role <= OTA_ROLE_ADMIN; role++) {
		if (strcmp(name, roles[role]) == 0) {
			*ret_role = role;
			return true;
		}
	}
	return false;
}

size_t ota_command_count(void)
{
	return COMMANDS;
}

const struct ota_command *ota_command_at(size_t index)
{
	return index < COMMANDS ? &commands[index] : NULL;
}

const struct ota_command *ota_command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

const char *ota_command_nearest(const char *name)
{
	const char *names[COMMANDS + 1] = { NULL };

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	return ota_nearest(name, names);
}

struct ota_parameter_list ota_command_common(const struct ota_command *command)
{
	struct ota_parameter_list all = LIST(common);

	if (!command->mutating)
		all.count = COMMON_READING;
	return all;
}

static const struct ota_parameter *list_find(struct ota_parameter_list list, const char *name, size_t size)
{
	for (size_t i = 0; i < list.count; i++) {
		if (strncmp(list.rows[i].name, name, size) == 0 && list.rows[i].name[size] == '\0')
			return &list.rows[i];
	}
	return NULL;
}

const struct ota_parameter *ota_command_parameter(const struct ota_command *command, const char *name)
{
	size_t size = strcspn(name, ".");
	const struct ota_parameter *row = list_find(command->parameters, name, size);

	if (!row)
		row = list_find(ota_command_common(command), name, size);
	while (row && name[size]) {
		name += size + 1;
		size = strcspn(name, ".");
		row = list_find(row->members, name, size);
	}
	return row;
}
