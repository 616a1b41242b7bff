/* The table of commands: sound in itself, and each kind of row checked at its limit and one past it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/command.h"
#include "common/limits.h"
#include "common/text.h"

static struct ota_error error;

static int check(const char *text)
{
	OTA_AUTO_JSON cJSON *tree = NULL;
	char name[64] = "";
	error = (struct ota_error){0};
	cr_assert_eq(ota_json_read(ota_span_from_text(text), OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &tree, NULL, &error), 0, "%s: %s",
		     text, error.text);
	cr_assert_eq(ota_json_text((struct ota_json_place){tree, ""}, "command", name, sizeof(name), NULL), 1);
	const struct ota_command *command = ota_command_find(name);
	cr_assert_not_null(command, "%s", name);
	return ota_command_check(command, tree, "c", &error);
}

/* `{"command":"<name>",<rest>}` */
static int check_one(const char *name, const char *rest)
{
	struct ota_bytes text = {0};
	ota_bytes_format(&text, "{\"command\":\"%s\"%s%s}", name, rest[0] ? "," : "", rest);
	int code = check(text.data);
	ota_bytes_free(&text);
	return code;
}

Test(command, names_are_unique_and_found)
{
	for (size_t i = 0; i < ota_command_count(); i++) {
		const struct ota_command *command = ota_command_at(i);
		cr_expect_eq(ota_command_find(command->name), command, "%s", command->name);
		cr_expect_gt(command->role, OTA_ROLE_NONE, "%s would need no token", command->name);
		cr_expect(command->mutating ? command->role >= OTA_ROLE_OPERATOR : !command->creates, "%s", command->name);
		cr_expect(!command->mutating || !command->get, "%s changes something by GET", command->name);
	}
	cr_expect_null(ota_command_at(ota_command_count()));
	cr_expect_null(ota_command_find("GetServer"));
	cr_expect_null(ota_command_find(""));
	cr_expect_str_eq(ota_command_nearest("createBacth"), "createBatch");
	cr_expect_null(ota_command_nearest("dropTables"));
}

/* Every {placeholder} of an alias. */
static void alias_check(const struct ota_command *command)
{
	for (const char *open = strchr(command->get, '{'); open; open = strchr(open + 1, '{')) {
		char name[64];
		cr_assert(ota_text_copy(name, sizeof(name), (struct ota_span){open + 1, strcspn(open + 1, "}")}));
		const struct ota_parameter *parameter = ota_command_parameter(command, name);
		cr_assert_not_null(parameter, "%s: {%s} is no parameter", command->name, name);
		cr_expect(parameter->type == OTA_PARAMETER_TEXT || parameter->type == OTA_PARAMETER_INTEGER, "%s", name);
	}
}

Test(command, aliases_are_unique_and_name_parameters)
{
	for (size_t i = 0; i < ota_command_count(); i++) {
		const struct ota_command *command = ota_command_at(i);
		if (!command->get)
			continue;
		cr_expect_eq(strncmp(command->get, "/api/v1/", 8), 0, "%s", command->get);
		alias_check(command);
		for (size_t j = 0; j < i; j++)
			cr_expect(!ota_command_at(j)->get || strcmp(ota_command_at(j)->get, command->get) != 0, "%s",
				  command->get);
	}
}

static void rows_check(const char *command, struct ota_parameter_list list)
{
	for (size_t i = 0; i < list.count; i++) {
		const struct ota_parameter *row = &list.rows[i];
		cr_expect_leq(row->low, row->high, "%s.%s", command, row->name);
		cr_expect_eq(row->is_valid != NULL, row->allowed != NULL, "%s.%s: a rule needs its words", command, row->name);
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(list.rows[j].name, row->name, "%s", command);
		if (row->type == OTA_PARAMETER_OBJECT)
			cr_expect(row->members.count > 0 || row->rule, "%s.%s: nobody judges it", command, row->name);
		rows_check(command, row->members);
	}
}

Test(command, rows_are_sound)
{
	for (size_t i = 0; i < ota_command_count(); i++)
		rows_check(ota_command_at(i)->name, ota_command_at(i)->parameters);
}

