#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/nearest.h"
#include "common/text.h"
#include "ctl/verb.h"
#include "ctl/wording.h"

enum { OPTIONS_MAX = 80 };

/* The words of a command line, and how far they were read. */
struct words {
	int argc;
	char *const *argv;
	int next;
};

static const struct ota_option *find_in(struct ota_option_list list, const char *name, size_t size, char letter)
{
	for (size_t i = 0; i < list.count; i++) {
		const struct ota_option *option = &list.rows[i];

		if (name && strncmp(option->name, name, size) == 0 && option->name[size] == '\0')
			return option;
		if (!name && letter && option->letter == letter)
			return option;
	}
	return NULL;
}

static const struct ota_option *find(const struct ota_verb *verb, const char *name, size_t size, char letter)
{
	const struct ota_option *own = find_in(verb->options, name, size, letter);

	return own ? own : find_in(ota_verb_globals(), name, size, letter);
}

static int unknown_option(const struct ota_verb *verb, const char *word, struct ota_error *error)
{
	const char *names[OPTIONS_MAX + 1] = { NULL };
	struct ota_option_list globals = ota_verb_globals();
	char name[64];
	const char *near;
	size_t count = 0;

	for (size_t i = 0; i < verb->options.count && count < OPTIONS_MAX; i++)
		names[count++] = verb->options.rows[i].name;
	for (size_t i = 0; i < globals.count && count < OPTIONS_MAX; i++)
		names[count++] = globals.rows[i].name;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	near = word[1] == '-' ? ota_nearest(name, names) : NULL;
	if (near)
		return ota_fail(error, OTA_EINVALID, "there is no option %s; did you mean --%s?", word, near);
	return ota_fail(error, OTA_EINVALID, "there is no option %s; see otactl %s%s%s --help", word, verb->noun,
			verb->name ? " " : "", verb->name ? verb->name : "");
}

static int give(struct ota_invocation *invocation, const struct ota_option *option, const char *value, struct ota_error *error)
{
	for (int i = 0; i < invocation->given_count && !option->repeats; i++) {
		if (invocation->given[i].option == option)
			return ota_fail(error, OTA_EINVALID, "--%s is given twice", option->name);
	}
	invocation->given[invocation->given_count++] = (struct ota_given){ option, value };
	return 0;
}

/* The value after '=' or after the letter, or the next word. */
static int take_value(struct words *words, const struct ota_option *option, const char *attached, const char **ret_value,
		      struct ota_error *error)
{
	*ret_value = NULL;
	if (!option->value)
		return attached ? ota_fail(error, OTA_EINVALID, "--%s takes no value", option->name) : 0;
	if (attached)
		*ret_value = attached;
	else if (words->next < words->argc)
		*ret_value = words->argv[words->next++];
	else
		return ota_fail(error, OTA_EINVALID, "--%s needs a value: %s", option->name, option->value);
	return 0;
}

static int take_option(struct ota_invocation *invocation, struct words *words, const char *word, struct ota_error *error)
{
	bool is_long = word[1] == '-';
	const char *name = is_long ? word + 2 : NULL;
	size_t size = is_long ? strcspn(name, "=") : 0;
	const struct ota_option *option = find(invocation->verb, name, size, word[1]);
	const char *attached = NULL, *value;
	int code;

	if (!option)
		return unknown_option(invocation->verb, word, error);
	if (is_long && name[size] == '=')
		attached = name + size + 1;
	else if (!is_long && word[2] != '\0')
		attached = word + 2;
	code = take_value(words, option, attached, &value, error);
	return code < 0 ? code : give(invocation, option, value, error);
}

static int check_arguments(const struct ota_invocation *invocation, struct ota_error *error)
{
	const struct ota_verb *verb = invocation->verb;
	const char *name = verb->name ? verb->name : "";
	const char *space = verb->name ? " " : "";

	if (ota_invocation_value(invocation, "help"))
		return 0;
	if (invocation->argument_count < verb->least)
		return ota_fail(error, OTA_EINVALID, "%s%s%s needs %s; see otactl %s%s%s --help", verb->noun, space, name,
				verb->arguments, verb->noun, space, name);
	if (verb->most >= 0 && invocation->argument_count > verb->most)
		return ota_fail(error, OTA_EINVALID, "\"%.64s\" is one word too many: %s%s%s takes %s",
				invocation->arguments[verb->most], verb->noun, space, name,
				verb->arguments[0] ? verb->arguments : "options alone");
	return 0;
}

static int parse_words(struct ota_invocation *invocation, struct words *words, struct ota_error *error)
{
	bool options_ended = false;
	int code = 0;

	while (code == 0 && words->next < words->argc) {
		const char *word = words->argv[words->next++];

		if (!options_ended && strcmp(word, "--") == 0)
			options_ended = true;
		else if (!options_ended && word[0] == '-' && word[1] != '\0')
			code = take_option(invocation, words, word, error);
		else
			invocation->arguments[invocation->argument_count++] = word;
	}
	return code < 0 ? code : check_arguments(invocation, error);
}

