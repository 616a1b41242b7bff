/* `where` of a command: a target expression (rules/target.h), and what it is asked about. */
#include <stdlib.h>

#include "plugin/control/call.h"

int ota_call_where(const cJSON *where, const char *path, struct ota_target **ret_target, struct ota_error *error)
{
	struct ota_error own = {0};

	*ret_target = malloc(sizeof(**ret_target));
	if (!*ret_target)
		return OTA_ENOMEM;
	int failed = ota_target_parse(ota_span_from_text(where->valuestring), *ret_target, &own);
	return failed ? ota_fail_at(error, failed, path, "%s", own.text) : 0;
}

static bool engine_is_online(const void *engine, const struct ota_identity *identity)
{
	return ota_engine_is_online(engine, identity);
}

struct ota_target_scope ota_call_scope(const struct ota_call *call, const struct ota_target *target, const char *product_key,
				       const char *module)
{
	return (struct ota_target_scope){
		.target = target,
		.product_key = product_key,
		.module = module,
		.wall_ms = call->now.wall_ms,
		.is_online = engine_is_online,
		.context = call->control->options.engine,
	};
}