Test(command, roles_are_ordered_and_named)
{
	enum ota_role role = OTA_ROLE_NONE;
	cr_expect(OTA_ROLE_NONE < OTA_ROLE_VIEWER && OTA_ROLE_VIEWER < OTA_ROLE_OPERATOR && OTA_ROLE_OPERATOR < OTA_ROLE_ADMIN);
	for (enum ota_role each = OTA_ROLE_VIEWER; each <= OTA_ROLE_ADMIN; each++)
		cr_expect(ota_role_parse(ota_role_name(each), &role) && role == each);
	cr_expect_not(ota_role_parse("none", &role), "nobody is given no role");
	cr_expect_not(ota_role_parse("", &role));
	cr_expect_eq(role, OTA_ROLE_ADMIN);
}

Test(command, request_id_and_reason_come_with_changes_only)
{
	const struct ota_command *reading = ota_command_find("getServer"), *changing = ota_command_find("pauseBatch");
	cr_expect_not_null(ota_command_parameter(reading, "token"));
	cr_expect_null(ota_command_parameter(reading, "requestId"));
	cr_expect_null(ota_command_parameter(reading, "reason"));
	cr_expect_not_null(ota_command_parameter(changing, "requestId"));
	cr_expect_not_null(ota_command_parameter(changing, "batch"));
	cr_expect_eq(check_one("pauseBatch", "\"batch\":1,\"requestId\":\"x\",\"reason\":\"y\""), 0, "%s", error.text);
	cr_expect_eq(check_one("getServer", "\"reason\":\"y\""), OTA_EINVALID);
}

