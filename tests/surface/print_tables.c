/*
 * Prints tables as JSON: the product's commands with their parameters, keys of configuration files, flags of the programs, verbs
 * of otactl; and what devices may send and be sent (messages.h, pushes.h).
 *
 * What the tests of bad input (tests/system/surface) make of each field comes from here, so that a row added to a table is
 * tested at its limits without a line more.
 */
#include <stdio.h>
#include <stdlib.h>

#include "agent/command_line.h"
#include "agent/config.h"
#include "common/command.h"
#include "common/config.h"
#include "common/text.h"
#include "ctl/access.h"
#include "ctl/verb.h"
#include "gateway/command_line.h"
#include "gateway/settings.h"
#include "plugin/broker/options.h"
#include "tests/surface/pushes.h"

static cJSON *add_object(cJSON *array)
{
	cJSON *object = cJSON_CreateObject();

	if (!cJSON_AddItemToArray(array, object))
		abort();
	return object;
}

static void add_text(cJSON *object, const char *key, const char *text)
{
	if (text && !cJSON_AddStringToObject(object, key, text))
		abort();
}

static void add_words(cJSON *object, const char *key, const char *const *words)
{
	cJSON *array = words ? cJSON_AddArrayToObject(object, key) : NULL;

	for (; words && *words; words++)
		cJSON_AddItemToArray(array, cJSON_CreateString(*words));
}

static void add_parameters(cJSON *object, const char *key, struct ota_parameter_list list);

static void add_parameter(cJSON *rows, const struct ota_parameter *row)
{
	static const char *const types[] = {
		[OTA_PARAMETER_TEXT] = "text",         [OTA_PARAMETER_INTEGER] = "integer", [OTA_PARAMETER_BOOL] = "bool",
		[OTA_PARAMETER_DURATION] = "duration", [OTA_PARAMETER_OBJECT] = "object",   [OTA_PARAMETER_NAMES] = "names",
		[OTA_PARAMETER_OBJECTS] = "objects",
	};
	cJSON *object = add_object(rows);

	add_text(object, "name", row->name);
	add_text(object, "type", types[row->type]);
	cJSON_AddBoolToObject(object, "required", row->required);
	cJSON_AddNumberToObject(object, "low", (double)row->low);
	cJSON_AddNumberToObject(object, "high", (double)row->high);
	add_text(object, "allowed", row->allowed);
	add_words(object, "choices", row->choices);
	if (row->members.count > 0)
		add_parameters(object, "members", row->members);
}

static void add_parameters(cJSON *object, const char *key, struct ota_parameter_list list)
{
	cJSON *rows = cJSON_AddArrayToObject(object, key);

	for (size_t i = 0; i < list.count; i++)
		add_parameter(rows, &list.rows[i]);
}

static void add_commands(cJSON *tree)
{
	cJSON *rows = cJSON_AddArrayToObject(tree, "commands");

	for (size_t i = 0; i < ota_command_count(); i++) {
		const struct ota_command *command = ota_command_at(i);
		cJSON *object = add_object(rows);

		add_text(object, "name", command->name);
		add_text(object, "role", ota_role_name(command->role));
		add_text(object, "get", command->get);
		cJSON_AddBoolToObject(object, "mutating", command->mutating);
		cJSON_AddBoolToObject(object, "creates", command->creates);
		add_parameters(object, "parameters", command->parameters);
		add_parameters(object, "common", ota_command_common(command));
	}
}

static void add_config(cJSON *tree, const char *program, const struct ota_config_row *config, size_t count)
{
	static const char *const types[] = {
		[OTA_CONFIG_TEXT] = "text",         [OTA_CONFIG_PATH] = "path", [OTA_CONFIG_BOOL] = "bool",
		[OTA_CONFIG_INTEGER] = "integer",   [OTA_CONFIG_SIZE] = "size", [OTA_CONFIG_CHOICE] = "choice",
		[OTA_CONFIG_DURATION] = "duration",
	};
	cJSON *rows = cJSON_AddArrayToObject(tree, program);

	for (size_t i = 0; i < count; i++) {
		cJSON *object = add_object(rows);

		add_text(object, "section", config[i].section);
		add_text(object, "key", config[i].key);
		add_text(object, "type", types[config[i].type]);
		add_text(object, "help", config[i].help);
		add_words(object, "choices", config[i].choices);
		cJSON_AddNumberToObject(object, "size", (double)config[i].size);
		cJSON_AddNumberToObject(object, "low", (double)config[i].low);
		cJSON_AddNumberToObject(object, "high", (double)config[i].high);
		cJSON_AddBoolToObject(object, "required", config[i].required);
	}
}

