#include "ctl/phrase.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/nearest.h"
#include "common/text.h"

enum { WORD_SIZE = 64, NAMES_MAX = 16 };

/* A phrase, and how far it was read. */
struct reading {
	const char *text, *rest;
	const struct ota_parameter_list *members;
	cJSON *object;
};

/* False at the end. A word that is too long is cut: no member and no value is so long. */
static bool word_take(struct reading *reading, char word[WORD_SIZE])
{
	reading->rest += strspn(reading->rest, " ");
	size_t size = strcspn(reading->rest, " ");

	(void)snprintf(word, WORD_SIZE, "%.*s", (int)(size < WORD_SIZE ? size : WORD_SIZE - 1), reading->rest);
	reading->rest += size;
	return size > 0;
}

static int value_add(struct reading *reading, const struct ota_parameter *row, const char *word, struct ota_error *error)
{
	cJSON *value = NULL;
	int code;

	if (ota_json_member(reading->object, row->name))
		return ota_fail(error, OTA_EINVALID, "\"%.96s\" says %s twice", reading->text, row->name);
	code = ota_parameter_value(row, word, &value, error);
	if (code < 0)
		return code;
	return cJSON_AddItemToObject(reading->object, row->name, value) ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");
}

static const struct ota_parameter *member_find(const struct ota_parameter_list *members, const char *name)
{
	for (size_t i = 0; i < members->count; i++) {
		if (strcmp(members->rows[i].name, name) == 0)
			return &members->rows[i];
	}
	return NULL;
}

static int word_refuse(const struct reading *reading, const char *word, const char *const *heads, struct ota_error *error)
{
	const char *names[NAMES_MAX + 1] = { NULL };
	OTA_AUTO_BYTES struct ota_bytes list = { 0 };
	const char *near;
	size_t count = 0;

	for (size_t i = 0; i < reading->members->count && count < NAMES_MAX; i++) {
		const char *name = reading->members->rows[i].name;
		bool is_head = false;

		for (const char *const *head = heads; *head; head++)
			is_head |= strcmp(*head, name) == 0;
		if (is_head)
			continue;
		ota_bytes_format(&list, "%s%s", count ? ", " : "", name);
		names[count++] = name;
	}
	near = ota_nearest(word, names);
	if (near)
		return ota_fail(error, OTA_EINVALID, "\"%.96s\" has no word \"%s\"; did you mean \"%s\"?", reading->text, word,
				near);
	return ota_fail(error, OTA_EINVALID, "\"%.96s\" has no word \"%s\"; allowed: %s", reading->text, word,
			list.data ? list.data : "nothing");
}

/* What stands behind the first word. `heads` are the members the first word may fill: they have no name of their own. */
static int members_read(struct reading *reading, const char *const *heads, struct ota_error *error)
{
	char name[WORD_SIZE], value[WORD_SIZE] = "true";
	int code = 0;

	while (code == 0 && word_take(reading, name)) {
		const struct ota_parameter *row = member_find(reading->members, name);

		for (const char *const *head = heads; row && *head; head++)
			row = strcmp(*head, name) == 0 ? NULL : row;
		if (!row)
			return word_refuse(reading, name, heads, error);
		if (row->type != OTA_PARAMETER_BOOL && !word_take(reading, value))
			return ota_fail(error, OTA_EINVALID, "\"%.96s\" ends where the value of %s should stand", reading->text,
					name);
		code = value_add(reading, row, row->type == OTA_PARAMETER_BOOL ? "true" : value, error);
	}
	return code;
}

int ota_phrase_read_rate(const struct ota_parameter *row, const char *text, cJSON **ret_value, struct ota_error *error)
{
	static const char *const heads[] = { "perMinute", NULL };
	OTA_AUTO_JSON cJSON *object = cJSON_CreateObject();
	struct reading reading = { text, text, &row->members, object };
	char word[WORD_SIZE];
	int64_t number;
	int code;

	if (!word_take(&reading, word) || !ota_text_parse_i64(ota_span_from_text(word), &number))
		return ota_fail(error, OTA_EINVALID, "\"%.96s\" begins with no number of devices a minute, such as"
				" \"1000\" or \"1000 from 50 factor 2 every 10m\"", text);
	code = value_add(&reading, member_find(&row->members, heads[0]), word, error);
	if (code == 0)
		code = members_read(&reading, heads, error);
	if (code < 0)
		return code;
	*ret_value = object;
	object = NULL;
	return 0;
}

static int stage_read(struct reading *reading, struct ota_error *error)
{
	static const char *const heads[] = { "percent", "count", NULL };
	char word[WORD_SIZE];
	bool has_word = word_take(reading, word);
	size_t size = strlen(word);
	bool is_share = has_word && word[size - 1] == '%';
	int64_t number;

	if (is_share)
		word[size - 1] = '\0';
	if (!has_word || !ota_text_parse_i64(ota_span_from_text(word), &number))
		return ota_fail(error, OTA_EINVALID, "\"%.96s\" begins with no share or number of devices, such as"
				" \"1%% success 95 soak 1h\" or \"500 manual\"", reading->text);
	int code = value_add(reading, member_find(reading->members, heads[is_share ? 0 : 1]), word, error);
	return code < 0 ? code : members_read(reading, heads, error);
}

int ota_phrase_read_stage(const struct ota_parameter *row, const char *text, cJSON **ret_value, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *list = cJSON_CreateArray();
	struct reading reading = { text, text, &row->members, cJSON_CreateObject() };
	int code;

	if (!list || !cJSON_AddItemToArray(list, reading.object)) {
		cJSON_Delete(reading.object);
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	}
	code = stage_read(&reading, error);
	if (code < 0)
		return code;
	*ret_value = list;
	list = NULL;
	return 0;
}

int ota_phrase_read_window(const struct ota_parameter *row, const char *text, cJSON **ret_value, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *object = cJSON_CreateObject();
	const char *dash = strchr(text, '-');
	char from[WORD_SIZE];

	(void)row;
	if (!dash || dash == text || dash[1] == '\0' || dash - text >= WORD_SIZE)
		return ota_fail(error, OTA_EINVALID, "\"%.96s\" is no part of a day such as \"22:00-06:00\"", text);
	(void)snprintf(from, sizeof(from), "%.*s", (int)(dash - text), text);
	if (!cJSON_AddStringToObject(object, "from", from) || !cJSON_AddStringToObject(object, "to", dash + 1))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	*ret_value = object;
	object = NULL;
	return 0;
}

int ota_phrase_read_list(const struct ota_parameter *row, const char *text, cJSON **ret_value, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *list = cJSON_CreateArray();
	const char *rest = strcmp(text, "none") == 0 ? "" : text;

	(void)row;
	while (list && *rest) {
		char word[WORD_SIZE];
		size_t size = strcspn(rest, ",");

		(void)snprintf(word, sizeof(word), "%.*s", (int)(size < WORD_SIZE ? size : WORD_SIZE - 1), rest);
		if (!cJSON_AddItemToArray(list, cJSON_CreateString(word)))
			return ota_fail(error, OTA_ENOMEM, "out of memory");
		rest += size + (rest[size] == ',');
	}
	if (!list)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	*ret_value = list;
	list = NULL;
	return 0;
}
