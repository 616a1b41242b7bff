#include <criterion/criterion.h>
#include <stdio.h>

#include "ctl/order.h"

static const char *refusal_of(const char *text)
{
	static struct ota_error error;
	cJSON *order = NULL;

	error = (struct ota_error){ 0 };
	cr_expect(ota_order_parse("b.json", ota_span_from_text(text), &order, &error) < 0, "%s", text);
	cJSON_Delete(order);
	return error.text;
}

Test(order, what_is_no_batch_is_told_with_file_and_member)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "[]", "b.json: a batch is a JSON object, as batch export writes it" },
		{ "{\"knd\":\"static\"}", "b.json: a batch has no member \"knd\"; did you mean \"kind\"?" },
		{ "{\"token\":\"x\"}", "b.json: a batch has no member \"token\"" },
		{ "{\"dryRun\":true}", "b.json: a batch has no member \"dryRun\"" },
		{ "{\"strategy\":{\"retires\":1}}",
		  "b.json: strategy.retires: unknown key; did you mean \"retries\"?" },
		{ "{\"strategy\":{\"stages\":[{\"percent\":101}]}}",
		  "b.json: strategy.stages[0].percent: percent is 101; allowed: 1..100" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(refusal_of(rows[i].text), rows[i].said);
	cr_expect(strstr(refusal_of("{\"kind\":"), "b.json: "));
}

static const char *filled(const char *said, const char *file)
{
	static char text[1024];
	cJSON *command = cJSON_Parse(said), *order = NULL;

	cr_assert_eq(ota_order_parse("b.json", ota_span_from_text(file), &order, NULL), 0, "%s", file);
	cr_assert_eq(ota_order_fill(command, order, NULL), 0);
	cr_assert(cJSON_PrintPreallocated(command, text, sizeof(text), false));
	cJSON_Delete(command);
	cJSON_Delete(order);
	return text;
}

Test(order, the_command_line_wins)
{
	static const struct {
		const char *said, *file, *both;
	} rows[] = {
		{ "{}", "{\"kind\":\"verify\"}", "{\"kind\":\"verify\"}" },
		{ "{\"kind\":\"static\"}", "{\"kind\":\"verify\"}", "{\"kind\":\"static\"}" },
		{ "{\"strategy\":{\"retries\":1}}", "{\"strategy\":{\"retries\":5,\"soak\":\"1h\"}}",
		  "{\"strategy\":{\"retries\":1,\"soak\":\"1h\"}}" },
		{ "{\"strategy\":{\"rate\":{\"perMinute\":5}}}", "{\"strategy\":{\"rate\":{\"perMinute\":9,\"from\":1}}}",
		  "{\"strategy\":{\"rate\":{\"perMinute\":5}}}" },
		{ "{\"targets\":{\"names\":[\"a\"]}}", "{\"targets\":{\"all\":true}}", "{\"targets\":{\"names\":[\"a\"]}}" },
		{ "{\"tags\":{\"a\":\"1\"}}", "{\"tags\":{\"b\":\"2\"}}", "{\"tags\":{\"a\":\"1\",\"b\":\"2\"}}" },
		{ "{\"package\":7}", "{\"productKey\":\"p\",\"version\":\"1\"}", "{\"package\":7}" },
		{ "{\"version\":\"2\"}", "{\"productKey\":\"p\",\"version\":\"1\"}", "{\"version\":\"2\",\"productKey\":\"p\"}" },
		{ "{\"version\":\"2\"}", "{\"package\":7}", "{\"version\":\"2\"}" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(filled(rows[i].said, rows[i].file), rows[i].both);
}
