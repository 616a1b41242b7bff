#include "gateway/metric.h"

#include <string.h>

#include "common/json.h"

#define C OTA_METRIC_COUNTER
#define G OTA_METRIC_GAUGE
#define H OTA_METRIC_HISTOGRAM
#define SERVER_BOUNDS "server.metrics.boundsUs"
#define OWN_BOUNDS "gateway.boundsUs"

/* clang-format off */
static const struct ota_metric rows[] = {
	{ "ota_broker_up", G, "broker.up", NULL, { NULL }, 0, "1 when the broker and its plugin answered this scrape, 0 when not; the other server metrics are absent then" },
	{ "ota_server_info", G, "server.version", NULL, { "version" }, 0, "The plugin's version" },
	{ "ota_server_start_time_seconds", G, "server.startedAt", NULL, { NULL }, 3, "When the plugin started, Unix time" },
	{ "ota_devices_online", G, "server.devicesOnline", NULL, { NULL }, 0, "Devices connected to the broker" },
	{ "ota_products", G, "server.products", NULL, { NULL }, 0, "Products" },
	{ "ota_tasks", G, "server.tasks", NULL, { "state" }, 0, "Tasks of all batches, by state" },
	{ "ota_batches", G, "server.batches", NULL, { "state" }, 0, "Batches that have not ended, by state" },
	{ "ota_queue_depth", G, "server.queueDepth", NULL, { NULL }, 0, "Reports and commands that wait for the worker" },
	{ "ota_journal_bytes", G, "server.journalBytes", NULL, { NULL }, 0, "What the journal holds of reports that are not committed" },
	{ "ota_journal_limit_bytes", G, "server.journalLimitBytes", NULL, { NULL }, 0, "What it may hold; beyond it devices are turned away and send again" },
	{ "ota_events_total", C, "server.metrics.events", NULL, { NULL }, 0, "Reports, connects, pulls and commands that were applied" },
	{ "ota_commit_duration_seconds", H, "server.metrics.commit", SERVER_BOUNDS, { NULL }, 6, "How long transactions took to become durable" },
	{ "ota_callback_duration_seconds", H, "server.metrics.callbacks", SERVER_BOUNDS, { "callback" }, 6, "How long the plugin kept the broker's only thread, by event" },
	{ "ota_store_failures_total", C, "server.metrics.storeFailures", NULL, { NULL }, 0, "Transactions that failed and are tried again" },
	{ "ota_reports_coalesced_total", C, "server.metrics.coalesced", NULL, { NULL }, 0, "Steps of a progress that a later one made needless" },
	{ "ota_reports_dropped_total", C, "server.metrics.droppedReports", NULL, { NULL }, 0, "Reports that found no place in the journal; at QoS 1 the device sends them again" },
	{ "ota_pulls_dropped_total", C, "server.metrics.droppedPulls", NULL, { NULL }, 0, "Pulls that found no place in the queue" },
	{ "ota_records_set_aside_total", C, "server.metrics.setAside", NULL, { NULL }, 0, "Reports that no retry would mend, kept in a file of the journal's directory" },
	{ "ota_messages_unsent_total", C, "server.metrics.unsent", NULL, { NULL }, 0, "Messages whose device had gone when they were to be sent" },
	{ "ota_gateway_info", G, "gateway.version", NULL, { "version" }, 0, "The gateway's version" },
	{ "ota_gateway_start_time_seconds", G, "gateway.startedAt", NULL, { NULL }, 3, "When the gateway started, Unix time" },
	{ "ota_gateway_requests_total", C, "gateway.requests", NULL, { "route", "status" }, 0, "HTTP requests by route and class of the answer; cut: the caller went away before the end" },
	{ "ota_gateway_request_duration_seconds", H, "gateway.durations", OWN_BOUNDS, { "route" }, 6, "How long HTTP requests took, from the header to the last byte of the answer" },
	{ "ota_gateway_requests_in_flight", G, "gateway.inFlight", NULL, { NULL }, 0, "HTTP requests in work, this scrape among them" },
	{ "ota_gateway_requests_waiting", G, "gateway.waiting", NULL, { NULL }, 0, "HTTP requests that wait for the broker's answer" },
	{ "ota_gateway_download_bytes_total", C, "gateway.downloadBytes", NULL, { NULL }, 0, "Bytes of packages that downloads brought over, cut ones as far as they came" },
	{ "ota_gateway_upload_bytes_total", C, "gateway.uploadBytes", NULL, { NULL }, 0, "Bytes of packages taken in" },
};
/* clang-format on */

/* One family on its way: the labels fixed so far. */
struct family {
	const struct ota_metric *metric;
	const cJSON *bounds;
	const char *values[OTA_METRIC_LABELS_MAX];
	struct ota_bytes *out;
};

