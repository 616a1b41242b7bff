#include "plugin/fleet/context.h"

enum { COMPLAIN_MS = OTA_MINUTE_MS };

int ota_guard_begin(struct ota_engine *engine, struct ota_guard *ret_guard, struct ota_error *error)
{
	ret_guard->sent = engine->options.outbox->count;
	return ota_store_savepoint(engine->options.store, error);
}

static bool store_is_to_blame(int code)
{
	return code == OTA_EIO || code == OTA_ELIMIT || code == OTA_EUNAVAILABLE || code == OTA_ETIMEOUT || code == OTA_ENOMEM;
}

int ota_guard_end(struct ota_engine *engine, const struct ota_guard *guard, int failed, bool *ret_aside, struct ota_error *error)
{
	*ret_aside = failed && !store_is_to_blame(failed);
	if (!failed)
		return ota_store_release(engine->options.store, error);
	if (!*ret_aside)
		return failed;
	ota_store_rollback_to(engine->options.store);
	ota_outbox_truncate(engine->options.outbox, guard->sent);
	return 0;
}

void ota_guard_tell(struct ota_engine *engine, struct ota_instant at, const char *what, int64_t id, const struct ota_error *error)
{
	struct ota_log_line line;

	if (at.heard_ms < engine->complain_at)
		return;
	engine->complain_at = at.heard_ms + COMPLAIN_MS;
	ota_log_begin(&line, OTA_LOG_ERROR, "row_set_aside");
	ota_log_text(&line, "what", what);
	ota_log_integer(&line, "id", id);
	ota_log_text(&line, "error", error->text);
	ota_log_end(engine->options.log, &line);
}
