/*
 * Rights: who may do what on which topic. Pure; runs once per message and recipient, so it allocates nothing.
 *
 * Three answers. ALLOW and DENY are final. OTHERS means the topic is none of our business: option ota_others decides.
 *
 *   - A device publishes and subscribes its own update topics, by exact match, without retain, wildcards and wills; all else
 * under /ota/device/ and of other devices under /sys/ is denied. Its own /sys/PK/DN/ topics that have nothing to do with updates
 * stay free.
 *   - Whoever publishes on a topic that goes to a device, or on a device's topic in its place, is denied: only this server speaks
 * there.
 *   - $CONTROL and $SYS are not for devices. Answers and events on $CONTROL come from this server alone: a will there would be
 * routed like any message by Mosquitto before 2.0.16.
 *   - Pulls are for this server alone: nobody reads them, not even a device that subscribed the topic it asks and is answered on.
 * That keeps a plain broker's echo away from it, while the answers, sent directly to its connection, pass without a check.
 *   - Filters that only begin to cover ours further down ("#", "+/+/upgrade") are let through; what they would deliver is judged
 * one by one (READ).
 */
#ifndef OTA_PLUGIN_ACCESS_RIGHTS_H
#define OTA_PLUGIN_ACCESS_RIGHTS_H

#include <stdbool.h>

#include "common/topic.h"

#define OTA_CONTROL_TOPIC "$CONTROL/ota/v1"
#define OTA_CONTROL_RESPONSE_TOPIC "$CONTROL/ota/v1/response"
#define OTA_CONTROL_EVENTS_TOPIC "$CONTROL/ota/v1/events"

enum ota_verb {
	OTA_VERB_PUBLISH,
	OTA_VERB_SUBSCRIBE,
	OTA_VERB_UNSUBSCRIBE,
	OTA_VERB_READ, /* a message is about to be delivered */
	OTA_VERB_WILL, /* the broker publishes what a client left behind */
	OTA_VERBS,
};

enum ota_ruling {
	OTA_RULING_OTHERS,
	OTA_RULING_ALLOW,
	OTA_RULING_DENY,
};

struct ota_access {
	const char *username; /* NULL: anonymous */
	enum ota_verb verb;
	const char *topic; /* or filter */
	bool retain;       /* of the message */
};

/* ret_why: a stable word for the log when denied, else "". */
enum ota_ruling ota_rights_decide(const struct ota_access *access, const char **ret_why);

/* The one test in front of everything: can this topic concern us at all? */
bool ota_topic_may_be_ours(const char *topic);

#endif
