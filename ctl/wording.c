#include "ctl/wording.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

enum { SPELLING_SIZE = 48 };

/* A name in a sentence, and how the verb spells it. */
struct name {
	const char *at;
	size_t size;
	const struct ota_option *option; /* NULL: an argument */
	char spelling[SPELLING_SIZE];
};

static bool is_member(const char *member, const struct name *name)
{
	const char *dot = member ? strrchr(member, '.') : NULL;
	const char *last = dot ? dot + 1 : member;

	return last && strlen(last) == name->size && memcmp(last, name->at, name->size) == 0;
}

/* The word of `words` at that place, without the brackets and dots that help puts around it: "[NAME...]". */
static void argument_spell(const char *words, int place, char target[SPELLING_SIZE])
{
	while (place-- > 0)
		words += strcspn(words, " ") + 1;
	words += *words == '[';
	(void)snprintf(target, SPELLING_SIZE, "%.*s", (int)strcspn(words, " ].="), words);
}

/* Its place among the arguments, -1 if there is none. */
static int argument_place(const struct ota_verb *verb, const struct name *name)
{
	const char *rest = verb->members;

	for (int place = 0; *rest; place++) {
		size_t size = strcspn(rest, " ");

		if (size == name->size && memcmp(rest, name->at, size) == 0)
			return place;
		rest += size + (rest[size] == ' ');
	}
	return -1;
}

static const struct ota_option *option_find(const struct ota_verb *verb, const struct name *name)
{
	for (size_t i = 0; i < verb->options.count; i++)
		if (is_member(verb->options.rows[i].member, name))
			return &verb->options.rows[i];
	return NULL;
}

static bool name_find(const struct ota_invocation *invocation, struct name *name)
{
	int place = argument_place(invocation->verb, name);

	name->option = option_find(invocation->verb, name);
	if (name->option && place >= 0 && place < invocation->argument_count)
		name->option = NULL;
	if (name->option)
		(void)snprintf(name->spelling, SPELLING_SIZE, "--%s", name->option->name);
	else if (place >= 0)
		argument_spell(invocation->verb->arguments, place, name->spelling);
	return name->option || place >= 0;
}

static bool begins(const char *text, const char *word)
{
	size_t size = strlen(word);

	return strncmp(text, word, size) == 0 && !isalnum((unsigned char)text[size]);
}

/* Onto one of the words its row allows. */
static bool is_before_choice(const struct ota_verb *verb, const struct name *name)
{
	const struct ota_parameter *row;

	if (!name->option || !verb->command || name->at[name->size] != ' ')
		return false;
	row = ota_command_parameter(ota_command_find(verb->command), name->option->member);
	for (const char *const *choice = row ? row->choices : NULL; choice && *choice; choice++)
		if (begins(name->at + name->size + 1, *choice))
			return true;
	return false;
}

static bool is_unmistakable(const struct ota_verb *verb, const struct name *name, const char *sentence)
{
	static const char *const verbs[] = { " is", " must", " has" };
	const char *behind = name->at + name->size;

	for (size_t i = 1; i < name->size; i++)
		if (isupper((unsigned char)name->at[i]))
			return true;
	for (size_t i = 0; name->at == sentence && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (begins(behind, verbs[i]))
			return true;
	return begins(behind, " true") || is_before_choice(verb, name);
}

/* How much of the sentence the spelling stands for: a flag has no "true" behind it. */
static size_t name_width(const struct name *name)
{
	bool has_true = name->option && !name->option->value && begins(name->at + name->size, " true");

	return name->size + (has_true ? strlen(" true") : 0);
}

static size_t word_size(const char *text)
{
	size_t size = 0;

	while (isalnum((unsigned char)text[size]) || text[size] == '_' || text[size] == '-')
		size++;
	return size;
}

void ota_wording_translate(const struct ota_invocation *invocation, struct ota_error *error)
{
	const char *behind_and = NULL; /* where another name would be one too */
	char text[2 * OTA_ERROR_TEXT_MAX] = "";
	size_t used = 0;
	bool quoted = false;

	for (const char *at = error->text; *at && used < OTA_ERROR_TEXT_MAX;) {
		size_t size = word_size(at);
		struct name name = { .at = at, .size = size };

		quoted ^= *at == '"';
		if (size > 0 && !quoted && name_find(invocation, &name) &&
		    (at == behind_and || is_unmistakable(invocation->verb, &name, error->text))) {
			used += (size_t)snprintf(text + used, SPELLING_SIZE, "%s", name.spelling);
			at += name_width(&name);
			behind_and = begins(at, " and") ? at + strlen(" and ") : NULL;
			continue;
		}
		size = size > 0 ? size : 1;
		memcpy(text + used, at, size);
		used += size;
		at += size;
	}
	text[used] = '\0';
	ota_text_cut(error->text, sizeof(error->text), text);
}
