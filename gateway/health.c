/*
 * GET /healthz: can this gateway do its work? A command without a token goes the whole way to the plugin and back; being
 * refused is an answer too.
 */
#include "gateway/request.h"

static enum ota_next health_begin(struct ota_request *request)
{
	request->command = cJSON_CreateObject();
	if (!cJSON_AddStringToObject(request->command, "command", "getServer"))
		return OTA_NEXT_CLOSE;
	return ota_request_ask(request);
}

static enum ota_next health_answered(struct ota_request *request)
{
	OTA_AUTO_JSON cJSON *tree = cJSON_CreateObject();
	bool is_away = request->error.code == OTA_EUNAVAILABLE;

	if (!cJSON_AddStringToObject(tree, "gateway", "ok") ||
	    !cJSON_AddStringToObject(tree, "broker", is_away ? request->error.text : "ok"))
		return OTA_NEXT_CLOSE;
	return ota_request_answer(request, is_away ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, tree);
}

const struct ota_resource ota_resource_health = {
	.begin = health_begin,
	.answered = health_answered,
	.level = OTA_LOG_DEBUG,
	.is_probe = true,
};
