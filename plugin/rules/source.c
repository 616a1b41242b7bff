#include "plugin/rules/source.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

static const char installed[] = "installed";

static bool state_parse(struct ota_span word, unsigned *ret_state)
{
	char text[16];
	enum ota_task_state state;

	if (word.size == 0) {
		*ret_state = OTA_SOURCE_ALL;
		return true;
	}
	if (!ota_text_copy(text, sizeof(text), word))
		return false;
	if (!strcmp(text, installed)) {
		*ret_state = OTA_SOURCE_INSTALLED;
		return true;
	}
	if (!ota_task_state_parse(text, &state))
		return false;
	*ret_state = state;
	return true;
}

int ota_source_parse(const char *text, struct ota_source *ret_source, struct ota_error *error)
{
	struct ota_source source = {0};
	size_t size = strcspn(text, " ");
	bool known = state_parse((struct ota_span){ text, size }, &source.state);

	for (const char *rest = text + size; known && *rest; rest += size) {
		char word[32];
		enum ota_cause cause = OTA_CAUSE_NONE;

		rest++;
		size = strcspn(rest, " ");
		known = source.state == OTA_TASK_FAILED && ota_text_copy(word, sizeof(word), (struct ota_span){ rest, size }) &&
			ota_cause_parse(word, &cause) && cause != OTA_CAUSE_NONE;
		source.causes |= (int64_t)1 << cause;
	}
	if (!known)
		return ota_fail(error, OTA_EINVALID, "\"%.64s\" says no part of a batch", text);
	*ret_source = source;
	return 0;
}

void ota_source_print(const struct ota_source *source, char text[OTA_SOURCE_TEXT_MAX + 1])
{
	const char *state = source->state < OTA_TASK_STATES ? ota_task_state_word((enum ota_task_state)source->state)
			    : source->state == OTA_SOURCE_INSTALLED ? installed
								    : "";
	size_t size = (size_t)snprintf(text, OTA_SOURCE_TEXT_MAX + 1, "%s", state);

	for (int cause = 0; cause < OTA_CAUSES && size < OTA_SOURCE_TEXT_MAX; cause++) {
		if (source->causes >> cause & 1)
			size += (size_t)snprintf(text + size, OTA_SOURCE_TEXT_MAX + 1 - size, " %s",
						 ota_cause_word((enum ota_cause)cause));
	}
}

static bool is_active(enum ota_task_state state)
{
	return state == OTA_TASK_PUSHED || state == OTA_TASK_UPGRADING;
}

bool ota_source_takes(const struct ota_source *source, const struct ota_source_task *task)
{
	if (source->state == OTA_SOURCE_ALL)
		return true;
	if (source->state == OTA_SOURCE_INSTALLED)
		return is_active(task->state) || (task->runs_it && (task->state == OTA_TASK_SUCCEEDED || task->mark));
	return task->state == source->state && (!source->causes || source->causes >> task->cause & 1);
}

bool ota_source_displaces(const struct ota_source *source, enum ota_task_state state)
{
	return source->state == OTA_SOURCE_INSTALLED && is_active(state);
}
