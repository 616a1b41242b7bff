#include "ctl/complete.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/cell.h"
#include "ctl/output.h"
#include "ctl/verb.h"

/* What the server has names or ids for. `name` is an option, or what an argument is called. */
static const struct source {
	const char *name;
	const char *command;
	const char *member;  /* that is typed */
	const char *told;    /* beside it */
	bool of_product;     /* only once a product was named */
} sources[] = {
	{ "product", "listProducts", "productKey", "name", false },
	{ "device", "listDevices", "deviceName", NULL, true },
	{ "group", "listGroups", "group", NULL, true },
	{ "version", "listPackages", "version", "status", true },
	{ "package", "listPackages", "id", "version", false },
	{ "batch", "listBatches", "id", "state", false },
	{ "token", "listTokens", "name", "role", false },
	{ "actor", "listTokens", "name", "role", false },
};

/* The words so far, read as the parser would. */
struct line {
	const struct ota_complete *complete;
	const char *typed; /* the last word */
	const struct ota_verb *verb;
	const struct ota_option *option; /* whose value is being typed */
	const char *product;
	int arguments; /* before the last word */
};

/* Names come from the server and go to a terminal. */
static void put(const struct line *line, const char *word, const char *told)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };

	if (strncmp(word, line->typed, strlen(line->typed)) != 0)
		return;
	ota_cell_clean(&text, word);
	if (told && told[0]) {
		ota_bytes_text(&text, "\t");
		ota_cell_clean(&text, told);
	}
	if (text.data)
		(void)fprintf(line->complete->stream, "%s\n", text.data);
}

static void put_nouns(const struct line *line)
{
	const char *noun = "";

	for (size_t i = 0; i < ota_verb_count(); i++) {
		const struct ota_verb *verb = ota_verb_at(i);

		if (strcmp(verb->noun, noun) != 0)
			put(line, verb->noun, verb->name ? "" : verb->help);
		noun = verb->noun;
	}
	put(line, "help", "help of a noun");
}

static void put_verbs(const struct line *line, const char *noun)
{
	for (size_t i = 0; i < ota_verb_count(); i++) {
		const struct ota_verb *verb = ota_verb_at(i);

		if (verb->name && strcmp(verb->noun, noun) == 0)
			put(line, verb->name, verb->help);
	}
}

static void put_options(const struct line *line, struct ota_option_list options)
{
	char word[64];

	for (size_t i = 0; i < options.count; i++) {
		(void)snprintf(word, sizeof(word), "--%s", options.rows[i].name);
		put(line, word, options.rows[i].help);
	}
}

static void put_choices(const struct line *line, const char *const *choices)
{
	for (; *choices; choices++)
		put(line, *choices, NULL);
}

static void put_items(const struct line *line, const struct source *source)
{
	const cJSON *item;
	cJSON *items;

	if (!line->complete->ask || (source->of_product && !line->product))
		return;
	items = line->complete->ask(line->complete->context, source->command, source->of_product ? line->product : NULL);
	cJSON_ArrayForEach(item, items) {
		const cJSON *member = ota_json_member(item, source->member);
		const cJSON *told = source->told ? ota_json_member(item, source->told) : NULL;
		char number[32];

		(void)snprintf(number, sizeof(number), "%.0f", cJSON_IsNumber(member) ? member->valuedouble : 0.0);
		if (member)
			put(line, cJSON_IsString(member) ? member->valuestring : number,
			    cJSON_IsString(told) ? told->valuestring : NULL);
	}
	cJSON_Delete(items);
}

/* A name of sources. False if there is none. */
static bool put_source(const struct line *line, const char *name)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (strcmp(sources[i].name, name) == 0) {
			put_items(line, &sources[i]);
			return true;
		}
	}
	return false;
}

static void put_file(const struct line *line, const char *placeholder)
{
	if (strstr(placeholder, "FILE") || strstr(placeholder, "DIR"))
		(void)fputs(OTA_COMPLETE_FILE "\n", line->complete->stream);
}

