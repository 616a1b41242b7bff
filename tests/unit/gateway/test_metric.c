/* The exposition: what is written, byte by byte. tests/system/test_metrics.py reads the live one with a parser of its own. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/json.h"
#include "docs/metrics.h"
#include "gateway/figures.h"
#include "gateway/metric.h"

static char *print(const char *json)
{
	cJSON *tree = cJSON_Parse(json);
	struct ota_bytes out = { 0 };

	cr_assert(tree, "%s", json);
	ota_metrics_print(tree, &out);
	cJSON_Delete(tree);
	return ota_bytes_steal(&out);
}

static void shows(const char *json, const char *line)
{
	OTA_AUTO_FREE char *text = print(json);

	cr_assert(text && strstr(text, line), "no %s in:\n%s", line, text ? text : "nothing");
}

Test(metric, a_family_has_its_help_and_type_before_its_samples)
{
	OTA_AUTO_FREE char *text = print("{\"server\":{\"queueDepth\":7}}");

	cr_assert_str_eq(text, "# HELP ota_queue_depth Reports and commands that wait for the worker\n"
			       "# TYPE ota_queue_depth gauge\nota_queue_depth 7\n");
}

Test(metric, what_the_tree_does_not_hold_is_not_told)
{
	OTA_AUTO_FREE char *text = print("{\"broker\":{\"up\":0}}");

	cr_assert(strstr(text, "\nota_broker_up 0\n"));
	cr_assert_null(strstr(text, "ota_tasks"));
}

Test(metric, times_are_told_in_seconds)
{
	shows("{\"server\":{\"startedAt\":1795173797123}}", "\nota_server_start_time_seconds 1795173797.123\n");
}

Test(metric, members_become_labels_and_values_are_escaped)
{
	shows("{\"server\":{\"tasks\":{\"pending\":3,\"failed\":1}}}",
	      "\nota_tasks{state=\"pending\"} 3\nota_tasks{state=\"failed\"} 1\n");
	shows("{\"server\":{\"version\":\"1\\\"2\\\\3\\n4\"}}",
	      "\nota_server_info{version=\"1\\\"2\\\\3\\n4\"} 1\n");
	shows("{\"gateway\":{\"requests\":{\"read\":{\"2xx\":5}}}}",
	      "\nota_gateway_requests_total{route=\"read\",status=\"2xx\"} 5\n");
}

Test(metric, buckets_are_summed_up_and_end_with_infinity)
{
	shows("{\"server\":{\"metrics\":{\"boundsUs\":[10,1000,10000000],\"commit\":{\"count\":7,\"totalUs\":12345,"
	      "\"buckets\":[1,2,0,4]}}}}",
	      "\nota_commit_duration_seconds_bucket{le=\"1e-05\"} 1\nota_commit_duration_seconds_bucket{le=\"0.001\"} 3\n"
	      "ota_commit_duration_seconds_bucket{le=\"10\"} 3\nota_commit_duration_seconds_bucket{le=\"+Inf\"} 7\n"
	      "ota_commit_duration_seconds_sum 0.012345\nota_commit_duration_seconds_count 7\n");
}

Test(metric, large_numbers_are_written_in_full)
{
	shows("{\"gateway\":{\"downloadBytes\":9007199254740991}}", "\nota_gateway_download_bytes_total 9007199254740991\n");
}

/* prometheus.io, "Metric and label naming". */
Test(metric, names_follow_the_rules)
{
	size_t count;
	const struct ota_metric *rows = ota_metric_rows(&count);

	for (size_t i = 0; i < count; i++) {
		const char *name = rows[i].name;
		size_t length = strlen(name);
		bool is_total = length > 6 && !strcmp(name + length - 6, "_total");

		cr_expect(!strncmp(name, "ota_", 4), "%s", name);
		for (const char *at = name; *at; at++)
			cr_expect(islower((unsigned char)*at) || *at == '_', "%s", name);
		cr_expect_eq(is_total, rows[i].type == OTA_METRIC_COUNTER, "%s", name);
		cr_expect(rows[i].type != OTA_METRIC_HISTOGRAM || strstr(name, "_seconds"), "%s", name);
		cr_expect(!rows[i].decimals || strstr(name, "_seconds"), "%s", name);
		cr_expect(*rows[i].help && !strchr(rows[i].help, '\n'), "%s", name);
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(name, rows[j].name);
	}
}

Test(metric, the_docs_table_is_the_one_that_runs)
{
	OTA_AUTO_BYTES struct ota_bytes now = { 0 }, kept = { 0 };
	char path[4096];

	snprintf(path, sizeof(path), "%s/docs/metrics.md", getenv("OTA_SOURCE_ROOT"));
	ota_metrics_page_print(&now);
	cr_assert_eq(ota_file_read(path, 1 << 20, &kept, NULL), 0);
	cr_assert_str_eq(now.data, kept.data, "docs/metrics.md is old: run make docs");
}

Test(metric, a_request_moves_its_own_figures_and_no_other)
{
	static struct ota_figures figures;
	const struct ota_figures_request ended = {
		.route = OTA_ROUTE_DOWNLOAD, .status = 206, .took_us = 40, .sent_bytes = 1000};

	ota_figures_begin(&figures);
	ota_figures_begin(&figures);
	ota_figures_end(&figures, &ended);
	OTA_AUTO_JSON cJSON *tree = cJSON_CreateObject();
	cJSON_AddItemToObject(tree, "gateway", ota_figures_tree(&figures, 3));
	OTA_AUTO_BYTES struct ota_bytes out = { 0 };
	ota_metrics_print(tree, &out);
	cr_expect(strstr(out.data, "\nota_gateway_requests_total{route=\"download\",status=\"2xx\"} 1\n"));
	cr_expect(strstr(out.data, "\nota_gateway_requests_total{route=\"download\",status=\"cut\"} 0\n"));
	cr_expect(strstr(out.data, "\nota_gateway_requests_in_flight 1\n"));
	cr_expect(strstr(out.data, "\nota_gateway_requests_waiting 3\n"));
	cr_expect(strstr(out.data, "\nota_gateway_download_bytes_total 1000\n"));
	cr_expect(strstr(out.data, "duration_seconds_bucket{route=\"download\",le=\"5e-05\"} 1\n"));
	cr_expect(strstr(out.data, "duration_seconds_bucket{route=\"download\",le=\"2e-05\"} 0\n"));
}
