/*
 * Flags: the command line of a program as a table. Parsing, --help, man page and shell completion come from its rows.
 */
#ifndef OTA_COMMON_FLAG_H
#define OTA_COMMON_FLAG_H

#include <stddef.h>
#include <stdio.h>

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

enum {
	OTA_FLAG_END = -1, /* what is left are operands, from optind on */
	OTA_FLAG_BAD = -2, /* and the sentence is on standard error */
};

/* getopt_long(3) over the table: the index of the next row given, with its value; or one of the above. main's thread. */
int ota_flag_next(struct ota_flag_list flags, int argc, char **argv, const char **ret_value);

/* "  -c, --config FILE   settings, see below", a line per row. */
void ota_flags_print(FILE *stream, struct ota_flag_list flags);

#endif
