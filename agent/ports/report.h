/*
 * Report port: the way to the server. Calls return at once; a report that could not be handed over comes to nothing, because the
 * core says again at the next connection whatever the server must still hear.
 */
#ifndef OTA_AGENT_PORTS_REPORT_H
#define OTA_AGENT_PORTS_REPORT_H

#include "common/error.h"
#include "common/message.h"

struct agent_reporter {
	int (*connect)(void *context, struct ota_error *error); /* begin; from then on connections come and go by themselves */
	void (*inform)(void *context, const struct ota_inform *inform);
	/* number comes back with the acknowledgement of a report of QoS 1. */
	void (*progress)(void *context, const struct ota_progress *progress, int qos, uint32_t number);
	void *context;
};

#endif