int ota_invocation_parse(const struct ota_verb *verb, int argc, char *const *argv, struct ota_invocation *ret_invocation,
			 struct ota_error *error)
{
	struct ota_invocation invocation = { .verb = verb };
	struct words words = { argc, argv, 0 };
	int code;

	invocation.arguments = calloc((size_t)argc + 1, sizeof(*invocation.arguments));
	invocation.given = calloc((size_t)argc + 1, sizeof(*invocation.given));
	if (!invocation.arguments || !invocation.given)
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	else
		code = parse_words(&invocation, &words, error);
	if (code < 0) {
		ota_invocation_release(&invocation);
		return code;
	}
	*ret_invocation = invocation;
	return 0;
}

void ota_invocation_release(struct ota_invocation *invocation)
{
	free(invocation->arguments);
	free(invocation->given);
	invocation->arguments = NULL;
	invocation->given = NULL;
}

const char *ota_invocation_value(const struct ota_invocation *invocation, const char *option)
{
	const char *value = NULL;

	for (int i = 0; i < invocation->given_count; i++) {
		const struct ota_given *given = &invocation->given[i];

		if (strcmp(given->option->name, option) == 0)
			value = given->value ? given->value : "";
	}
	return value;
}

/* The object that holds the last word of "strategy.window.zone", made on the way. NULL: no memory. */
static cJSON *descend(cJSON *object, const char *member, const char **ret_key)
{
	const char *dot;

	while (object && (dot = strchr(member, '.'))) {
		char name[32];
		cJSON *inner;

		(void)snprintf(name, sizeof(name), "%.*s", (int)(dot - member), member);
		inner = cJSON_GetObjectItemCaseSensitive(object, name);
		object = inner ? inner : cJSON_AddObjectToObject(object, name);
		member = dot + 1;
	}
	*ret_key = member;
	return object;
}

/* Takes the value. A list joins the list that is there, an object its members: --zone may come before --window. */
static int add_value(cJSON *object, const char *key, cJSON *value, struct ota_error *error)
{
	cJSON *there = cJSON_GetObjectItemCaseSensitive(object, key), *item;

	if (!there) {
		if (cJSON_AddItemToObject(object, key, value))
			return 0;
		cJSON_Delete(value);
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	}
	while ((cJSON_IsArray(there) || cJSON_IsObject(there)) && (item = cJSON_DetachItemFromArray(value, 0))) {
		bool added = cJSON_IsArray(there) ? cJSON_AddItemToArray(there, item)
						  : cJSON_AddItemToObject(there, item->string, item);
		if (!added)
			cJSON_Delete(item);
	}
	cJSON_Delete(value);
	return 0;
}

static int read_value(const struct ota_parameter *row, const struct ota_option *option, const char *text, cJSON **ret_value,
		      struct ota_error *error)
{
	if (option && option->read)
		return option->read(row, text, ret_value, error);
	return ota_parameter_value(row, text, ret_value, error);
}

/* `option` is NULL for an argument. */
static int set_member(cJSON *object, const struct ota_command *command, const struct ota_given *given, const char *member,
		      struct ota_error *error)
{
	const struct ota_parameter *row = ota_command_parameter(command, member);
	const struct ota_option *option = given->option;
	const char *key;
	cJSON *value = NULL;
	int code;

	object = row ? descend(object, member, &key) : NULL;
	if (!object)
		return ota_fail_at(error, OTA_EINVALID, member, "%s has no %s", command->name, member);
	if (ota_json_member(object, key) && !(option && option->read))
		return ota_fail_at(error, OTA_EINVALID, member, "%s is given twice", key);
	code = read_value(row, option, given->value ? given->value : "true", &value, error);
	if (code == 0)
		code = add_value(object, key, value, error);
	if (code == 0)
		code = ota_parameter_check(row, (struct ota_json_place){ object, "" }, error);
	if (code < 0 && error)
		(void)snprintf(error->path, sizeof(error->path), "%s", member);
	return code;
}

static int set_arguments(const struct ota_invocation *invocation, const struct ota_command *command, cJSON *object,
			 struct ota_error *error)
{
	const char *rest = invocation->verb->members;
	char member[32];
	int code = 0;

	for (int i = 0; code == 0 && i < invocation->argument_count && *rest; i++) {
		size_t size = strcspn(rest, " ");

		(void)snprintf(member, sizeof(member), "%.*s", (int)size, rest);
		rest += size;
		rest += strspn(rest, " ");
		code = set_member(object, command, &(struct ota_given){ NULL, invocation->arguments[i] }, member, error);
	}
	return code;
}

static bool is_given_as_argument(const struct ota_invocation *invocation, const char *member)
{
	const char *rest = invocation->verb->members;

	for (int i = 0; i < invocation->argument_count && *rest; i++) {
		size_t size = strcspn(rest, " ");

		if (strlen(member) == size && memcmp(rest, member, size) == 0)
			return true;
		rest += size + (rest[size] == ' ');
	}
	return false;
}

