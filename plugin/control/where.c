/* `where` of a command: a target expression (rules/target.h), and what it is asked about. */
#include <stdlib.h>

#include "common/text.h"
#include "plugin/control/call.h"
#include "plugin/store/group.h"

int ota_call_where(const cJSON *where, const char *path, struct ota_target **ret_target, struct ota_error *error)
{
	struct ota_error own = {0};

	*ret_target = malloc(sizeof(**ret_target));
	if (!*ret_target)
		return OTA_ENOMEM;
	int failed = ota_target_parse(ota_span_from_text(where->valuestring), *ret_target, &own);
	return failed ? ota_fail_at(error, failed, path, "%s", own.text) : 0;
}

static int group_check(struct ota_call *call, const char *product_key, const struct ota_target_value *value, const char *path,
		       struct ota_error *error)
{
	char name[OTA_GROUP_NAME_MAX + 1];
	struct ota_group group;
	int failed = OTA_ENOTFOUND;

	if (value->prefix)
		return 0;
	if (ota_text_copy(name, sizeof(name), value->text))
		failed = ota_group_find(call->store, product_key, name, &group, error);
	return failed == OTA_ENOTFOUND ? ota_fail_at(error, failed, path, "product %s has no group %.*s", product_key,
						     (int)value->text.size, value->text.data)
				       : failed;
}

int ota_call_where_groups(struct ota_call *call, const char *product_key, const struct ota_target *target, const char *path,
			  struct ota_error *error)
{
	int failed = 0;

	for (size_t i = 0; !failed && i < target->node_count; i++) {
		const struct ota_target_node *node = &target->nodes[i];

		if (node->kind != OTA_TARGET_TEST || node->test.field != OTA_TARGET_GROUP)
			continue;
		for (size_t v = 0; !failed && v < node->test.count; v++)
			failed = group_check(call, product_key, &target->values[node->test.first + v], path, error);
	}
	return failed;
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
