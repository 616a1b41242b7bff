/*
 * Bulletin: the event log as messages on $CONTROL/ota/v1/events, one event each, as listEvents shows it, for those who may read
 * there. Sent after the commit that holds the row, at QoS 0: who must miss nothing follows listEvents.
 */
#ifndef OTA_PLUGIN_BROKER_BULLETIN_H
#define OTA_PLUGIN_BROKER_BULLETIN_H

#include "plugin/store/event.h"

/* For ota_engine_options.noted; context is the outbox. */
int ota_bulletin_post(void *outbox, const struct ota_event *event);

#endif
