/*
 * Options: from what the library's user says to what each part of the agent needs, with the defaults of agent/agent.h.
 */
#ifndef OTA_AGENT_OPTIONS_H
#define OTA_AGENT_OPTIONS_H

#include "agent/adapters/fetch_curl.h"
#include "agent/adapters/mqtt.h"
#include "agent/agent.h"
#include "agent/core/machine.h"

/* OTA_EINVALID names the option at fault. */
/* What the zeros of numbers stand for, and the NULL of url_schemes. */
extern const struct ota_agent_options agent_option_defaults;

int agent_options_check(const struct ota_agent_options *options, struct ota_error *error);

/* Of options that were found good; what they point at is borrowed. */
struct agent_curl_options agent_options_curl(const struct ota_agent_options *options);
struct agent_mqtt_options agent_options_mqtt(const struct ota_agent_options *options);
struct agent_limits agent_options_limits(const struct ota_agent_options *options);

#endif
