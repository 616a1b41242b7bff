#include <criterion/criterion.h>
#include <stdio.h>

#include "common/command.h"
#include "common/limits.h"

/* The code of a check, and what it said, in one text: "invalid strategy.retries: ..." or "ok". */
static const char *verdict(const char *json, const char *prefix)
{
	static char text[OTA_ERROR_TEXT_MAX + OTA_ERROR_PATH_MAX + 32];
	struct ota_error error = { 0 };
	cJSON *tree = cJSON_Parse(json);
	const struct ota_command *command;

	cr_assert_not_null(tree, "%s", json);
	command = ota_command_find(cJSON_GetObjectItemCaseSensitive(tree, "command")->valuestring);
	cr_assert_not_null(command, "%s", json);
	if (ota_command_check(command, tree, prefix, &error) == 0)
		(void)snprintf(text, sizeof(text), "ok");
	else
		(void)snprintf(text, sizeof(text), "%s %s: %s", ota_code_name(error.code), error.path, error.text);
	cJSON_Delete(tree);
	return text;
}

static void expect_refusal(const char *json, const char *beginning)
{
	const char *said = verdict(json, "");

	cr_expect(strncmp(said, beginning, strlen(beginning)) == 0, "%s\n  said:     %s\n  expected: %s", json, said, beginning);
}

Test(command, every_row_is_whole)
{
	for (size_t i = 0; i < ota_command_count(); i++) {
		const struct ota_command *command = ota_command_at(i);

		cr_expect_eq(ota_command_find(command->name), command, "%s stands twice", command->name);
		cr_expect(command->role >= OTA_ROLE_NONE && command->role <= OTA_ROLE_ADMIN, "%s", command->name);
		cr_expect(!command->creates || command->mutating, "%s creates without changing anything", command->name);
		cr_expect(!command->mutating || command->role != OTA_ROLE_VIEWER, "%s: viewers only look", command->name);
		cr_expect(command->role != OTA_ROLE_NONE || !command->get, "%s: HTTP needs a token", command->name);
		cr_expect(!command->get || !command->mutating, "%s: a GET changes nothing", command->name);
		for (size_t j = 0; j < command->parameters.count; j++) {
			const struct ota_parameter *row = &command->parameters.rows[j];

			cr_expect_eq(ota_command_parameter(command, row->name), row, "%s.%s stands twice", command->name,
				     row->name);
			cr_expect(!row->is_valid || row->allowed, "%s.%s has no words for its rule", command->name, row->name);
		}
	}
	cr_expect_null(ota_command_at(ota_command_count()));
}

Test(command, alias_variables_are_parameters_of_their_command)
{
	for (size_t i = 0; i < ota_command_count(); i++) {
		const struct ota_command *command = ota_command_at(i);
		const char *brace = command->get ? strchr(command->get, '{') : NULL;

		for (; brace; brace = strchr(brace + 1, '{')) {
			char name[64];

			cr_assert_eq(sscanf(brace, "{%63[^}]}", name), 1);
			cr_expect_not_null(ota_command_parameter(command, name), "%s: {%s}", command->name, name);
		}
	}
}

Test(command, roles_have_names_and_an_order)
{
	enum ota_role role = OTA_ROLE_NONE;

	cr_expect(ota_role_parse("operator", &role) && role == OTA_ROLE_OPERATOR);
	cr_expect(OTA_ROLE_NONE < OTA_ROLE_VIEWER && OTA_ROLE_VIEWER < OTA_ROLE_OPERATOR && OTA_ROLE_OPERATOR < OTA_ROLE_ADMIN);
	cr_expect_str_eq(ota_role_name(OTA_ROLE_VIEWER), "viewer");
	cr_expect(!ota_role_parse("none", &role) && !ota_role_parse("root", &role));
}

Test(command, unknown_names_get_a_hint)
{
	cr_expect_null(ota_command_find("createbatch"));
	cr_expect_str_eq(ota_command_nearest("createbatch"), "createBatch");
	cr_expect_null(ota_command_nearest("somethingElse"));
}