const struct ota_metric *ota_metric_rows(size_t *ret_count)
{
	*ret_count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const char *ota_metric_type_word(enum ota_metric_type type)
{
	static const char *const words[OTA_METRIC_TYPES] = {
		[OTA_METRIC_COUNTER] = "counter", [OTA_METRIC_GAUGE] = "gauge", [OTA_METRIC_HISTOGRAM] = "histogram",
	};

	return words[type];
}

static const cJSON *member_at(const cJSON *tree, const char *path)
{
	while (tree && path) {
		const char *dot = strchr(path, '.');
		char key[32] = "";
		size_t size = dot ? (size_t)(dot - path) : strlen(path);

		memcpy(key, path, size < sizeof(key) ? size : sizeof(key) - 1);
		tree = ota_json_member(tree, key);
		path = dot ? dot + 1 : NULL;
	}
	return tree;
}

static void put_escaped(struct ota_bytes *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			ota_bytes_text(out, "\\n");
		else
			ota_bytes_format(out, *text == '\\' || *text == '"' ? "\\%c" : "%c", *text);
	}
}

/* {state="failed",le="0.1"} or nothing. */
static void put_labels(const struct family *family, const char *le)
{
	const char *before = "{";

	for (size_t i = 0; i < OTA_METRIC_LABELS_MAX && family->values[i]; i++) {
		ota_bytes_format(family->out, "%s%s=\"", before, family->metric->labels[i]);
		put_escaped(family->out, family->values[i]);
		ota_bytes_text(family->out, "\"");
		before = ",";
	}
	if (le) {
		ota_bytes_format(family->out, "%sle=\"%s\"", before, le);
		before = ",";
	}
	ota_bytes_text(family->out, *before == ',' ? "}" : "");
}

static double scaled(double value, unsigned decimals)
{
	while (decimals-- > 0)
		value /= 10;
	return value;
}

static void put_sample(const struct family *family, const char *suffix, const char *le, double value)
{
	unsigned decimals = strcmp(suffix, "_bucket") && strcmp(suffix, "_count") ? family->metric->decimals : 0;

	ota_bytes_format(family->out, "%s%s", family->metric->name, suffix);
	put_labels(family, le);
	ota_bytes_format(family->out, " %.*f\n", (int)decimals, scaled(value, decimals));
}

static double number_of(const cJSON *value)
{
	return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

static void put_histogram(const struct family *family, const cJSON *watch)
{
	const cJSON *buckets = ota_json_member(watch, "buckets");
	double count = 0;
	int last = cJSON_GetArraySize(family->bounds);

	for (int i = 0; i <= last; i++) {
		OTA_AUTO_BYTES struct ota_bytes le = { 0 };

		count += number_of(cJSON_GetArrayItem(buckets, i));
		if (i < last)
			ota_bytes_format(&le, "%g", scaled(number_of(cJSON_GetArrayItem(family->bounds, i)), 6));
		put_sample(family, "_bucket", i < last && le.data ? le.data : "+Inf", count);
	}
	put_sample(family, "_sum", NULL, number_of(ota_json_member(watch, "totalUs")));
	put_sample(family, "_count", NULL, count);
}

static bool is_leaf(const struct family *family, const cJSON *node)
{
	if (family->metric->type == OTA_METRIC_HISTOGRAM)
		return ota_json_member(node, "buckets") != NULL;
	return cJSON_IsNumber(node) || cJSON_IsString(node);
}

static void put_leaf(struct family *family, const cJSON *node, size_t depth)
{
	if (family->metric->type == OTA_METRIC_HISTOGRAM) {
		put_histogram(family, node);
		return;
	}
	if (cJSON_IsString(node) && depth < OTA_METRIC_LABELS_MAX)
		family->values[depth] = node->valuestring;
	put_sample(family, "", NULL, cJSON_IsString(node) ? 1 : node->valuedouble);
}

/* An object is a label: two at the most, so the descent is short. */
static void put_node(struct family *family, const cJSON *node, size_t depth)
{
	const cJSON *member;

	if (is_leaf(family, node)) {
		put_leaf(family, node, depth);
		return;
	}
	if (depth == OTA_METRIC_LABELS_MAX || !family->metric->labels[depth])
		return;
	cJSON_ArrayForEach(member, node) {
		family->values[depth] = member->string;
		put_node(family, member, depth + 1);
	}
	family->values[depth] = NULL;
}

static void put_help(struct ota_bytes *out, const char *text)
{
	for (; *text; text++)
		ota_bytes_format(out, *text == '\\' ? "\\%c" : "%c", *text);
}

void ota_metrics_print(const cJSON *tree, struct ota_bytes *out)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const cJSON *bounds = rows[i].bounds ? member_at(tree, rows[i].bounds) : NULL;
		struct family family = { .metric = &rows[i], .bounds = bounds, .out = out };
		const cJSON *node = member_at(tree, rows[i].path);

		if (!node)
			continue;
		ota_bytes_format(out, "# HELP %s ", rows[i].name);
		put_help(out, rows[i].help);
		ota_bytes_format(out, "\n# TYPE %s %s\n", rows[i].name, ota_metric_type_word(rows[i].type));
		put_node(&family, node, 0);
	}
}