/* The option that fills this member; "strategy.stages[1].soak" was said with the one that fills "strategy.stages". */
static const struct ota_option *option_of(const struct ota_verb *verb, const char *member)
{
	const struct ota_option *around = NULL;

	for (size_t i = 0; i < verb->options.count; i++) {
		const struct ota_option *option = &verb->options.rows[i];
		size_t size = option->member ? strlen(option->member) : 0;

		if (size == 0 || strncmp(option->member, member, size) != 0)
			continue;
		if (member[size] == '\0')
			return option;
		if (member[size] == '.' || member[size] == '[')
			around = option;
	}
	return around;
}

int ota_invocation_blame(const struct ota_invocation *invocation, int code, struct ota_error *error)
{
	const struct ota_option *option = error->path[0] ? option_of(invocation->verb, error->path) : NULL;
	char typed[64];

	/* Inside what one option says, soak is the stage's and not --soak. */
	if (!option || strcmp(option->member, error->path) == 0)
		ota_wording_translate(invocation, error);
	if (!option || is_given_as_argument(invocation, error->path))
		return code;
	/* A conflict lies in what was said: a package named by --version is not to be blamed as --package. */
	if (code == OTA_ECONFLICT && !ota_invocation_value(invocation, option->name))
		return code;
	(void)snprintf(typed, sizeof(typed), "--%s", option->name);
	return strstr(error->text, typed) ? code : ota_error_prefix(error, code, "%s", typed);
}

int ota_invocation_command(const struct ota_invocation *invocation, cJSON **ret_command, struct ota_error *error)
{
	const struct ota_command *command = ota_command_find(invocation->verb->command);
	OTA_AUTO_JSON cJSON *object = cJSON_CreateObject();
	int code;

	if (!object || !cJSON_AddStringToObject(object, "command", command->name))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	code = set_arguments(invocation, command, object, error);
	for (int i = 0; code == 0 && i < invocation->given_count; i++) {
		const struct ota_given *given = &invocation->given[i];

		if (given->option->member)
			code = set_member(object, command, given, given->option->member, error);
	}
	if (code < 0)
		return ota_invocation_blame(invocation, code, error);
	*ret_command = object;
	object = NULL;
	return 0;
}

int ota_invocation_ask(const struct ota_invocation *invocation, const cJSON *command, cJSON **ret_data, struct ota_error *error)
{
	const struct ota_command *row = ota_command_find(ota_json_member(command, "command")->valuestring);
	int code = ota_command_check(row, command, "", error);

	if (code == 0)
		code = ota_client_call(invocation->client, command, ret_data, error);
	return code < 0 ? ota_invocation_blame(invocation, code, error) : 0;
}

static int parse_limit(const struct ota_invocation *invocation, int64_t *ret_limit, struct ota_error *error)
{
	const char *text = ota_invocation_value(invocation, "limit");

	*ret_limit = INT64_MAX;
	if (text && (!ota_text_parse_i64(ota_span_from_text(text), ret_limit) || *ret_limit < 1))
		return ota_fail(error, OTA_EINVALID, "--limit is \"%s\"; allowed: a number from 1", text);
	return 0;
}

static bool replace(cJSON *object, const char *key, cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	return value && cJSON_AddItemToObject(object, key, value);
}

/* One page; *ret_more tells whether another follows, and puts its beginning into the command. */
static int show_page(struct ota_invocation *invocation, cJSON *command, int64_t *left, bool *ret_more, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *data = NULL;
	const cJSON *items, *next;
	int64_t wanted = *left < OTA_PAGE_MAX ? *left : OTA_PAGE_MAX;
	int code;

	if (!replace(command, "limit", cJSON_CreateNumber((double)wanted)))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	code = ota_invocation_ask(invocation, command, &data, error);
	if (code < 0)
		return code;
	items = ota_json_member(data, "items");
	next = ota_json_member(data, "next");
	ota_output_page(&invocation->output, invocation->verb->view, items);
	*left -= cJSON_GetArraySize(items);
	*ret_more = *left > 0 && cJSON_IsString(next); /* a search may give an empty page and go on */
	if (*ret_more && !replace(command, "after", cJSON_CreateString(next->valuestring)))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	return 0;
}

int ota_invocation_list(struct ota_invocation *invocation, cJSON *command, struct ota_error *error)
{
	bool more = true;
	int64_t left;
	int code = parse_limit(invocation, &left, error);

	if (code < 0)
		return code;
	ota_output_begin(&invocation->output);
	while (code == 0 && more)
		code = show_page(invocation, command, &left, &more, error);
	ota_output_end(&invocation->output);
	return code;
}

int ota_invocation_run(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code < 0)
		return code;
	if (ota_command_parameter(ota_command_find(invocation->verb->command), "after"))
		return ota_invocation_list(invocation, command, error);
	code = ota_invocation_ask(invocation, command, &data, error);
	if (code == 0)
		ota_output_one(&invocation->output, invocation->verb->view, data);
	return code;
}
