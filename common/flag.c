#include "common/flag.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

enum { FIRST = 256 }; /* beyond every letter: what getopt_long() returns for row 0 by its long name */

static int argument_kind(const struct ota_flag *flag)
{
	if (!flag->value)
		return no_argument;
	return flag->value[0] == '[' ? optional_argument : required_argument;
}

/* "c:hV" and the array that ends in zeros. */
static void tables_make(struct ota_flag_list flags, struct option options[OTA_FLAGS_MAX + 1], char letters[3 * OTA_FLAGS_MAX + 1])
{
	assert(flags.count <= OTA_FLAGS_MAX);
	memset(options, 0, (OTA_FLAGS_MAX + 1) * sizeof(*options));
	for (size_t i = 0; i < flags.count; i++) {
		const struct ota_flag *flag = &flags.rows[i];

		options[i] = (struct option){flag->name, argument_kind(flag), NULL, FIRST + (int)i};
		if (!flag->letter)
			continue;
		*letters++ = flag->letter;
		for (int colons = argument_kind(flag); colons > 0; colons--)
			*letters++ = ':';
	}
	*letters = '\0';
}

int ota_flag_next(struct ota_flag_list flags, int argc, char **argv, const char **ret_value)
{
	struct option options[OTA_FLAGS_MAX + 1];
	char letters[3 * OTA_FLAGS_MAX + 1];
	int found;

	tables_make(flags, options, letters);
	found = getopt_long(argc, argv, letters, options, NULL);
	*ret_value = optarg;
	if (found == -1)
		return OTA_FLAG_END;
	for (size_t i = 0; i < flags.count; i++) {
		if (found == FIRST + (int)i || (flags.rows[i].letter && found == flags.rows[i].letter))
			return (int)i;
	}
	return OTA_FLAG_BAD;
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