Test(command, what_the_protocol_allows_passes)
{
	static const char *const rows[] = {
		"{'command':'getServer'}",
		"{'command':'getServer','token':'ota_x','correlationData':''}",
		"{'command':'createProduct','productKey':'pk1','requestId':'a','reason':''}",
		"{'command':'createProduct','productKey':'a1','name':'\xe6\xb8\xa9\xe5\xba\xa6','registration':'listed',"
		"'signMethod':'md5'}",
		"{'command':'registerDevices','productKey':'pk1','names':['a:b@c.d_e-f','b']}",
		"{'command':'listDevices','productKey':'pk1','module':'mcu','version':'1.0 beta','online':false,'limit':500,"
		"'after':'x'}",
		"{'command':'addPackage','productKey':'pk1','version':'2','dryRun':true}",
		"{'command':'addPackage','productKey':'pk1','version':'2','size':4294967295,"
		"'sha256':'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',"
		"'md5':'0123456789abcdef0123456789abcdef',"
		"'extData':{'site':'b 7','x.y-z_1':''}}",
		"{'command':'getPackage','package':1}",
		"{'command':'getPackage','productKey':'pk1','version':'2'}",
		"{'command':'createBatch','package':1,'kind':'verify','targets':{'names':['a']}}",
		"{'command':'createBatch','productKey':'pk1','module':'m','version':'2','kind':'static','targets':{'all':true},"
		"'strategy':{'pushTimeout':'90s','retries':0,'soak':'0s','abortSample':0},'onConflict':'skip','override':true,"
		"'reason':'lab'}",
		"{'command':'createBatch','package':1,'kind':'static','targets':{'batch':7,'state':'failed','causes':['lost']}}",
		"{'command':'retryBatch','batch':7,'causes':['lost'],'strategy':{'retries':5},'dryRun':true,'ifRev':3}",
		"{'command':'cloneBatch','batch':7,'version':'2.1','targets':{'batch':7,'state':'installed'},'tags':{}}",
		"{'command':'rollbackBatch','batch':7,'package':1,'reason':'bad'}",
		"{'command':'cancelBatch','batch':9007199254740991,'level':'revoke'}",
		"{'command':'listTasks','batch':1,'state':'upgrading'}",
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[1024];
		size_t size = strlen(rows[i]);

		for (size_t j = 0; j <= size; j++)
			json[j] = rows[i][j] == '\'' ? '"' : rows[i][j];
		cr_expect_str_eq(verdict(json, ""), "ok", "%s", json);
	}
}

Test(command, mistakes_are_named_with_their_path)
{
	expect_refusal("{\"command\":\"getServer\",\"limit\":5}", "invalid limit: ");
	expect_refusal("{\"command\":\"getServer\",\"requestId\":\"a\"}", "invalid requestId: ");
	expect_refusal("{\"command\":\"createProduct\"}", "invalid productKey: productKey is missing");
	expect_refusal("{\"command\":\"createProduct\",\"productKey\":null}", "invalid productKey: productKey must be text");
	expect_refusal("{\"command\":\"createProduct\",\"productKey\":\"a-b\"}",
		       "invalid productKey: productKey is \"a-b\"; allowed: 1..32 letters");
	expect_refusal("{\"command\":\"createProduct\",\"productKey\":\"a\",\"signMethod\":\"sha1\"}",
		       "invalid signMethod: signMethod is \"sha1\"; allowed: auto, md5, sha256");
	expect_refusal("{\"command\":\"createProduct\",\"productKey\":\"a\",\"requestId\":\"\"}", "invalid requestId: ");
	expect_refusal("{\"command\":\"createProduct\",\"productKey\":\"a\",\"name\":\"x\\u001b[2J\"}", "invalid name: ");
	expect_refusal("{\"command\":\"listProducts\",\"limit\":0}", "invalid limit: ");
	expect_refusal("{\"command\":\"listProducts\",\"limit\":501}", "invalid limit: ");
	expect_refusal("{\"command\":\"listProducts\",\"limit\":1.5}", "invalid limit: ");
	expect_refusal("{\"command\":\"getBatch\",\"batch\":\"7\"}", "invalid batch: ");
	expect_refusal("{\"command\":\"getBatch\",\"batch\":0}", "invalid batch: ");
	expect_refusal("{\"command\":\"listDevices\",\"productKey\":\"a\",\"online\":1}",
		       "invalid online: online must be true or false");
	expect_refusal(
		"{\"command\":\"createBatch\",\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true},"
		"\"strategy\":{\"soak\":5}}",
		"invalid strategy.soak: soak must be a duration");
	expect_refusal(
		"{\"command\":\"createBatch\",\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true},"
		"\"strategy\":{\"pushTimeout\":\"31d\"}}",
		"invalid strategy.pushTimeout: pushTimeout is \"31d\"; allowed: 1s..30d");
	expect_refusal(
		"{\"command\":\"createBatch\",\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true},"
		"\"strategy\":{\"retrys\":5}}",
		"invalid strategy.retrys: ");
}

Test(command, the_prefix_stands_before_the_path)
{
	const char *said = verdict("{\"command\":\"createProduct\",\"productKey\":7}", "commands[3]");

	cr_expect(strncmp(said, "invalid commands[3].productKey: ", 32) == 0, "%s", said);
}