Test(command, mistakes_are_named_by_their_path)
{
	static const char *const rows[][3] = {
		{"getServer", "\"x\":1", "c.x"},
		{"getProduct", "", "c.productKey"},
		{"getProduct", "\"productKey\":7", "c.productKey"},
		{"getProduct", "\"productKey\":\"a-b\"", "c.productKey"},
		{"getProduct", "\"productKey\":null", "c.productKey"},
		{"getDevice", "\"productKey\":\"pk\",\"deviceName\":\"a/b\"", "c.deviceName"},
		{"createProduct", "\"productKey\":\"pk\",\"registration\":\"closed\"", "c.registration"},
		{"createProduct", "\"productKey\":\"pk\",\"name\":\"a\\nb\"", "c.name"},
		{"listDevices", "\"productKey\":\"pk\",\"online\":\"true\"", "c.online"},
		{"listDevices", "\"productKey\":\"pk\",\"version\":\"url\"", "c.version"},
		{"getBatch", "\"batch\":0", "c.batch"},
		{"getBatch", "\"batch\":\"1\"", "c.batch"},
		{"getBatch", "\"batch\":1.5", "c.batch"},
		{"cancelBatch", "\"batch\":1,\"level\":\"ask\"", "c.level"},
		{"registerDevices", "\"productKey\":\"pk\",\"names\":{}", "c.names"},
		{"registerDevices", "\"productKey\":\"pk\",\"names\":[]", "c.names"},
		{"registerDevices", "\"productKey\":\"pk\",\"names\":[\"a\",\"b c\"]", "c.names[1]"},
		{"registerDevices", "\"productKey\":\"pk\",\"names\":[\"a\",\"b\",\"a\"]", "c.names"},
		{"getPackage", "", "c.package"},
		{"getPackage", "\"package\":1,\"version\":\"1\"", "c.package"},
		{"getPackage", "\"productKey\":\"pk\"", "c.version"},
		{"getPackage", "\"version\":\"1\"", "c.productKey"},
		{"addPackage", "\"productKey\":\"pk\",\"version\":\"1\"", "c.size"},
		{"addPackage", "\"productKey\":\"pk\",\"version\":\"1\",\"dryRun\":true,\"sha256\":\"AB\"", "c.sha256"},
		{"addPackage", "\"productKey\":\"pk\",\"version\":\"1\",\"dryRun\":true,\"extData\":{\"url\":\"x\"}",
		 "c.extData"},
		{"createBatch", "\"package\":1,\"kind\":\"static\",\"targets\":{}", "c.targets"},
		{"createBatch", "\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true,\"names\":[\"a\"]}", "c.targets"},
		{"createBatch", "\"package\":1,\"kind\":\"dynamic\",\"targets\":{\"all\":true}", "c.kind"},
		{"createBatch", "\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true},\"strategy\":{\"soak\":60}",
		 "c.strategy.soak"},
		{"createBatch", "\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true},\"strategy\":{\"retry\":1}",
		 "c.strategy.retry"},
		{"createBatch", "\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true},\"override\":true", "c.reason"},
		{"createBatch", "\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true},\"override\":true,\"reason\":\"\"",
		 "c.reason"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(check_one(rows[i][0], rows[i][1]), OTA_EINVALID, "%s %s", rows[i][0], rows[i][1]);
		cr_expect_str_eq(error.path, rows[i][2], "%s %s: %s", rows[i][0], rows[i][1], error.text);
	}
}

Test(command, whole_commands_pass)
{
	static const char *const rows[][2] = {
		{"getServer", "\"token\":\"ota_x\",\"correlationData\":\"7\""},
		{"getPackage", "\"package\":1"},
		{"getPackage", "\"productKey\":\"pk\",\"version\":\"1\",\"module\":\"mcu\""},
		{"addPackage", "\"productKey\":\"pk\",\"version\":\"1\",\"dryRun\":true"},
		{"createBatch", "\"package\":1,\"kind\":\"verify\",\"targets\":{\"names\":[\"a\",\"b\"]},\"override\":true,"
				"\"reason\":\"x\",\"strategy\":{\"soak\":\"0s\"}"},
		{"createBatch",
		 "\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":false,\"names\":[\"a\"]},\"onConflict\":\"skip\""},
		{"registerDevices", "\"productKey\":\"pk\",\"names\":[\"a\",\"A\"]"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(check_one(rows[i][0], rows[i][1]), 0, "%s %s: %s", rows[i][0], rows[i][1], error.text);
	cr_expect_eq(ota_command_check(ota_command_find("getServer"), NULL, "c", &error), OTA_EINVALID);
}

/* `count` names in one registerDevices. */
static int register_names(unsigned count)
{
	struct ota_bytes rest = {0};
	ota_bytes_text(&rest, "\"productKey\":\"pk\",\"names\":[");
	for (unsigned i = 0; i < count; i++)
		ota_bytes_format(&rest, "%s\"d%u\"", i > 0 ? "," : "", i);
	ota_bytes_text(&rest, "]");
	int code = check_one("registerDevices", rest.data);
	ota_bytes_free(&rest);
	return code;
}

/* A text of that many bytes for a member. */
static int with_text(const char *command, const char *others, const char *member, size_t size)
{
	struct ota_bytes rest = {0};
	ota_bytes_format(&rest, "%s,\"%s\":\"", others, member);
	for (size_t i = 0; i < size; i++)
		ota_bytes_u8(&rest, 'x');
	ota_bytes_text(&rest, "\"");
	int code = check_one(command, rest.data);
	ota_bytes_free(&rest);
	return code;
}

static int with_value(const char *command, const char *others, const char *member, const char *value)
{
	char rest[512];
	snprintf(rest, sizeof(rest), "%s%s\"%s\":%s", others, others[0] ? "," : "", member, value);
	return check_one(command, rest);
}

Test(command, every_limit_may_be_reached_and_not_passed)
{
	static const char batch[] = "\"batch\":1", dry[] = "\"productKey\":\"pk\",\"version\":\"1\",\"dryRun\":true";
	cr_expect_eq(register_names(OTA_NAMES_MAX), 0, "%s", error.text);
	cr_expect_eq(register_names(OTA_NAMES_MAX + 1), OTA_ELIMIT);
	cr_expect_eq(with_text("pauseBatch", batch, "reason", OTA_REASON_MAX), 0);
	cr_expect_eq(with_text("pauseBatch", batch, "reason", OTA_REASON_MAX + 1), OTA_EINVALID);
	cr_expect_eq(with_text("pauseBatch", batch, "requestId", OTA_REQUEST_ID_MAX), 0);
	cr_expect_eq(with_text("pauseBatch", batch, "requestId", OTA_REQUEST_ID_MAX + 1), OTA_EINVALID);
	cr_expect_eq(with_text("pauseBatch", batch, "requestId", 0), OTA_EINVALID, "an empty request id repeats nothing");
	cr_expect_eq(with_text("addPackage", dry, "notes", OTA_NOTES_MAX), 0);
	cr_expect_eq(with_text("addPackage", dry, "notes", OTA_NOTES_MAX + 1), OTA_EINVALID);
	cr_expect_eq(with_text("createProduct", "\"productKey\":\"pk\"", "name", OTA_LABEL_MAX), 0);
	cr_expect_eq(with_text("createProduct", "\"productKey\":\"pk\"", "name", OTA_LABEL_MAX + 1), OTA_EINVALID);
	cr_expect_eq(with_value("listProducts", "", "limit", "500"), 0);
	cr_expect_eq(with_value("listProducts", "", "limit", "501"), OTA_EINVALID);
	cr_expect_eq(with_value("listProducts", "", "limit", "0"), OTA_EINVALID);
	cr_expect_eq(with_value("getTask", "", "task", "9007199254740991"), 0);
	cr_expect_eq(with_value("addPackage", dry, "size", "4294967295"), 0);
	cr_expect_eq(with_value("addPackage", dry, "size", "4294967296"), OTA_EINVALID);
}

Test(command, strategies_reach_both_ends)
{
	static const char *const rows[][2] = {
		{"{\"pushTimeout\":\"1s\",\"endAfter\":\"366d\",\"retries\":0,\"abortPercent\":100,\"abortSample\":1000000}", ""},
		{"{\"pushTimeout\":\"30d\",\"retries\":100,\"abortPercent\":0,\"abortSample\":0,\"retryPause\":\"0s\"}", ""},
		{"{\"pushTimeout\":\"999ms\"}", "c.strategy.pushTimeout"},
		{"{\"upgradeTimeout\":\"31d\"}", "c.strategy.upgradeTimeout"},
		{"{\"endAfter\":\"367d\"}", "c.strategy.endAfter"},
		{"{\"retries\":101}", "c.strategy.retries"},
		{"{\"retries\":-1}", "c.strategy.retries"},
		{"{\"abortPercent\":101}", "c.strategy.abortPercent"},
		{"{\"abortSample\":1000001}", "c.strategy.abortSample"},
		{"[]", "c.strategy"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int code = with_value("createBatch", "\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true}", "strategy",
				      rows[i][0]);
		cr_expect_eq(code, rows[i][1][0] ? OTA_EINVALID : 0, "%s: %s", rows[i][0], error.text);
		cr_expect_str_eq(error.path, rows[i][1]);
	}
}

static const char *value_of(const char *command, const char *parameter, const char *text)
{
	static struct ota_bytes out;
	static char kept[128];
	OTA_AUTO_JSON cJSON *value = NULL;
	if (ota_parameter_value(ota_command_parameter(ota_command_find(command), parameter), text, &value, &error) < 0)
		return "";
	ota_bytes_clear(&out);
	cr_assert_eq(ota_json_write(value, &out), 0);
	cr_assert(ota_text_copy(kept, sizeof(kept), (struct ota_span){out.data, out.size}));
	ota_bytes_free(&out);
	return kept;
}

Test(command, texts_become_values_of_the_parameter_s_type)
{
	cr_expect_str_eq(value_of("getBatch", "batch", "7"), "7");
	cr_expect_str_eq(value_of("getBatch", "batch", "9007199254740991"), "9007199254740991");
	cr_expect_str_eq(value_of("getBatch", "batch", "9007199254740992"), "");
	cr_expect_str_eq(value_of("getBatch", "batch", "x"), "");
	cr_expect_str_eq(value_of("getBatch", "batch", ""), "");
	cr_expect_str_eq(value_of("listDevices", "online", "true"), "true");
	cr_expect_str_eq(value_of("listDevices", "online", "false"), "false");
	cr_expect_str_eq(value_of("listDevices", "online", "yes"), "");
	cr_expect_str_eq(value_of("getProduct", "productKey", "7"), "\"7\"", "a text stays one");
	cr_expect_str_eq(value_of("createBatch", "targets", "{}"), "");
	cr_expect_str_eq(value_of("registerDevices", "names", "a"), "");
}