static void put_values(const struct line *line)
{
	static const char *const truths[] = { "true", "false", NULL };
	const struct ota_option *option = line->option;
	const struct ota_parameter *parameter = NULL;

	if (line->verb && line->verb->command && option->member)
		parameter = ota_command_parameter(ota_command_find(line->verb->command), option->member);
	if (strcmp(option->name, "output") == 0)
		put_choices(line, ota_output_forms());
	else if (parameter && parameter->choices)
		put_choices(line, parameter->choices);
	else if (parameter && parameter->type == OTA_PARAMETER_BOOL)
		put_choices(line, truths);
	else if (!put_source(line, option->name))
		put_file(line, option->value);
}

/* "PRODUCT" is a product, "GROUP" a group, "ID" and "NAME" are of the noun's kind; but the name behind a product is always a
 * device's. The last placeholder stands for all that follow. */
static void put_arguments(const struct line *line)
{
	const char *at = line->verb->arguments;
	char placeholder[32];
	size_t size = strcspn(at, " ");

	for (int i = 0; i < line->arguments && at[size]; i++) {
		at += size + 1;
		size = strcspn(at, " ");
	}
	(void)snprintf(placeholder, sizeof(placeholder), "%.*s", (int)size, at);
	if (strstr(placeholder, "PRODUCT"))
		(void)put_source(line, "product");
	else if (strstr(placeholder, "GROUP"))
		(void)put_source(line, "group");
	else if (strstr(placeholder, "NAME") && line->product)
		(void)put_source(line, "device");
	else if (strstr(placeholder, "NAME") || strstr(placeholder, "ID"))
		(void)put_source(line, line->verb->noun);
	else
		put_file(line, placeholder);
}

static const struct ota_option *option_in(struct ota_option_list options, const char *word)
{
	for (size_t i = 0; i < options.count; i++) {
		const struct ota_option *option = &options.rows[i];
		bool is_it = word[1] == '-' ? strcmp(word + 2, option->name) == 0
					    : word[1] && option->letter == word[1] && word[2] == '\0';

		if (is_it && word[0] == '-')
			return option;
	}
	return NULL;
}

static const struct ota_option *option_of(const struct ota_verb *verb, const char *word)
{
	const struct ota_option *option = verb ? option_in(verb->options, word) : NULL;

	return option ? option : option_in(ota_verb_globals(), word);
}

/* Reads one word that is complete. noun is what stands there so far, NULL = nothing. */
static void read_word(struct line *line, const char *word, const char **noun)
{
	struct ota_error error = { 0 };
	char *name[2];
	int used;

	if (line->option) {
		line->product = strcmp(line->option->name, "product") == 0 ? word : line->product;
		line->option = NULL;
	} else if (word[0] == '-') {
		line->option = option_of(line->verb, word);
		line->option = line->option && line->option->value ? line->option : NULL;
	} else if (line->verb) {
		bool is_product = line->arguments == 0 && strncmp(line->verb->arguments, "PRODUCT", strlen("PRODUCT")) == 0;

		line->product = is_product ? word : line->product;
		line->arguments++;
	} else {
		name[0] = strdup(*noun ? *noun : word);
		name[1] = strdup(word);
		if (name[0] && name[1])
			(void)ota_verb_find(*noun ? 2 : 1, name, &line->verb, &used, &error);
		*noun = *noun ? *noun : word;
		free(name[0]);
		free(name[1]);
	}
}

/* "--product=ed": what stands behind '=' is what is typed. */
static void read_attached(struct line *line)
{
	const char *equals = strchr(line->typed, '=');
	char word[64];

	if (line->option || strncmp(line->typed, "--", 2) != 0 || !equals)
		return;
	(void)snprintf(word, sizeof(word), "%.*s", (int)(equals - line->typed), line->typed);
	line->option = option_of(line->verb, word);
	if (line->option)
		line->typed = equals + 1;
}

void ota_complete(const struct ota_complete *complete, int count, char *const *words)
{
	struct line line = { .complete = complete, .typed = count > 0 ? words[count - 1] : "" };
	const char *noun = NULL;

	for (int i = 0; i + 1 < count; i++)
		read_word(&line, words[i], &noun);
	read_attached(&line);
	if (line.option) {
		put_values(&line);
	} else if (line.typed[0] == '-') {
		put_options(&line, line.verb ? line.verb->options : (struct ota_option_list){ NULL, 0 });
		put_options(&line, ota_verb_globals());
	} else if (line.verb) {
		put_arguments(&line);
	} else if (!noun || strcmp(noun, "help") == 0) {
		put_nouns(&line);
	} else {
		put_verbs(&line, noun);
	}
}
