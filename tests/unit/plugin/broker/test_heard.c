/* The heard clock (plugin/broker/heard.h): lives that began in the past and reach to this very moment. */
#include <criterion/criterion.h>

#include "plugin/broker/heard.h"

enum { STORED_MS = 5000, TURN_MS = 100, HOUR_MS = 3600 * 1000 };

static struct ota_heard begin(int64_t boot_ms)
{
	struct ota_heard heard;
	ota_heard_start(&heard, STORED_MS, STORED_MS - 1, boot_ms);
	return heard;
}

static void turn_until(struct ota_heard *heard, int64_t from_ms, int64_t to_ms)
{
	for (int64_t boot_ms = from_ms; boot_ms < to_ms; boot_ms += TURN_MS)
		ota_heard_alive(heard, boot_ms);
	ota_heard_alive(heard, to_ms);
}

/* heard now, within what the clock moves while we look; elapsed_ms counted up to boot_ms */
static void expect_heard(struct ota_heard *heard, int64_t boot_ms, int64_t elapsed_ms)
{
	int64_t low_ms = STORED_MS + elapsed_ms + (ota_boot_ms() - boot_ms);
	int64_t heard_ms = ota_heard_ms(heard);
	int64_t high_ms = STORED_MS + elapsed_ms + (ota_boot_ms() - boot_ms);
	cr_expect(low_ms <= heard_ms && heard_ms <= high_ms, "%lld is not between %lld and %lld", (long long)heard_ms,
		  (long long)low_ms, (long long)high_ms);
}

Test(heard, a_loop_that_turns_hears_all_the_time)
{
	int64_t now_ms = ota_boot_ms();
	struct ota_heard heard = begin(now_ms - HOUR_MS);
	expect_heard(&heard, now_ms, HOUR_MS);
	turn_until(&heard, now_ms - HOUR_MS, now_ms);
	expect_heard(&heard, now_ms, HOUR_MS);
}

Test(heard, a_pause_up_to_the_limit_is_heard)
{
	int64_t now_ms = ota_boot_ms();
	struct ota_heard heard = begin(now_ms - OTA_HEARD_GAP_MS);
	ota_heard_alive(&heard, now_ms - OTA_HEARD_GAP_MS);
	ota_heard_alive(&heard, now_ms);
	expect_heard(&heard, now_ms, OTA_HEARD_GAP_MS);
}

Test(heard, while_the_loop_stands_still_so_does_the_clock)
{
	int64_t now_ms = ota_boot_ms();
	struct ota_heard heard = begin(now_ms - HOUR_MS);
	ota_heard_alive(&heard, now_ms - HOUR_MS);
	cr_expect_eq(ota_heard_ms(&heard), STORED_MS + OTA_HEARD_GAP_MS);
}

Test(heard, what_a_machine_slept_is_not_heard_when_it_wakes)
{
	int64_t now_ms = ota_boot_ms();
	struct ota_heard heard = begin(now_ms - 2 * HOUR_MS);
	turn_until(&heard, now_ms - 2 * HOUR_MS, now_ms - HOUR_MS);
	int64_t asleep_ms = ota_heard_ms(&heard);
	cr_expect_eq(asleep_ms, STORED_MS + HOUR_MS + OTA_HEARD_GAP_MS);
	ota_heard_alive(&heard, now_ms);
	expect_heard(&heard, now_ms, HOUR_MS + OTA_HEARD_GAP_MS);
	cr_expect_geq(ota_heard_ms(&heard), asleep_ms, "it never goes back");
}

Test(heard, pauses_add_up)
{
	enum { PAUSES = 10 };
	int64_t now_ms = ota_boot_ms();
	struct ota_heard heard = begin(now_ms - PAUSES * HOUR_MS);
	for (int64_t i = PAUSES; i >= 0; i--)
		ota_heard_alive(&heard, now_ms - i * HOUR_MS);
	expect_heard(&heard, now_ms, PAUSES * OTA_HEARD_GAP_MS);
}