static void add_configs(cJSON *tree)
{
	cJSON *programs = cJSON_AddObjectToObject(tree, "configs");
	const struct ota_config_row *rows;
	size_t count;

	rows = ota_settings_rows(&count);
	add_config(programs, "ota-gateway", rows, count);
	rows = agent_config_rows(&count);
	add_config(programs, "ota-agent", rows, count);
	rows = ota_access_rows(&count);
	add_config(programs, "otactl", rows, count);
	rows = ota_options_rows(&count);
	add_config(programs, "mosquitto_ota", rows, count);
}

static void add_options(cJSON *object, struct ota_option_list list)
{
	cJSON *rows = cJSON_AddArrayToObject(object, "options");

	for (size_t i = 0; i < list.count; i++) {
		const struct ota_option *option = &list.rows[i];
		const char letter[] = {option->letter, '\0'};
		cJSON *row = add_object(rows);

		add_text(row, "name", option->name);
		add_text(row, "letter", letter);
		add_text(row, "value", option->value);
		add_text(row, "member", option->member);
		add_text(row, "help", option->help);
		cJSON_AddBoolToObject(row, "repeats", option->repeats);
	}
}

static void add_flags(cJSON *programs, const char *program, struct ota_flag_list list)
{
	cJSON *rows = cJSON_AddArrayToObject(programs, program);

	for (size_t i = 0; i < list.count; i++) {
		const char letter[] = {list.rows[i].letter, '\0'};
		cJSON *row = add_object(rows);

		add_text(row, "name", list.rows[i].name);
		add_text(row, "letter", letter);
		add_text(row, "value", list.rows[i].value);
		add_text(row, "help", list.rows[i].help);
	}
}

static void add_command_lines(cJSON *tree)
{
	cJSON *programs = cJSON_AddObjectToObject(tree, "flags");

	add_flags(programs, "ota-gateway", ota_gateway_flags());
	add_flags(programs, "ota-agent", agent_command_line_flags());
}

static void add_verbs(cJSON *tree)
{
	cJSON *rows = cJSON_AddArrayToObject(tree, "verbs");

	for (size_t i = 0; i < ota_verb_count(); i++) {
		const struct ota_verb *verb = ota_verb_at(i);
		cJSON *object = add_object(rows);

		add_text(object, "noun", verb->noun);
		add_text(object, "name", verb->name);
		add_text(object, "members", verb->members);
		add_text(object, "command", verb->command);
		add_text(object, "arguments", verb->arguments);
		add_text(object, "help", verb->help);
		cJSON_AddNumberToObject(object, "least", verb->least);
		cJSON_AddNumberToObject(object, "most", verb->most);
		add_options(object, verb->options);
	}
	add_options(tree, ota_verb_globals());
}

/* Payloads in base64: they are bytes of any kind. */
static void add_message(cJSON *rows, const struct message_row *row)
{
	static const struct ota_identity identity = {.product_key = "PK", .device_name = "DN"};
	OTA_AUTO_BYTES struct ota_bytes payload = {0};
	char topic[OTA_TOPIC_SIZE];
	cJSON *object = add_object(rows);

	message_row_print(row, &payload);
	char *text = malloc(OTA_BASE64URL_SIZE(payload.size));
	if (!text)
		abort();
	ota_text_base64url(text, (const unsigned char *)(payload.data ? payload.data : ""), payload.size);
	ota_topic_print(topic, row->topic, &identity);
	add_text(object, "topic", topic);
	add_text(object, "field", row->field);
	add_text(object, "what", row->what);
	add_text(object, "payload", text);
	add_text(object, "effect", row->effect);
	add_text(object, "line", row->line);
	free(text);
}

static void add_messages(cJSON *tree)
{
	cJSON *messages = cJSON_AddArrayToObject(tree, "messages"), *pushes = cJSON_AddArrayToObject(tree, "pushes");

	for (size_t i = 0; i < message_row_count(); i++)
		add_message(messages, message_row_at(i));
	for (size_t i = 0; i < push_row_count(); i++)
		add_message(pushes, push_row_at(i));
}

int main(void)
{
	cJSON *tree = cJSON_CreateObject();

	add_commands(tree);
	add_configs(tree);
	add_command_lines(tree);
	add_verbs(tree);
	add_messages(tree);
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	int status = ota_json_write(tree, &text) == 0 && puts(text.data) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	cJSON_Delete(tree);
	return status;
}
