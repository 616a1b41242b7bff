#include "plugin/broker/refusal.h"

#include "common/json.h"

static void member_print(const cJSON *command, const char *key, struct ota_bytes *out)
{
	const cJSON *member = command ? ota_json_member(command, key) : NULL;
	if (!cJSON_IsString(member))
		return;
	ota_bytes_format(out, "\"%s\":", key);
	ota_json_quote(out, member->valuestring);
	ota_bytes_text(out, ",");
}

static void response_print(const cJSON *command, int code, const char *message, struct ota_bytes *out)
{
	ota_bytes_text(out, "{");
	member_print(command, "command", out);
	member_print(command, "correlationData", out);
	ota_bytes_format(out, "\"error\":{\"code\":\"%s\",\"message\":", ota_code_name(code));
	ota_json_quote(out, message);
	ota_bytes_text(out, "}}");
}

int ota_refusal_print(struct ota_span request, int code, const char *message, struct ota_bytes *out)
{
	OTA_AUTO_JSON cJSON *tree = NULL;
	const cJSON *commands = NULL, *command = NULL;
	bool first = true;
	if (request.size <= OTA_REFUSAL_READ_MAX &&
	    ota_json_read(request, OTA_JSON_STRICT, OTA_REFUSAL_READ_MAX, &tree, NULL, NULL) == 0)
		commands = ota_json_member(tree, "commands");
	ota_bytes_text(out, "{\"responses\":[");
	cJSON_ArrayForEach(command, commands) {
		if (!first)
			ota_bytes_text(out, ",");
		first = false;
		response_print(command, code, message, out);
	}
	if (first)
		response_print(NULL, code, message, out);
	ota_bytes_text(out, "]}");
	return out->failed ? OTA_ENOMEM : 0;
}
