#include <criterion/criterion.h>
#include <stdio.h>

#include "ctl/phrase.h"

/* The JSON, or the sentence. */
static const char *read_as(ota_phrase_reader *read, const char *member, const char *text)
{
	static char out[512];
	const struct ota_parameter *row = ota_command_parameter(ota_command_find("createBatch"), member);
	struct ota_error error = { 0 };
	cJSON *value = NULL;

	cr_assert_not_null(row, "%s", member);
	if (read(row, text, &value, &error) < 0)
		(void)snprintf(out, sizeof(out), "%s", error.text);
	else
		cr_assert(cJSON_PrintPreallocated(value, out, sizeof(out), false));
	cJSON_Delete(value);
	return out;
}

struct row {
	const char *text, *said;
};

#define EACH(read, member, rows) \
	for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) \
		cr_expect_str_eq(read_as(read, member, (rows)[i].text), (rows)[i].said, "%s", (rows)[i].text)

Test(phrase, a_rate_is_a_number_and_how_it_grows)
{
	static const struct row rows[] = {
		{ "1000", "{\"perMinute\":1000}" },
		{ "1000 from 50 factor 2 every 10m", "{\"perMinute\":1000,\"from\":50,\"factor\":2,\"every\":\"10m\"}" },
		{ "1000  every 10m from 50 ", "{\"perMinute\":1000,\"every\":\"10m\",\"from\":50}" },
		{ "fast", "\"fast\" begins with no number of devices a minute, such as \"1000\" or"
			  " \"1000 from 50 factor 2 every 10m\"" },
		{ "1000 form 50", "\"1000 form 50\" has no word \"form\"; did you mean \"from\"?" },
		{ "1000/10m", "\"1000/10m\" begins with no number of devices a minute, such as \"1000\" or"
			      " \"1000 from 50 factor 2 every 10m\"" },
		{ "1000 from", "\"1000 from\" ends where the value of from should stand" },
		{ "1000 from 5 from 6", "\"1000 from 5 from 6\" says from twice" },
		{ "1000 perMinute 5", "\"1000 perMinute 5\" has no word \"perMinute\"; allowed: from, factor, every" },
		{ "1000 from all", "from is \"all\", which is no integer; allowed: 0..1000000" },
	};
	EACH(ota_phrase_read_rate, "strategy.rate", rows);
}

Test(phrase, a_stage_is_a_share_or_a_number_and_its_gate)
{
	static const struct row rows[] = {
		{ "1%", "[{\"percent\":1}]" },
		{ "500", "[{\"count\":500}]" },
		{ "1% success 95 finished 80 soak 1h deadline 2d manual",
		  "[{\"percent\":1,\"success\":95,\"finished\":80,\"soak\":\"1h\",\"deadline\":\"2d\",\"manual\":true}]" },
		{ "500 manual soak 30m", "[{\"count\":500,\"manual\":true,\"soak\":\"30m\"}]" },
		{ "%", "\"%\" begins with no share or number of devices, such as \"1% success 95 soak 1h\" or \"500 manual\"" },
		{ "manual", "\"manual\" begins with no share or number of devices, such as \"1% success 95 soak 1h\" or"
			    " \"500 manual\"" },
		{ "5% sucess 90", "\"5% sucess 90\" has no word \"sucess\"; did you mean \"success\"?" },
		{ "5% zzz", "\"5% zzz\" has no word \"zzz\"; allowed: success, finished, soak, deadline, manual" },
		{ "5% manual manual", "\"5% manual manual\" says manual twice" },
		{ "5% soak", "\"5% soak\" ends where the value of soak should stand" },
	};
	EACH(ota_phrase_read_stage, "strategy.stages", rows);
}

Test(phrase, a_window_is_two_times_of_a_day)
{
	static const struct row rows[] = {
		{ "22:00-06:00", "{\"from\":\"22:00\",\"to\":\"06:00\"}" },
		{ "22:00", "\"22:00\" is no part of a day such as \"22:00-06:00\"" },
		{ "-06:00", "\"-06:00\" is no part of a day such as \"22:00-06:00\"" },
		{ "22:00-", "\"22:00-\" is no part of a day such as \"22:00-06:00\"" },
	};
	EACH(ota_phrase_read_window, "strategy.window", rows);
}

Test(phrase, a_list_has_commas)
{
	static const struct row rows[] = {
		{ "lost", "[\"lost\"]" }, { "lost,burn_failed", "[\"lost\",\"burn_failed\"]" }, { "none", "[]" }, { "", "[]" },
		{ "lost,,x", "[\"lost\",\"\",\"x\"]" }, /* the row refuses the empty one */
	};
	EACH(ota_phrase_read_list, "strategy.retryCauses", rows);
}
