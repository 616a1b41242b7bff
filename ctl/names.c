#include "ctl/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

int ota_names_add(const char *name, cJSON *array, struct ota_error *error)
{
	cJSON *item;

	if (!ota_text_is_device_name(ota_span_from_text(name)))
		return ota_fail(error, OTA_EINVALID,
				"\"%.80s\" is no device name; allowed: 1..64 letters, digits and _ . : @ -", name);
	item = cJSON_CreateString(name);
	if (!item || !cJSON_AddItemToArray(array, item)) {
		cJSON_Delete(item);
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	}
	return 0;
}

static char *trim(char *line)
{
	size_t size;

	line += strspn(line, " \t\r\n");
	size = strlen(line);
	while (size > 0 && strchr(" \t\r\n", line[size - 1]))
		line[--size] = '\0';
	return line;
}

static int read_lines(FILE *stream, const char *path, cJSON *array, struct ota_error *error)
{
	OTA_AUTO_FREE char *line = NULL;
	size_t capacity = 0;
	int number = 0;
	int code = 0;

	while (code == 0 && getline(&line, &capacity, stream) >= 0) {
		char *name = trim(line);

		number++;
		if (name[0] == '\0' || name[0] == '#')
			continue;
		code = ota_names_add(name, array, error);
		if (code < 0)
			(void)ota_error_prefix(error, code, "%s:%d", path, number);
	}
	if (code == 0 && ferror(stream))
		code = ota_fail_errno(error, "%s", path);
	return code;
}

int ota_names_read(const char *path, cJSON *array, struct ota_error *error)
{
	FILE *stream;
	int code;

	if (strcmp(path, "-") == 0)
		return read_lines(stdin, "standard input", array, error);
	stream = fopen(path, "re");
	if (!stream)
		return ota_fail_errno(error, "%s", path);
	code = read_lines(stream, path, array, error);
	(void)fclose(stream);
	return code;
}
