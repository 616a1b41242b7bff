/*
 * Manual parts: pieces of man pages, in scdoc's own markup. What stands in tables is escaped.
 */
#ifndef OTA_DOCS_MANUAL_PARTS_H
#define OTA_DOCS_MANUAL_PARTS_H

#include "common/bytes.h"
#include "common/config.h"
#include "common/flag.h"

void ota_manual_text(struct ota_bytes *out, const char *text);
void ota_manual_bold(struct ota_bytes *out, const char *text);
void ota_manual_underlined(struct ota_bytes *out, const char *text);

/* "-c, --config FILE", its help indented below. indent: tabs. */
void ota_manual_flag(struct ota_bytes *out, const struct ota_flag *flag, const char *indent);

/* The rows of one section of a configuration file. */
struct ota_manual_keys {
	const struct ota_config_row *rows;
	size_t count;
	const char *section;
	const void *defaults; /* what the file is read into, before it is read; NULL = not told */
	const char *prefix;   /* before each key */
};
void ota_manual_keys(struct ota_bytes *out, const struct ota_manual_keys *keys);

/* The tables of otactl, in a file of their own. */
void ota_manual_otactl_keys(struct ota_bytes *out);
void ota_manual_otactl_options(struct ota_bytes *out);
void ota_manual_otactl_verbs(struct ota_bytes *out);
void ota_manual_otactl_changes(struct ota_bytes *out);
void ota_manual_otactl_exits(struct ota_bytes *out);

#endif
