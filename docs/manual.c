#include "docs/manual.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/adapters/hook.h"
#include "agent/command_line.h"
#include "agent/config.h"
#include "common/text.h"
#include "docs/manual_parts.h"
#include "gateway/command_line.h"
#include "gateway/settings.h"
#include "plugin/broker/options.h"

/* scdoc takes these for its own wherever they stand. */
void ota_manual_text(struct ota_bytes *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("*_\\[<", *text))
			ota_bytes_text(out, "\\");
		ota_bytes_append(out, text, 1);
	}
}

void ota_manual_bold(struct ota_bytes *out, const char *text)
{
	ota_bytes_text(out, "*");
	ota_manual_text(out, text);
	ota_bytes_text(out, "*");
}

void ota_manual_underlined(struct ota_bytes *out, const char *text)
{
	ota_bytes_text(out, "_");
	ota_manual_text(out, text);
	ota_bytes_text(out, "_");
}

/* "*-c*, *--config* _FILE_", its help indented below. */
void ota_manual_flag(struct ota_bytes *out, const struct ota_flag *flag, const char *indent)
{
	const char letter[] = {'-', flag->letter, '\0'};
	const char *dashes = "--";

	ota_bytes_text(out, indent);
	if (flag->letter) {
		ota_manual_bold(out, letter);
		ota_bytes_text(out, ", ");
	}
	ota_bytes_format(out, "*%s%s*", dashes, flag->name);
	if (flag->value) {
		ota_bytes_text(out, " ");
		ota_manual_underlined(out, flag->value);
	}
	ota_bytes_format(out, "\n%s\t", indent);
	ota_manual_text(out, flag->help);
	ota_bytes_text(out, "\n\n");
}

static void put_flags(struct ota_bytes *out, struct ota_flag_list flags)
{
	for (size_t i = 0; i < flags.count; i++)
		ota_manual_flag(out, &flags.rows[i], "");
}

static void put_size(struct ota_bytes *out, uint64_t bytes)
{
	char text[32];

	ota_text_print_size(text, bytes);
	ota_bytes_text(out, text);
}

static void put_duration(struct ota_bytes *out, int64_t ms)
{
	char text[32];

	ota_text_print_duration(text, ms);
	ota_bytes_text(out, text);
}

/* One number of the row's type. */
static void put_number(struct ota_bytes *out, enum ota_config_type type, int64_t value)
{
	if (type == OTA_CONFIG_DURATION)
		put_duration(out, value);
	else if (type == OTA_CONFIG_SIZE)
		put_size(out, (uint64_t)value);
	else
		ota_bytes_format(out, "%" PRId64, value);
}

static void put_choices(struct ota_bytes *out, const char *const *choices)
{
	for (size_t i = 0; choices[i]; i++) {
		ota_bytes_text(out, i == 0 ? "" : choices[i + 1] ? ", " : " or ");
		ota_manual_bold(out, choices[i]);
	}
}

static const char *type_words(enum ota_config_type type)
{
	switch (type) {
	case OTA_CONFIG_TEXT: return "text";
	case OTA_CONFIG_PATH: return "a path";
	case OTA_CONFIG_BOOL: return "*yes* or *no*";
	case OTA_CONFIG_INTEGER: return "a number";
	case OTA_CONFIG_SIZE: return "a size";
	case OTA_CONFIG_DURATION: return "a duration";
	case OTA_CONFIG_CHOICE: break;
	}
	return "";
}

/* The help of a choice tells its words in most rows. */
static bool is_told(const struct ota_config_row *row)
{
	size_t told = 0, count = 0;

	for (; row->type == OTA_CONFIG_CHOICE && row->choices[count]; count++)
		told += strstr(row->help, row->choices[count]) != NULL;
	return count > 0 && told == count;
}

static void put_allowed(struct ota_bytes *out, const struct ota_config_row *row)
{
	if (is_told(row))
		return;
	if (row->type == OTA_CONFIG_CHOICE)
		put_choices(out, row->choices);
	else
		ota_bytes_text(out, type_words(row->type));
	if (row->low == 0 && row->high == 0)
		return;
	ota_bytes_text(out, ", ");
	put_number(out, row->type, row->low);
	ota_bytes_text(out, " to ");
	put_number(out, row->type, row->high);
}

/* What stands in the struct when the file says nothing. An empty text and a zero are left to the help. */
static void put_default(struct ota_bytes *out, const struct ota_config_row *row, const void *defaults)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	const char *field = (const char *)defaults + row->offset;
	int64_t number;
	int choice;

	if (row->type == OTA_CONFIG_TEXT || row->type == OTA_CONFIG_PATH) {
		ota_manual_text(&text, field);
	} else if (row->type == OTA_CONFIG_CHOICE) {
		memcpy(&choice, field, sizeof(choice));
		ota_bytes_text(&text, row->choices[choice]);
	} else if (row->type == OTA_CONFIG_BOOL) {
		ota_bytes_text(&text, *(const bool *)field ? "yes" : "no");
	} else {
		memcpy(&number, field, sizeof(number));
		if (number != 0)
			put_number(&text, row->type, number);
	}
	if (text.size > 0)
		ota_bytes_format(out, "%sdefault %s", out->size > 0 ? "; " : "", text.data);
}

