/*
 * Findings: what a check of the server found wrong, each in a sentence that says what to do. One list, filled by the parts of a
 * check one after the other; belongs to one thread at a time.
 */
#ifndef OTA_PLUGIN_STORE_FINDINGS_H
#define OTA_PLUGIN_STORE_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

/* As many as one answer holds; the rest is counted. */
enum { OTA_FINDINGS_MAX = 64, OTA_FINDING_TEXT_MAX = 480 };

enum ota_finding_level {
	OTA_FINDING_WARNING, /* works, but will not for long, or not for everybody */
	OTA_FINDING_ERROR,   /* something is lost or wrong */
	OTA_FINDING_LEVELS,
};
const char *ota_finding_level_word(enum ota_finding_level level);

struct ota_findings {
	size_t count, more;
	struct ota_finding {
		enum ota_finding_level level;
		const char *part; /* "store", "counters", "packages", "journal", ...; constant */
		char text[OTA_FINDING_TEXT_MAX];
	} rows[OTA_FINDINGS_MAX];
};

/* Control bytes of the arguments become '?'. */
void ota_findings_add(struct ota_findings *findings, enum ota_finding_level level, const char *part, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
