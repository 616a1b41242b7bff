#include "link/reason.h"

#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/text.h"

/* CONNACK return codes, MQTT 3.1.1 section 3.2.2.3. */
const char *link_reason_of_return_code(int code)
{
	static const char *const texts[] = {
		[1] = "the broker refused the protocol version",
		[2] = "the broker refused the client id",
		[3] = "the broker is unavailable",
		[4] = "the broker refused the user name or password",
		[5] = "the broker refused: not authorized",
	};

	return code > 0 && (size_t)code < sizeof(texts) / sizeof(texts[0]) ? texts[code] : NULL;
}

void link_reason_print(char *target, size_t size, const char *what, int code, const MQTTProperties *properties)
{
	const MQTTProperties *given = properties ? properties : &(const MQTTProperties)MQTTProperties_initializer;
	/* The library only reads them; its signature lacks the const. */
	MQTTProperty *words = MQTTProperties_getProperty((MQTTProperties *)(uintptr_t)given, MQTTPROPERTY_CODE_REASON_STRING);
	const char *name = MQTTReasonCode_toString((enum MQTTReasonCodes)code);
	OTA_AUTO_BYTES struct ota_bytes clean = {0};

	if (words)
		ota_text_clean(&clean, (struct ota_span){words->value.data.data, (size_t)words->value.data.len});
	if (clean.size)
		(void)snprintf(target, size, "%s: %s (0x%02x: %.*s)", what, name ? name : "unknown reason", (unsigned)code,
			       (int)clean.size, clean.data);
	else
		(void)snprintf(target, size, "%s: %s (0x%02x)", what, name ? name : "unknown reason", (unsigned)code);
}
