/*
 * Flags: the command line of a program as a table. Parsing, --help, man page and shell completion come from its rows.
 */
#ifndef OTA_COMMON_FLAG_H
#define OTA_COMMON_FLAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/error.h"

struct ota_flag {
	const char *name;  /* without the dashes */
	char letter;       /* 0 = none */
	const char *value; /* what help calls it; "[VALUE]" may be left out; NULL = takes none. FILE, DIR and IMAGE are paths */
	const char *help;  /* one line, lower case, no full stop */
};

struct ota_flag_list {
	const struct ota_flag *rows;
	size_t count; /* at most OTA_FLAGS_MAX */
};

enum { OTA_FLAGS_MAX = 32 };

/* A command line being read; zero but for the first three. Words that belong to no flag are moved to the front, to argv[1]. */
struct ota_flag_walk {
	struct ota_flag_list flags;
	int argc;
	char **argv;
	int next, operand_count;
	bool only_operands; /* behind "--" */
	bool given[OTA_FLAGS_MAX];
};

enum {
	OTA_FLAG_END = -1,
	OTA_FLAG_BAD = -2,
};

/* The index of the next row given, with its value, or one of the above; then error says what is wrong: a flag that is unknown
 * (and which was meant), given twice, without its value or with one too many. "--flag VALUE", "--flag=VALUE", "-f VALUE",
 * "-fVALUE"; a value that may be left out only behind "=" or the letter. Names are never shortened. */
int ota_flag_next(struct ota_flag_walk *walk, const char **ret_value, struct ota_error *error);

/* "  -c, --config FILE   settings, see below", a line per row. */
void ota_flags_print(FILE *stream, struct ota_flag_list flags);

#endif
