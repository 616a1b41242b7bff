/*
 * Judges a file of the plugin's options, "ota_settle = 2s" a line, as the plugin does when the broker hands it the
 * `plugin_opt_...` lines of mosquitto.conf: all at once, in their order. Exit code 1 and the sentence, or 0.
 *
 * So the tests of bad settings walk the plugin's table as they walk those of the programs, without two hundred brokers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "plugin/broker/options.h"

enum { LINES_MAX = 64 };

/* A line without its end; the value is what follows " = ", as it is. */
static bool line_split(char *line, struct ota_option_line *ret_line)
{
	char *equals = strstr(line, " = ");

	if (!equals)
		return false;
	*equals = '\0';
	*ret_line = (struct ota_option_line){line, equals + 3};
	return true;
}

int main(int argc, char **argv)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_option_line lines[LINES_MAX];
	struct ota_options options;
	struct ota_error error = {0};
	size_t count = 0;
	int code = ota_file_read(argc == 2 ? argv[1] : "", OTA_CONFIG_FILE_MAX, &text, &error);

	for (char *rest = text.data, *line; code == 0 && count < LINES_MAX && (line = strsep(&rest, "\n"));)
		count += line_split(line, &lines[count]);
	if (code == 0)
		code = ota_options_read(lines, count, &options, &error);
	if (code < 0)
		(void)fprintf(stderr, "%s\n", error.text);
	return code < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
