/*
 * Inspect: looks through a store that is at work for what should not be: damage, rows without what they refer to, kept numbers
 * that differ from a recount, tasks that exclude each other, packages without their file.
 *
 * Runs on a connection beside the store's (db.h), so nobody waits for it.
 */
#ifndef OTA_PLUGIN_STORE_INSPECT_H
#define OTA_PLUGIN_STORE_INSPECT_H

#include "plugin/store/db.h"
#include "plugin/store/findings.h"
#include "plugin/store/pulse.h"

struct ota_inspection {
	const char *package_dir;
	bool deep; /* read every package and compare its digest */
	const struct ota_pulse *pulse;
};

/* Fails only when it cannot go on; what is wrong is a finding. */
int ota_inspect_store(struct ota_db *db, const struct ota_inspection *inspection, struct ota_findings *findings,
		      struct ota_error *error);

#endif