Test(command, a_package_is_named_in_one_way)
{
	expect_refusal("{\"command\":\"getPackage\"}", "invalid package: ");
	expect_refusal("{\"command\":\"getPackage\",\"package\":1,\"version\":\"2\"}", "invalid package: ");
	expect_refusal("{\"command\":\"getPackage\",\"version\":\"2\"}", "invalid productKey: ");
	expect_refusal("{\"command\":\"getPackage\",\"productKey\":\"a\"}", "invalid version: ");
	expect_refusal("{\"command\":\"createBatch\",\"kind\":\"static\",\"targets\":{\"all\":true}}", "invalid package: ");
}

Test(command, devices_of_another_batch_are_named_by_its_id_and_their_state)
{
#define TARGETS(json) "{\"command\":\"createBatch\",\"package\":1,\"kind\":\"static\",\"targets\":" json "}"
	expect_refusal(TARGETS("{\"batch\":7,\"all\":true}"), "invalid targets: targets is one of");
	expect_refusal(TARGETS("{\"batch\":0}"), "invalid targets.batch: ");
	expect_refusal(TARGETS("{\"all\":true,\"state\":\"failed\"}"), "invalid targets: state goes with batch");
	expect_refusal(TARGETS("{\"batch\":7,\"state\":\"pending\"}"), "invalid targets.state: ");
	expect_refusal(TARGETS("{\"batch\":7,\"causes\":[\"lost\"]}"), "invalid targets: causes go with state failed");
	expect_refusal(TARGETS("{\"batch\":7,\"state\":\"failed\",\"causes\":[\"Lost\"]}"), "invalid targets.causes");
	expect_refusal("{\"command\":\"retryBatch\"}", "invalid batch: batch is missing");
	expect_refusal("{\"command\":\"rollbackBatch\",\"batch\":7,\"package\":1,\"version\":\"2\"}",
		       "invalid version: the package is named by its id or by its version");
}

Test(command, targets_are_all_or_names)
{
	expect_refusal("{\"command\":\"createBatch\",\"package\":1,\"kind\":\"static\",\"targets\":{}}", "invalid targets: ");
	expect_refusal("{\"command\":\"createBatch\",\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":false}}",
		       "invalid targets: ");
	expect_refusal(
		"{\"command\":\"createBatch\",\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true,\"names\":[\"a\"]}}",
		"invalid targets: ");
	expect_refusal("{\"command\":\"createBatch\",\"package\":1,\"kind\":\"static\",\"targets\":{\"names\":[]}}",
		       "invalid targets.names: ");
	expect_refusal("{\"command\":\"createBatch\",\"package\":1,\"kind\":\"static\",\"targets\":{\"names\":[\"a\",\"b c\"]}}",
		       "invalid targets.names[1]: ");
	expect_refusal("{\"command\":\"registerDevices\",\"productKey\":\"a\",\"names\":[\"x\",\"y\",\"x\"]}",
		       "invalid names: names holds \"x\" twice");
}

Test(command, an_override_needs_a_reason)
{
	expect_refusal(
		"{\"command\":\"createBatch\",\"package\":1,\"kind\":\"static\",\"targets\":{\"all\":true},\"override\":true}",
		"invalid reason: ");
}

Test(command, without_dry_run_a_package_has_size_and_digests)
{
	expect_refusal("{\"command\":\"addPackage\",\"productKey\":\"a\",\"version\":\"1\"}", "invalid size: ");
	expect_refusal("{\"command\":\"addPackage\",\"productKey\":\"a\",\"version\":\"1\",\"size\":0}", "invalid size: ");
	expect_refusal("{\"command\":\"addPackage\",\"productKey\":\"a\",\"version\":\"1\",\"size\":4294967296}",
		       "invalid size: ");
	expect_refusal(
		"{\"command\":\"addPackage\",\"productKey\":\"a\",\"version\":\"1\",\"dryRun\":true,"
		"\"md5\":\"ABCDEF0123456789ABCDEF0123456789\"}",
		"invalid md5: ");
}

Test(command, tags_that_a_device_would_misread_are_refused)
{
	static const char *const tags[] = {"\"url\":\"x\"",  "\"_ota\":\"x\"", "\"a b\":\"x\"", "\"a\":\"{\"",
					   "\"a\":\"\\\"\"", "\"a\":1",	       "\"\":\"x\""};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		char json[256];

		(void)snprintf(
			json, sizeof(json),
			"{\"command\":\"addPackage\",\"productKey\":\"a\",\"version\":\"1\",\"dryRun\":true,\"extData\":{%s}}",
			tags[i]);
		expect_refusal(json, "invalid extData: ");
	}
}

