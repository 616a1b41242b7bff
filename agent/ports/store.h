/*
 * Store port: the one record that must survive a power cut. save() returns after the record is on disk; load() appends the last
 * saved one and returns OTA_ENOTFOUND when there is none.
 */
#ifndef OTA_AGENT_PORTS_STORE_H
#define OTA_AGENT_PORTS_STORE_H

#include "common/bytes.h"
#include "common/error.h"

struct agent_store {
	int (*load)(void *context, struct ota_bytes *out, struct ota_error *error);
	int (*save)(void *context, struct ota_span record, struct ota_error *error);
	/* The record cannot be read: moves it out of the way for a person to look at. */
	void (*set_aside)(void *context);
	void *context;
};

#endif
