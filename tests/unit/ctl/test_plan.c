#include <criterion/criterion.h>
#include <string.h>

#include "ctl/plan.h"

#define NOW 1795176000000

static const char plan_text[] =
	"{\"dryRun\":true,\"matches\":998211,\"excluded\":{\"already_at_target\":1204,\"conflict\":0,\"barred\":585},"
	"\"conflicts\":[],\"bytes\":2093404225536,\"estimated\":true,\"productKey\":\"edgebox\",\"module\":\"default\","
	"\"version\":\"3.0\",\"package\":7,\"kind\":\"static\","
	"\"stages\":[{\"stage\":1,\"devices\":9983,\"opensAt\":1795176000000,\"success\":95,\"finished\":80,\"soakMs\":3600000,"
	"\"deadlineMs\":172800000,\"manual\":true},{\"stage\":2,\"devices\":988228,\"opensAt\":1795180200000}],"
	"\"forecast\":{\"beginsAt\":1795176000000,\"finishesAt\":1795240000000,\"fastest\":1000,\"deviceMs\":600000,"
	"\"assumptions\":[\"each device takes 10m\",\"none fails\"]},"
	"\"strategy\":{\"abortPercent\":10,\"abortSample\":10,\"abortCount\":500,\"abortAction\":\"pause\",\"maxInFlight\":20000,"
	"\"rate\":{\"perMinute\":1000,\"from\":50,\"factor\":2,\"every\":\"10m\"},"
	"\"window\":{\"from\":\"22:00\",\"to\":\"06:00\",\"zone\":\"Europe/Berlin\",\"zoneTag\":\"zone\"}},"
	"\"endsAt\":1797768000000,\"warnings\":[\"stage 2 has no device: it proves nothing before the next one opens\"]}";

static const char page[] =
	"plan of     edgebox 3.0, package 7, a static batch\n"
	"devices     998 211 would get it, told from a sample\n"
	"excluded    already_at_target 1204, barred 585\n"
	"to send     1.9 TiB, 2.0 MiB a device\n"
	"\n"
	"stage 1     9 983 devices, opens 2026-11-20 12:00 UTC\n"
	"            next when 80 % finished, 95 % of them well, for 1h, and an operator\n"
	"            opens it; pauses if that takes longer than 2d\n"
	"stage 2     988 228 devices, opens 2026-11-20 13:10 UTC, in 1h 10m\n"
	"\n"
	"rate        50 devices a minute, times 2 every 10m, up to 1 000\n"
	"in flight   at most 20 000 devices at a time\n"
	"window      22:00-06:00 Europe/Berlin, or the time zone in a device's tag zone\n"
	"abort       pauses when more than 10 % of at least 10 finished devices failed,\n"
	"            or when 500 failed\n"
	"finishes    not before 2026-11-21 05:46 UTC, in 17h 47m; at most 1 000 devices\n"
	"            begin in a minute\n"
	"if          each device takes 10m; none fails\n"
	"\n"
	"WARNING     stage 2 has no device: it proves nothing before the next one opens\n"
	"\n"
	"Nothing was changed.\n";

Test(plan, is_a_page_of_80_columns)
{
	OTA_AUTO_BYTES struct ota_bytes out = { 0 };
	cJSON *plan = cJSON_Parse(plan_text);

	ota_plan_put(&out, plan, NOW);
	cJSON_Delete(plan);
	cr_expect_str_eq(out.data, page, "%s", out.data);
}

/* An answer of another server than ours, or of a later one. */
Test(plan, shows_what_it_can_of_what_is_missing)
{
	OTA_AUTO_BYTES struct ota_bytes out = { 0 };
	cJSON *plan = cJSON_Parse("{\"dryRun\":true,\"warnings\":[7],\"stages\":[{}],\"forecast\":7}");

	ota_plan_put(&out, plan, NOW);
	cJSON_Delete(plan);
	cr_expect(strstr(out.data, "Nothing was changed."));
}