void ota_manual_keys(struct ota_bytes *out, const struct ota_manual_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		OTA_AUTO_BYTES struct ota_bytes bounds = {0};
		const struct ota_config_row *row = &keys->rows[i];

		if (strcmp(row->section, keys->section) != 0)
			continue;
		ota_bytes_text(out, "*");
		ota_manual_text(out, keys->prefix);
		ota_manual_text(out, row->key);
		ota_bytes_format(out, "*%s\n\t", row->required ? " (required)" : "");
		ota_manual_text(out, row->help);
		put_allowed(&bounds, row);
		if (keys->defaults && !row->required)
			put_default(&bounds, row, keys->defaults);
		if (bounds.size > 0)
			ota_bytes_format(out, " (%s)", bounds.data);
		ota_bytes_text(out, "\n\n");
	}
}

static void put_gateway_flags(struct ota_bytes *out)
{
	put_flags(out, ota_gateway_flags());
}

static void put_gateway_keys(struct ota_bytes *out)
{
	struct ota_settings defaults = ota_settings_defaults();
	struct ota_manual_keys keys = {.section = "", .defaults = &defaults, .prefix = ""};

	keys.rows = ota_settings_rows(&keys.count);
	ota_manual_keys(out, &keys);
}

static void put_agent_flags(struct ota_bytes *out)
{
	put_flags(out, agent_command_line_flags());
}

static void put_agent_keys(struct ota_bytes *out)
{
	OTA_AUTO_FREE struct agent_config *config = calloc(1, sizeof(*config));
	struct ota_manual_keys keys = {.section = "", .defaults = config, .prefix = ""};

	if (!config)
		abort();
	agent_config_defaults(config);
	keys.rows = agent_config_rows(&keys.count);
	ota_manual_keys(out, &keys);
}

static void put_agent_module_keys(struct ota_bytes *out)
{
	OTA_AUTO_FREE struct agent_config *config = calloc(1, sizeof(*config));
	struct ota_manual_keys keys = {.section = "module", .prefix = ""};

	if (!config)
		abort();
	agent_config_defaults(config);
	keys.defaults = &config->modules[0];
	keys.rows = agent_config_rows(&keys.count);
	ota_manual_keys(out, &keys);
}

static void put_agent_hook_exits(struct ota_bytes *out)
{
	for (const struct agent_hook_exit *row = agent_hook_exits(); row->meaning; row++) {
		if (row->low == row->high)
			ota_bytes_format(out, "*%d*", row->low);
		else
			ota_bytes_text(out, "any other");
		ota_bytes_text(out, "\n\t");
		ota_manual_text(out, row->meaning);
		ota_bytes_text(out, "\n\n");
	}
}

static void put_plugin_options(struct ota_bytes *out)
{
	struct ota_options defaults = ota_options_defaults();
	struct ota_manual_keys keys = {.section = "", .defaults = &defaults, .prefix = "plugin_opt_"};

	keys.rows = ota_options_rows(&keys.count);
	ota_manual_keys(out, &keys);
}

static const struct part {
	const char *name;
	void (*put)(struct ota_bytes *out);
} parts[] = {
	{"otactl verbs", ota_manual_otactl_verbs},
	{"otactl options", ota_manual_otactl_options},
	{"otactl options of changes", ota_manual_otactl_changes},
	{"otactl exits", ota_manual_otactl_exits},
	{"otactl keys", ota_manual_otactl_keys},
	{"gateway flags", put_gateway_flags},
	{"gateway keys", put_gateway_keys},
	{"agent flags", put_agent_flags},
	{"agent keys", put_agent_keys},
	{"agent module keys", put_agent_module_keys},
	{"agent hook exits", put_agent_hook_exits},
	{"plugin options", put_plugin_options},
};

static int put_part(struct ota_bytes *out, const char *name, size_t size, struct ota_error *error)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strlen(parts[i].name) == size && memcmp(parts[i].name, name, size) == 0) {
			parts[i].put(out);
			return 0;
		}
	}
	return ota_fail(error, OTA_EINVALID, "there is no part @%.*s@", (int)size, name);
}

int ota_manual_print(struct ota_bytes *out, const char *page, struct ota_error *error)
{
	int code = 0;

	while (code == 0 && *page) {
		size_t size = strcspn(page, "\n");

		if (size > 2 && page[0] == '@' && page[size - 1] == '@') {
			code = put_part(out, page + 1, size - 2, error);
		} else {
			ota_bytes_append(out, page, size);
			ota_bytes_text(out, "\n");
		}
		page += size + (page[size] == '\n');
	}
	return code;
}
