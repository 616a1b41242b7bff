/*
 * Survey: what surrounds the store and can go wrong while all seems well: reports that were set aside, the journal, the room on
 * the disks, the key of download URLs. Reads files only; any thread.
 */
#ifndef OTA_PLUGIN_BROKER_SURVEY_H
#define OTA_PLUGIN_BROKER_SURVEY_H

#include <stdint.h>

#include "plugin/broker/carrier.h"
#include "plugin/store/findings.h"

/* Room that a healthy server does not fall below: a rush of reports, or a package, takes as much. */
#define OTA_SURVEY_ROOM_BYTES ((uint64_t)64 * 1024 * 1024)

struct ota_survey {
	const char *store_dir, *package_dir, *journal_dir, *url_key_file;
	const char *store_uuid;
	uint64_t segment_bytes; /* of the journal */
	struct ota_carrier *carrier; /* NULL = nothing is known of blocks */
};

/* What an operator has to know now; cheap. context: the survey. */
void ota_survey_alarms(void *context, struct ota_findings *findings);
/* That, and every segment of the journal read to its end. */
void ota_survey_all(void *context, struct ota_findings *findings);

#endif
