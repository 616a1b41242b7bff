#include <criterion/criterion.h>
#include <stdlib.h>

#include "ctl/output.h"

#define NOW INT64_C(1795173797123)
#define ITEMS \
	"[{\"id\":1,\"productKey\":\"pk1\",\"module\":\"default\",\"version\":\"1.0\",\"size\":2048,\"status\":\"active\"," \
	"\"verification\":\"verified\",\"createdAt\":1795173737123,\"createdBy\":\"admin\"}," \
	"{\"id\":22,\"productKey\":\"p\",\"module\":\"m\",\"version\":\"\\u001b[2Jevil\",\"size\":5}]"

static char *text;
static size_t text_size;

static struct ota_output open_output(enum ota_output_form form)
{
	return (struct ota_output){ .stream = open_memstream(&text, &text_size), .form = form, .now_ms = NOW };
}

static const char *list_of(struct ota_output output, const char *const *pages)
{
	ota_output_begin(&output);
	for (; *pages; pages++) {
		cJSON *items = cJSON_Parse(*pages);

		ota_output_page(&output, &ota_view_package, items);
		cJSON_Delete(items);
	}
	ota_output_end(&output);
	(void)fclose(output.stream);
	return text;
}

static const char *const one_page[] = { ITEMS, NULL };
static const char *const no_page[] = { "[]", NULL };
static const char *const two_pages[] = { "[{\"id\":1}]", "[{\"id\":2}]", NULL };

Test(output, a_table_lines_up_and_is_clean)
{
	const char *got = list_of(open_output(OTA_OUTPUT_TABLE), one_page);
	const char *second = strchr(got, '\n') + 1;
	const char *third = strchr(second, '\n') + 1;

	cr_expect_null(strchr(got, '\x1b'));
	cr_expect_eq(strstr(got, "VERSION") - got, strstr(second, "1.0") - second, "%s", got);
	cr_expect_eq(strstr(got, "STATUS") - got, strstr(second, "active") - second, "%s", got);
	cr_expect(strncmp(third, "     22  p        m        ", 27) == 0, "%s", got);
	cr_expect_str_eq(third + strlen(third) - 2, "-\n", "no trailing space");
	free(text);
}

Test(output, no_headers_leaves_the_first_line_out)
{
	struct ota_output output = open_output(OTA_OUTPUT_TABLE);

	output.no_headers = true;
	cr_expect_null(strstr(list_of(output, one_page), "PACKAGE"));
	free(text);
}

Test(output, an_empty_table_is_its_header)
{
	cr_expect(strncmp(list_of(open_output(OTA_OUTPUT_TABLE), no_page), "PACKAGE  PRODUCT", 16) == 0);
	free(text);
}

Test(output, json_is_one_document_over_all_pages)
{
	cJSON *tree = cJSON_Parse(list_of(open_output(OTA_OUTPUT_JSON), two_pages));

	cr_expect_eq(cJSON_GetArraySize(tree), 2);
	cJSON_Delete(tree);
	free(text);
	cr_expect_str_eq(list_of(open_output(OTA_OUTPUT_JSON), no_page), "[]\n");
	free(text);
}

Test(output, jsonl_is_a_line_each)
{
	cr_expect_str_eq(list_of(open_output(OTA_OUTPUT_JSONL), two_pages), "{\"id\":1}\n{\"id\":2}\n");
	free(text);
}

Test(output, name_is_what_the_next_command_takes)
{
	cr_expect_str_eq(list_of(open_output(OTA_OUTPUT_NAME), one_page), "1\n22\n");
	free(text);
}

Test(output, one_object_shows_what_it_has)
{
	struct ota_output output = open_output(OTA_OUTPUT_TABLE);
	cJSON *device = cJSON_Parse(
		"{\"productKey\":\"pk1\",\"deviceName\":\"a\",\"online\":true,\"modules\":[{\"module\":\"m\","
		"\"version\":\"1\"}]}");

	ota_output_one(&output, &ota_view_device, device);
	(void)fclose(output.stream);
	cr_expect_not_null(strstr(text, "device      a\n"), "%s", text);
	cr_expect_not_null(strstr(text, "online      yes\n"), "%s", text);
	cr_expect_not_null(strstr(text, "\nmodules:\nMODULE  VERSION  REPORTED\nm       1        -\n"), "%s", text);
	cr_expect_null(strstr(text, "agent"));
	cr_expect_null(strstr(text, "tasks"));
	free(text);
	output = open_output(OTA_OUTPUT_NAME);
	ota_output_one(&output, &ota_view_device, device);
	(void)fclose(output.stream);
	cr_expect_str_eq(text, "pk1/a\n");
	free(text);
	cJSON_Delete(device);
}
