/*
 * Reason: what a broker's refusal or farewell means, as a sentence for a log.
 */
#ifndef OTA_LINK_REASON_H
#define OTA_LINK_REASON_H

#include <MQTTAsync.h>
#include <stddef.h>

/* Of a CONNACK of MQTT 3.1.1; NULL when the code is none of its refusals. */
const char *link_reason_of_return_code(int code);

/* "the broker refused the connection: Not authorized (0x87: banned)"; `what` begins the sentence, the broker's own words end it
 * where it gave some. */
void link_reason_print(char *target, size_t size, const char *what, int code, const MQTTProperties *properties);

#endif
