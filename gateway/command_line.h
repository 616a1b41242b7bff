/*
 * The command line of ota-gateway.
 */
#ifndef OTA_GATEWAY_COMMAND_LINE_H
#define OTA_GATEWAY_COMMAND_LINE_H

#include <stdbool.h>
#include <stdio.h>

#include "common/flag.h"

enum { OTA_GATEWAY_EXIT_USAGE = 2 }; /* command line or settings; 1 is every other failure */

struct ota_gateway_line {
	const char *config;
	const char *port_file; /* NULL = none */
	bool check_only;
	bool help, version; /* then nothing else is wanted */
};

/* False after a sentence on standard error. */
bool ota_gateway_line_parse(int argc, char **argv, struct ota_gateway_line *ret_line);
void ota_gateway_help(FILE *stream);

/* The table, for whoever prints it. */
struct ota_flag_list ota_gateway_flags(void);

#endif
