#include <criterion/criterion.h>
#include <stdio.h>

#include "gateway/route.h"

static struct ota_target target;
static struct ota_route route;
static const char *allow;

static int find(const char *method, const char *raw)
{
	allow = NULL;
	cr_assert_eq(ota_target_parse(raw, &target, NULL), 0, "%s", raw);
	return ota_route_find(method, &target, &route, &allow, NULL);
}

Test(route, every_command_has_its_post)
{
	for (size_t i = 0; i < ota_command_count(); i++) {
		char raw[128];

		(void)snprintf(raw, sizeof(raw), "/api/v1/%s", ota_command_at(i)->name);
		if (ota_command_at(i)->role == OTA_ROLE_NONE) {
			cr_expect_eq(find("POST", raw), OTA_ENOTFOUND, "%s: the gateway's own", raw);
			continue;
		}
		cr_expect_eq(find("POST", raw), 0, "%s", raw);
		cr_expect(route.kind == OTA_ROUTE_POST && route.command == ota_command_at(i), "%s", raw);
	}
}

/* "{batch}" becomes "7": good for every variable there is. */
static void fill(const char *pattern, char *raw)
{
	for (; *pattern; pattern++) {
		if (*pattern == '{')
			*raw++ = '7';
		if (*pattern == '{')
			pattern = strchr(pattern, '}');
		else
			*raw++ = *pattern;
	}
	*raw = '\0';
}

Test(route, every_alias_finds_its_command_and_no_other)
{
	for (size_t i = 0; i < ota_command_count(); i++) {
		const struct ota_command *command = ota_command_at(i);
		char raw[128];

		if (!command->get)
			continue;
		fill(command->get, raw);
		cr_expect_eq(find("GET", raw), 0, "%s", raw);
		cr_expect(route.kind == OTA_ROUTE_GET && route.command == command, "%s is %s", raw, route.command->name);
		cr_expect_eq(find("HEAD", raw), 0, "%s", raw);
	}
}

Test(route, own_paths_are_found)
{
	cr_assert_eq(find("PUT", "/api/v1/packages?productKey=a"), 0);
	cr_expect_eq(route.kind, OTA_ROUTE_UPLOAD);
	cr_assert_eq(find("GET", "/dl/abc?e=1"), 0);
	cr_expect_eq(route.kind, OTA_ROUTE_DOWNLOAD);
	cr_expect(ota_span_equals(route.variables[0].value, "abc"));
	cr_assert_eq(find("POST", "/api/v1/groups/pk/lab/members"), 0);
	cr_expect_eq(route.kind, OTA_ROUTE_MEMBERS);
	cr_expect(ota_span_equals(route.variables[1].value, "lab"));
	cr_assert_eq(find("GET", "/healthz"), 0);
	cr_expect_eq(route.kind, OTA_ROUTE_HEALTH);
}

Test(route, unknown_paths_are_not_found)
{
	static const char *const rows[] = {"/",
					   "/api",
					   "/api/v1",
					   "/api/v1/x",
					   "/api/v2/server",
					   "/dl",
					   "/dl/a/b",
					   "/api/v1/batches/7/x",
					   "/api/v1/batches/7/tasks/1",
					   "/API/v1/server",
					   "/api/v1/getserver"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(find("GET", rows[i]), OTA_ENOTFOUND, "%s", rows[i]);
}

Test(route, wrong_methods_learn_the_right_ones)
{
	static const struct {
		const char *method, *raw, *allow;
	} rows[] = {
		{"GET", "/api/v1/createBatch", "POST"},
		{"POST", "/api/v1/products", "GET, HEAD"},
		{"DELETE", "/api/v1/packages", "GET, HEAD, PUT"},
		{"PUT", "/healthz", "GET, HEAD"},
		{"get", "/healthz", "GET, HEAD"},
		{"POST", "/dl/a", "GET, HEAD"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(find(rows[i].method, rows[i].raw), OTA_ECONFLICT, "%s %s", rows[i].method, rows[i].raw);
		cr_assert_not_null(allow);
		cr_expect_str_eq(allow, rows[i].allow);
	}
}

static const char *command_of(const char *raw)
{
	static char text[1024];
	struct ota_error error = { 0 };
	cJSON *command = NULL;

	cr_assert_eq(find("GET", raw), 0, "%s", raw);
	if (ota_route_command(&route, &target, &command, &error) < 0) {
		(void)snprintf(text, sizeof(text), "%s: %s", error.path, error.text);
		return text;
	}
	cr_assert(cJSON_PrintPreallocated(command, text, sizeof(text), false));
	cJSON_Delete(command);
	return text;
}

Test(route, path_and_query_become_typed_members)
{
	cr_expect_str_eq(command_of("/api/v1/batches/7/tasks?state=failed&limit=5"),
			 "{\"command\":\"listTasks\",\"batch\":7,\"state\":\"failed\",\"limit\":5}");
	cr_expect_str_eq(command_of("/api/v1/devices/pk1/a:b@c?"),
			 "{\"command\":\"getDevice\",\"productKey\":\"pk1\",\"deviceName\":\"a:b@c\"}");
	cr_expect_str_eq(command_of("/api/v1/devices?productKey=pk1&online=false&version=1%20b"),
			 "{\"command\":\"listDevices\",\"productKey\":\"pk1\",\"online\":false,\"version\":\"1 b\"}");
}

Test(route, query_mistakes_are_named)
{
	cr_expect_str_eq(command_of("/api/v1/batches/x"), "batch: batch is \"x\", which is no integer; allowed: 1 and more");
	cr_expect_str_eq(command_of("/api/v1/batches/7?batch=8"), "batch: batch stands in the path already");
	cr_expect_str_eq(command_of("/api/v1/products?limt=8"),
			 "limt: there is no query parameter \"limt\"; did you mean \"limit\"?");
	cr_expect_str_eq(command_of("/api/v1/products?token=8"), "token: there is no query parameter \"token\"");
	cr_expect_str_eq(command_of("/api/v1/products?limit=-"), "limit: limit is \"-\", which is no integer; allowed: 1..500");
}
