#include "plugin/store/findings.h"

#include <stdarg.h>
#include <stdio.h>

const char *ota_finding_level_word(enum ota_finding_level level)
{
	static const char *const words[OTA_FINDING_LEVELS] = {
		[OTA_FINDING_WARNING] = "warning",
		[OTA_FINDING_ERROR] = "error",
	};

	return words[level];
}

void ota_findings_add(struct ota_findings *findings, enum ota_finding_level level, const char *part, const char *format, ...)
{
	struct ota_finding *row = &findings->rows[findings->count];
	va_list arguments;

	if (findings->count == OTA_FINDINGS_MAX) {
		findings->more++;
		return;
	}
	row->level = level;
	row->part = part;
	va_start(arguments, format);
	vsnprintf(row->text, sizeof(row->text), format, arguments);
	va_end(arguments);
	for (char *at = row->text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	findings->count++;
}
