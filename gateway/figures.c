#include "gateway/figures.h"

#include "common/json.h"
#include "common/time.h"
#include "common/version.h"

static const char *const route_words[OTA_FIGURES_ROUTES] = {
	[OTA_ROUTE_POST] = "command",      [OTA_ROUTE_GET] = "read",       [OTA_ROUTE_UPLOAD] = "upload",
	[OTA_ROUTE_MEMBERS] = "members",
	[OTA_ROUTE_DOWNLOAD] = "download", [OTA_ROUTE_HEALTH] = "healthz", [OTA_ROUTE_METRICS] = "metrics",
	[OTA_ROUTE_KINDS] = "none",
};

static const char *const status_words[OTA_FIGURES_STATUSES] = { "cut", "2xx", "3xx", "4xx", "5xx" };

void ota_figures_begin(struct ota_figures *figures)
{
	atomic_fetch_add_explicit(&figures->in_flight, 1, memory_order_relaxed);
}

static size_t status_class(unsigned status)
{
	return status < 200 || status > 599 ? 0 : status / 100 - 1;
}

void ota_figures_end(struct ota_figures *figures, const struct ota_figures_request *request)
{
	atomic_fetch_sub_explicit(&figures->in_flight, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&figures->requests[request->route][status_class(request->status)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&figures->download_bytes, request->sent_bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&figures->upload_bytes, request->stored_bytes, memory_order_relaxed);
	ota_stopwatch_add(&figures->durations[request->route], request->took_us);
}

static void put_number(cJSON *object, const char *key, uint64_t value)
{
	(void)cJSON_AddNumberToObject(object, key, (double)value);
}

static void put_watch(cJSON *object, const char *key, const struct ota_stopwatch *watch)
{
	cJSON *tree = cJSON_AddObjectToObject(object, key), *buckets = cJSON_AddArrayToObject(tree, "buckets");
	struct ota_stopwatch_reading reading;

	ota_stopwatch_read(watch, &reading);
	put_number(tree, "totalUs", reading.total_us);
	for (size_t i = 0; i < OTA_STOPWATCH_BUCKETS; i++)
		(void)cJSON_AddItemToArray(buckets, cJSON_CreateNumber((double)reading.buckets[i]));
}

static void put_requests(cJSON *object, const _Atomic uint64_t *requests)
{
	for (size_t i = 0; i < OTA_FIGURES_STATUSES; i++)
		put_number(object, status_words[i], atomic_load_explicit(&requests[i], memory_order_relaxed));
}

cJSON *ota_figures_tree(const struct ota_figures *figures, size_t waiting)
{
	cJSON *tree = cJSON_CreateObject();
	cJSON *bounds = cJSON_AddArrayToObject(tree, "boundsUs"), *requests = cJSON_AddObjectToObject(tree, "requests");
	cJSON *durations = cJSON_AddObjectToObject(tree, "durations");

	(void)cJSON_AddStringToObject(tree, "version", OTA_SOFTWARE_VERSION);
	(void)cJSON_AddNumberToObject(tree, "startedAt", (double)figures->started_ms);
	put_number(tree, "inFlight", atomic_load_explicit(&figures->in_flight, memory_order_relaxed));
	put_number(tree, "waiting", waiting);
	put_number(tree, "downloadBytes", atomic_load_explicit(&figures->download_bytes, memory_order_relaxed));
	put_number(tree, "uploadBytes", atomic_load_explicit(&figures->upload_bytes, memory_order_relaxed));
	for (size_t i = 0; i < OTA_STOPWATCH_BOUNDS; i++)
		(void)cJSON_AddItemToArray(bounds, cJSON_CreateNumber((double)ota_stopwatch_bound_us(i)));
	for (size_t i = 0; i < OTA_FIGURES_ROUTES; i++) {
		put_requests(cJSON_AddObjectToObject(requests, route_words[i]), figures->requests[i]);
		put_watch(durations, route_words[i], &figures->durations[i]);
	}
	return tree;
}
