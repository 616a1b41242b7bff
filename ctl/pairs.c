#include "ctl/pairs.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"

static int pair_add(const char *option, const char *pair, cJSON *tags, struct ota_error *error)
{
	size_t size = strcspn(pair, "=");
	char key[OTA_TAG_KEY_MAX + 2]; /* one too many is told by the rule of tags */

	if (size == 0 || pair[size] == '\0')
		return ota_fail(error, OTA_EINVALID, "--%s is \"%.64s\"; allowed: KEY=VALUE", option, pair);
	(void)snprintf(key, sizeof(key), "%.*s", (int)size, pair);
	if (ota_json_member(tags, key))
		return ota_fail(error, OTA_EINVALID, "--%s %s is given twice", option, key);
	return cJSON_AddStringToObject(tags, key, pair + size + 1) ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");
}

int ota_pairs_add(const struct ota_invocation *invocation, const char *option, const char *member, cJSON *command,
		  struct ota_error *error)
{
	cJSON *tags = NULL;
	int code = 0;

	if (!ota_invocation_value(invocation, option))
		return 0;
	tags = cJSON_AddObjectToObject(command, member);
	if (!tags)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	for (int i = 0; code == 0 && i < invocation->given_count; i++) {
		if (strcmp(invocation->given[i].option->name, option) == 0)
			code = pair_add(option, invocation->given[i].value, tags, error);
	}
	return code;
}
