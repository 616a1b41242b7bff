#include "docs/metrics.h"

#include "gateway/metric.h"

static void row_print(struct ota_bytes *out, const struct ota_metric *metric)
{
	ota_bytes_format(out, "| `%s` | %s | ", metric->name, ota_metric_type_word(metric->type));
	for (size_t i = 0; i < OTA_METRIC_LABELS_MAX && metric->labels[i]; i++)
		ota_bytes_format(out, "%s`%s`", i ? ", " : "", metric->labels[i]);
	ota_bytes_format(out, " | %s |\n", metric->help);
}

void ota_metrics_page_print(struct ota_bytes *out)
{
	size_t count;
	const struct ota_metric *rows = ota_metric_rows(&count);

	ota_bytes_text(
		out,
		"# Metrics\n\nPrinted from the table of `gateway/metric.c` by `make docs`; a test fails when they differ.\n\n"
		"`GET /metrics` on the gateway answers in the Prometheus text format 0.0.4. It takes a viewer's token, as every read does:\n"
		"`otactl token add prometheus --role viewer`, the token into a file, and [examples/prometheus.yml](../examples/prometheus.yml).\n"
		"`otactl server status` shows the server's figures to people.\n\n"
		"While the broker or its plugin is away, nobody can judge a token: the gateway then answers any well-formed one with its own\n"
		"figures and `ota_broker_up 0`, and the server's are absent. Counters count since the start of the program that keeps them.\n"
		"Buckets of histograms end at 10 us to 10 s in steps of 1, 2, 5.\n\n"
		"| metric | type | labels | what it tells |\n|---|---|---|---|\n");
	for (size_t i = 0; i < count; i++)
		row_print(out, &rows[i]);
}
