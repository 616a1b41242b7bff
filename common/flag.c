#include "common/flag.h"

#include <assert.h>
#include <string.h>

#include "common/nearest.h"

/* Row of "config" out of "config=x", or of a letter; -1 if there is none. */
static int row_find(struct ota_flag_list flags, const char *name, size_t size, char letter)
{
	for (size_t i = 0; i < flags.count; i++) {
		const struct ota_flag *row = &flags.rows[i];

		if (name ? strlen(row->name) == size && memcmp(row->name, name, size) == 0 : row->letter && row->letter == letter)
			return (int)i;
	}
	return -1;
}

static int unknown(struct ota_flag_list flags, const char *word, struct ota_error *error)
{
	const char *names[OTA_FLAGS_MAX + 1] = { NULL };
	const char *near;
	char name[64];

	for (size_t i = 0; i < flags.count; i++)
		names[i] = flags.rows[i].name;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	near = name[1] == '-' ? ota_nearest(name + 2, names) : NULL;
	if (near)
		(void)ota_fail(error, OTA_EINVALID, "there is no option %s; did you mean --%s?", name, near);
	else
		(void)ota_fail(error, OTA_EINVALID, "there is no option %s", name);
	return OTA_FLAG_BAD;
}

static bool takes_word(const struct ota_flag *row)
{
	return row->value && row->value[0] != '[';
}

/* attached: what stands behind "=" or the letter, NULL if nothing does. */
static int take_value(struct ota_flag_walk *walk, const struct ota_flag *row, const char *attached, const char **ret_value,
		      struct ota_error *error)
{
	*ret_value = attached;
	if (attached && !row->value)
		return ota_fail(error, OTA_EINVALID, "--%s takes no value", row->name);
	if (attached || !takes_word(row))
		return 0;
	if (walk->next == walk->argc)
		return ota_fail(error, OTA_EINVALID, "--%s needs a value: %s", row->name, row->value);
	*ret_value = walk->argv[walk->next++];
	return 0;
}

static int take_flag(struct ota_flag_walk *walk, const char *word, const char **ret_value, struct ota_error *error)
{
	bool is_long = word[1] == '-';
	size_t size = is_long ? strcspn(word + 2, "=") : 0;
	int index = row_find(walk->flags, is_long ? word + 2 : NULL, size, word[1]);
	const char *attached = is_long ? word + 2 + size : word + 2;
	const struct ota_flag *row;

	if (index < 0)
		return unknown(walk->flags, word, error);
	row = &walk->flags.rows[index];
	if (*attached == '\0')
		attached = NULL;
	else if (is_long)
		attached++;
	if (take_value(walk, row, attached, ret_value, error) < 0)
		return OTA_FLAG_BAD;
	if (walk->given[index]) {
		(void)ota_fail(error, OTA_EINVALID, "--%s is given twice", row->name);
		return OTA_FLAG_BAD;
	}
	walk->given[index] = true;
	return index;
}

int ota_flag_next(struct ota_flag_walk *walk, const char **ret_value, struct ota_error *error)
{
	assert(walk->flags.count <= OTA_FLAGS_MAX);
	if (walk->next == 0)
		walk->next = 1;
	while (walk->next < walk->argc) {
		char *word = walk->argv[walk->next++];

		if (!walk->only_operands && strcmp(word, "--") == 0)
			walk->only_operands = true;
		else if (!walk->only_operands && word[0] == '-' && word[1] != '\0')
			return take_flag(walk, word, ret_value, error);
		else
			walk->argv[1 + walk->operand_count++] = word;
	}
	return OTA_FLAG_END;
}

void ota_flags_print(FILE *stream, struct ota_flag_list flags)
{
	for (size_t i = 0; i < flags.count; i++) {
		const struct ota_flag *flag = &flags.rows[i];
		char left[48];

		(void)snprintf(left, sizeof(left), "--%s%s%s", flag->name, flag->value ? " " : "",
			       flag->value ? flag->value : "");
		if (flag->letter)
			(void)fprintf(stream, "  -%c, %-20s %s\n", flag->letter, left, flag->help);
		else
			(void)fprintf(stream, "      %-20s %s\n", left, flag->help);
	}
}