/* Builds a command with so many names, or so many tags, and says the first word of the verdict. */
static const char *verdict_of_names(int count)
{
	static char word[16];
	cJSON *command = cJSON_Parse("{\"command\":\"registerDevices\",\"productKey\":\"a\"}");
	cJSON *names = cJSON_AddArrayToObject(command, "names");
	struct ota_error error = { 0 };

	for (int i = 0; i < count; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "d%d", i);
		cJSON_AddItemToArray(names, cJSON_CreateString(name));
	}
	(void)ota_command_check(ota_command_find("registerDevices"), command, "", &error);
	(void)snprintf(word, sizeof(word), "%s", error.code ? ota_code_name(error.code) : "ok");
	cJSON_Delete(command);
	return word;
}

static int code_of_tags(int count, size_t size)
{
	cJSON *command = cJSON_Parse("{\"command\":\"addPackage\",\"productKey\":\"a\",\"version\":\"1\",\"dryRun\":true}");
	cJSON *tags = cJSON_AddObjectToObject(command, "extData");
	static char value[OTA_TAG_VALUE_MAX + 2];
	int code;

	memset(value, 'v', size);
	value[size] = '\0';
	for (int i = 0; i < count; i++) {
		char key[8];

		(void)snprintf(key, sizeof(key), "t%d", i);
		cJSON_AddStringToObject(tags, key, value);
	}
	code = ota_command_check(ota_command_find("addPackage"), command, "", NULL);
	cJSON_Delete(command);
	return code;
}

Test(command, limits_hold_at_the_limit_and_one_past_it)
{
	cr_expect_str_eq(verdict_of_names(OTA_NAMES_MAX), "ok");
	cr_expect_str_eq(verdict_of_names(OTA_NAMES_MAX + 1), "limit");
	cr_expect_eq(code_of_tags(OTA_TAGS_MAX, 10), 0);
	cr_expect_eq(code_of_tags(OTA_TAGS_MAX + 1, 10), OTA_ELIMIT);
	cr_expect_eq(code_of_tags(1, OTA_TAG_VALUE_MAX), 0);
	cr_expect_eq(code_of_tags(1, OTA_TAG_VALUE_MAX + 1), OTA_ELIMIT);
	cr_expect_eq(code_of_tags(4, OTA_TAG_VALUE_MAX - 2), 0);
	cr_expect_eq(code_of_tags(4, OTA_TAG_VALUE_MAX - 1), OTA_ELIMIT);
}

Test(command, texts_become_values_of_their_type)
{
	const struct ota_command *devices = ota_command_find("listDevices");
	const struct ota_parameter *online = ota_command_parameter(devices, "online");
	const struct ota_parameter *limit = ota_command_parameter(devices, "limit");
	static const char *const no_numbers[] = { "", "x", "1.5", "+1", " 1", "9007199254740992", "-9223372036854775808", "1e3" };
	cJSON *value = NULL;

	cr_assert_eq(ota_parameter_value(online, "true", &value, NULL), 0);
	cr_expect(cJSON_IsTrue(value));
	cJSON_Delete(value);
	cr_assert_eq(ota_parameter_value(limit, "17", &value, NULL), 0);
	cr_expect(cJSON_IsNumber(value) && value->valuedouble == 17);
	cJSON_Delete(value);
	cr_expect_eq(ota_parameter_value(online, "yes", &value, NULL), OTA_EINVALID);
	for (size_t i = 0; i < sizeof(no_numbers) / sizeof(no_numbers[0]); i++)
		cr_expect_eq(ota_parameter_value(limit, no_numbers[i], &value, NULL), OTA_EINVALID, "%s", no_numbers[i]);
}

Test(command, the_url_of_a_package_hosted_elsewhere_is_plain_enough_for_a_push)
{
	static const char *const good[] = { "https://h/f", "http://cdn.example.org:8080/a/b.bin?v=1&w=%20,;=", "https://h" };
	static const char *const bad[] = {
		"",           "ftp://h/f",     "https://",       "https:///f",      "https://:80/f",  "https://u:p@h/f",
		"https://h/a b", "https://h/f#a", "https://h/{}", "https://h/[1]", "https://h/a\\b", "https://h/a\"",
		"//h/f",      "HTTPS://h/f",   "https://h/\xc3\xbc",
	};
	struct ota_parameter const *row = ota_command_parameter(ota_command_find("addPackage"), "url");
	char longest[OTA_URL_MAX + 2] = "https://h/";

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect(row->is_valid(ota_span_from_text(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(!row->is_valid(ota_span_from_text(bad[i])), "%s", bad[i]);
	memset(longest + 10, 'x', OTA_URL_MAX - 10);
	cr_expect(row->is_valid(ota_span_from_text(longest)));
	longest[OTA_URL_MAX] = 'x';
	cr_expect(!row->is_valid(ota_span_from_text(longest)));
}
