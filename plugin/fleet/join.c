/* Dynamic batches take devices as they come: newly registered, with a new version, tag or group, let in again. */
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "plugin/fleet/context.h"
#include "plugin/store/target.h"

/* As many dynamic batches of a product are looked through; the newest go first. */
enum { DYNAMICS_MAX = 16 };

struct join {
	struct ota_engine *engine;
	const struct ota_batch *batch;
	struct ota_prospect prospect;
	struct ota_instant at;
	bool last; /* no older batch of the module wants to know whether this one means the device */
};

/* Before its end, and not before the walk of its preparation has passed the device. */
static bool batch_takes_more(const struct join *join)
{
	const struct ota_batch *batch = join->batch;
	const char *name = join->prospect.device.identity.device_name;

	return join->at.wall_ms < batch->ends_ms && (batch->prepared || strcmp(name, batch->prepare_after) <= 0);
}

static int batch_means(const struct join *join, bool *ret_means, struct ota_error *error)
{
	const struct ota_batch *batch = join->batch;
	struct ota_store *store = join->engine->options.store;
	OTA_AUTO_FREE struct ota_target *target = malloc(sizeof(*target));
	const struct ota_target_scope scope = { .target = target,
						.product_key = batch->product_key,
						.module = batch->module,
						.wall_ms = join->at.wall_ms,
						.is_online = ota_campaign_is_online,
						.context = join->engine->presence };
	struct ota_batch_where where;

	*ret_means = true;
	int failed = target ? ota_batch_find_where(store, batch->id, &where, error) : OTA_ENOMEM;
	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	failed = ota_target_parse(ota_span_from_text(where.expression), target, error);
	if (!failed)
		failed = ota_target_means(store, &scope, join->prospect.device.identity.device_name, ret_means, error);
	/* It came to mean too many versions: no trouble of the device's. */
	return failed == OTA_ELIMIT ? ota_error_recode(error, OTA_ECORRUPT) : failed;
}

/* Unfinished work stays, but for that of an older batch where this one supersedes: of two that take from each other, the newer
 * one has the device. */
static int work_allows(const struct join *join, bool *ret_allows, struct ota_error *error)
{
	struct ota_task task;

	*ret_allows = !join->prospect.unfinished;
	if (*ret_allows || !join->batch->supersedes)
		return 0;
	int failed = ota_task_load(join->engine->options.store, join->prospect.unfinished, &task, error);
	*ret_allows = !failed && task.batch_id < join->batch->id;
	return failed;
}

/* Not more often than ten times, and not again while it runs what it ran when its last task failed or was called off. */
static int history_allows(const struct join *join, bool *ret_allows, struct ota_task_visits *ret_visits, struct ota_error *error)
{
	struct ota_store *store = join->engine->options.store;
	struct ota_task last;
	int failed = ota_task_count_visits(store, join->prospect.device.id, join->batch->id, ret_visits, error);

	*ret_allows = !failed && ret_visits->count < OTA_VISITS_MAX;
	if (!*ret_allows || !ret_visits->newest)
		return failed;
	failed = ota_task_load(store, ret_visits->newest, &last, error);
	if (!failed && last.state != OTA_TASK_SUCCEEDED)
		*ret_allows = strcmp(last.from_version, join->prospect.version) != 0;
	return failed;
}

static bool device_may(const struct join *join)
{
	const struct ota_device *device = &join->prospect.device;

	return !device->barred && !device->disabled && strcmp(join->prospect.version, join->batch->version) != 0;
}

static int device_take(struct join *join, struct ota_error *error)
{
	struct ota_work work = { .engine = join->engine, .at = join->at, .device = join->prospect.device };
	struct ota_task_visits visits = {0};
	bool allowed = device_may(join);
	int failed = allowed ? work_allows(join, &allowed, error) : 0;

	if (!failed && allowed)
		failed = history_allows(join, &allowed, &visits, error);
	if (failed || !allowed)
		return failed;
	failed = ota_campaign_take(join->engine, join->batch, &join->prospect, join->at, error);
	work.task.batch_id = join->batch->id;
	if (!failed)
		failed = ota_note(&work, "joined", error, "from %s to %s%s",
				  *join->prospect.version ? join->prospect.version : "unknown", join->batch->version,
				  visits.count + 1 == OTA_VISITS_MAX ? "; matched ten times, not once more" : "");
	return failed;
}

/* *ret_meant: it is this batch's, whether it takes it or not, and no older one is asked. */
static int batch_try(struct join *join, const struct ota_device *device, bool *ret_meant, struct ota_error *error)
{
	*ret_meant = false;
	int failed = ota_prospect_find(join->engine->options.store, device->id, join->batch->module, &join->prospect, error);

	if (failed || !batch_takes_more(join) || (join->last && !device_may(join)))
		return failed;
	failed = batch_means(join, ret_meant, error);
	return failed || !*ret_meant ? failed : device_take(join, error);
}

static bool module_is_done(const struct ota_batch *rows, const bool *meant, size_t count, const char *module)
{
	for (size_t i = 0; i < count; i++) {
		if (meant[i] && !strcmp(rows[i].module, module))
			return true;
	}
	return false;
}

static bool module_is_last(const struct ota_batch *rows, size_t at, size_t count)
{
	for (size_t i = at + 1; i < count; i++) {
		if (!strcmp(rows[i].module, rows[at].module))
			return false;
	}
	return true;
}

int ota_campaign_join(struct ota_engine *engine, const struct ota_device *device, const char *module, struct ota_instant at,
		      struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_batch *rows = NULL;
	struct join join = { .engine = engine, .at = at };
	bool meant[DYNAMICS_MAX] = { false };
	struct ota_batch first;
	size_t count = 0;
	const char *product_key = device->identity.product_key;
	int failed = ota_batch_list_dynamic(engine->options.store, product_key, module, &first, 1, &count, error);

	if (failed || !count) /* as nearly always */
		return failed;
	rows = calloc(DYNAMICS_MAX, sizeof(*rows));
	if (!rows)
		return OTA_ENOMEM;
	failed = ota_batch_list_dynamic(engine->options.store, product_key, module, rows, DYNAMICS_MAX, &count, error);
	for (size_t i = 0; !failed && i < count; i++) {
		join.batch = &rows[i];
		join.last = module_is_last(rows, i, count);
		if (!module_is_done(rows, meant, i, rows[i].module))
			failed = batch_try(&join, device, &meant[i], error);
	}
	return failed;
}
