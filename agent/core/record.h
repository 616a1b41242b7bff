/*
 * Record: the part of the core that stands on disk, as one JSON object. Read and written here only.
 *
 * {"format":1,"task":{..},"report":{..},"refusals":[..],"last":{..},"ended":{..}}; an absent member is an empty one.
 */
#ifndef OTA_AGENT_CORE_RECORD_H
#define OTA_AGENT_CORE_RECORD_H

#include "agent/core/machine.h"
#include "common/bytes.h"

enum {
	AGENT_RECORD_FORMAT = 1,
	AGENT_RECORD_MAX = 16384, /* a task's url is the largest part */
};

/* Appends. 0 or OTA_ENOMEM. */
int agent_record_print(const struct agent_core *core, struct ota_bytes *out);

/*
 * Fills core, which agent_core_init() made, with what the record says; untouched on failure. A task of a module that is no longer
 * configured is dropped. OTA_EVERSION: written by a newer agent. OTA_ECORRUPT: not a record.
 */
int agent_record_read(struct ota_span text, struct agent_core *core, struct ota_error *error);

#endif
