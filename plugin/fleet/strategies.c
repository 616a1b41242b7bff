#include "plugin/fleet/strategies.h"

#include <string.h>

#include "common/text.h"

int ota_strategies_read(struct ota_strategies *strategies, const char *text, struct ota_strategy *ret_strategy,
			struct ota_error *error)
{
	for (size_t i = 0; *text && i < OTA_STRATEGIES_KEPT; i++) {
		if (strcmp(strategies->entries[i].text, text) != 0)
			continue;
		*ret_strategy = strategies->entries[i].strategy;
		return 0;
	}
	struct ota_strategies_entry *entry = &strategies->entries[strategies->oldest];
	int failed = ota_strategy_parse_text(text, ret_strategy, error);
	if (failed || strlen(text) > OTA_STRATEGY_TEXT_MAX)
		return failed;
	ota_text_cut(entry->text, sizeof(entry->text), text);
	entry->strategy = *ret_strategy;
	strategies->oldest = (strategies->oldest + 1) % OTA_STRATEGIES_KEPT;
	return 0;
}
