/*
 * GET /metrics, for Prometheus. The caller's token goes to the plugin with getServer, so that figures of the fleet are for
 * viewers; while the plugin is away, nobody can judge the token and the gateway tells of itself alone.
 */
#include "gateway/metric.h"
#include "gateway/request.h"

static enum ota_next metrics_begin(struct ota_request *request)
{
	struct ota_error error = { 0 };
	enum ota_next next;

	if (ota_route_command(&request->route, &request->target, &request->command, &error) < 0)
		return ota_request_refuse(request, &error);
	return ota_request_authorize(request, &next) ? ota_request_ask(request) : next;
}

static cJSON *tree_of(struct ota_request *request)
{
	const struct ota_gateway *gateway = request->gateway;
	cJSON *tree = cJSON_CreateObject(), *broker = cJSON_AddObjectToObject(tree, "broker");

	(void)cJSON_AddNumberToObject(broker, "up", request->error.code == 0);
	(void)cJSON_AddItemToObject(tree, "gateway", ota_figures_tree(gateway->figures, ota_exchange_waiting(gateway->exchange)));
	if (request->error.code == 0)
		(void)cJSON_AddItemReferenceToObject(tree, "server", request->data);
	return tree;
}

static enum ota_next metrics_answered(struct ota_request *request)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	bool is_away = request->error.code == OTA_EUNAVAILABLE || request->error.code == OTA_ETIMEOUT;

	if (request->error.code != 0 && !is_away)
		return ota_request_refuse(request, &request->error);
	OTA_AUTO_JSON cJSON *tree = tree_of(request);
	ota_metrics_print(tree, &text);
	return ota_request_answer_text(request, OTA_METRIC_CONTENT_TYPE, &text);
}

const struct ota_resource ota_resource_metrics = {
	.begin = metrics_begin,
	.answered = metrics_answered,
	.level = OTA_LOG_DEBUG,
};
