/* The pace of a batch: its rate with its ramp, its places, and that who waits is found again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/time.h"
#include "plugin/store/batch.h"
#include "plugin/store/flow.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;
static int devices;

static void open_devices(int count)
{
	devices = count;
	fleet_open(&fleet, count);
}

static void twenty_devices(void)
{
	open_devices(20);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(pace, .init = twenty_devices, .fini = close_fleet);

static void up(int first, int behind)
{
	for (int i = first; i < behind; i++) {
		fleet_connect(&fleet, i);
		fleet_inform(&fleet, i, "1.0.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static int64_t batch_of(const char *strategy)
{
	char members[512];

	snprintf(members, sizeof(members), ",\"strategy\":{%s}", strategy);
	return fleet_batch(&fleet, "static", members);
}

static void command(const char *word, int64_t batch)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"%s\",\"batch\":%lld}", word, (long long)batch));
}

static int pushed(void)
{
	int count = 0;

	for (int i = 0; i < devices; i++)
		count += fleet_pushes(&fleet, i);
	return count;
}

static void finish(int device)
{
	fleet_progress(&fleet, device, 100);
	fleet_inform(&fleet, device, "2.0.0");
	fleet_advance(&fleet, 2 * OTA_SECOND_MS);
}

/* What the store says of the batch: attempts ever begun, and its places. */
struct sight {
	int64_t releases, active, parked, parked_rows;
};

static struct sight look(int64_t batch)
{
	struct ota_task rows[64];
	struct ota_flow flow;
	struct sight sight = {0};
	size_t count;

	cr_assert_eq(ota_task_list(fleet.store, &(struct ota_task_filter){ batch, -1, 0 }, rows, 64, &count, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		sight.releases += rows[i].attempt;
		sight.parked_rows += rows[i].parked;
	}
	cr_assert_eq(ota_batch_count_active(fleet.store, batch, &sight.active, NULL), 0);
	cr_assert_eq(ota_flow_load(fleet.store, batch, &flow, NULL), 0);
	sight.parked = flow.parked;
	return sight;
}

Test(pace, no_more_are_in_flight_than_may_be)
{
	up(0, 20);
	batch_of("\"maxInFlight\":5");
	cr_assert_eq(pushed(), 5);
	cr_assert_str_eq(fleet_task(&fleet, 19), "pending/in_flight");
	fleet_advance(&fleet, OTA_MINUTE_MS / 2);
	cr_assert_eq(pushed(), 0);
}

Test(pace, a_place_that_is_given_back_is_taken_at_once)
{
	up(0, 20);
	batch_of("\"maxInFlight\":5");
	pushed();
	fleet_progress(&fleet, 0, -4);
	fleet_advance(&fleet, 1);
	cr_assert_eq(pushed(), 1);
	finish(1);
	cr_assert_eq(pushed(), 1);
}

Test(pace, a_rate_releases_to_the_millisecond)
{
	up(0, 20);
	batch_of("\"rate\":{\"perMinute\":50}");
	cr_assert_eq(pushed(), 1);
	cr_assert_str_eq(fleet_task(&fleet, 19), "pending/rate");
	fleet_advance(&fleet, 1199);
	cr_assert_eq(pushed(), 0);
	fleet_advance(&fleet, 1);
	cr_assert_eq(pushed(), 1);
	fleet_advance(&fleet, 12 * OTA_SECOND_MS);
	cr_assert_eq(pushed(), 10);
}

Test(pace, a_ramp_begins_with_the_first_release_and_again_when_it_is_resumed)
{
	int64_t batch = batch_of("\"rate\":{\"perMinute\":240,\"from\":60,\"factor\":2,\"every\":\"3s\"}");

	fleet_advance(&fleet, OTA_MINUTE_MS);
	up(0, 20);
	pushed();
	command("pauseBatch", batch);
	fleet_advance(&fleet, OTA_MINUTE_MS);
	command("resumeBatch", batch);
	int64_t before = look(batch).releases;
	fleet_advance(&fleet, 2999);
	cr_assert_eq(look(batch).releases - before, 3, "at 0, 1 and 2 s");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_eq(look(batch).releases - before, 3 + 6 + 1, "at 3, 3.5 .. 5.5 s, and the burst, which grew by one");
	fleet_advance(&fleet, 2 * OTA_SECOND_MS);
	cr_assert_eq(look(batch).releases, 20);
}

Test(pace, who_connects_while_the_rate_is_spent_gets_his_turn_behind_the_others)
{
	up(10, 20);
	batch_of("\"rate\":{\"perMinute\":60}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	up(0, 2); /* their tasks stand before those of the others */
	fleet_advance(&fleet, 2 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/rate");
	fleet_disconnect(&fleet, 19);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	cr_assert_str_eq(fleet_task(&fleet, 19), "pending/offline");
	fleet_connect(&fleet, 19);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 19), "pushed");
}

Test(pace, a_restart_gives_no_release_away_and_forgets_nobody)
{
	up(0, 20);
	int64_t batch = batch_of("\"rate\":{\"perMinute\":6},\"maxInFlight\":2");
	cr_assert_eq(pushed(), 1);
	fleet_restart(&fleet, OTA_HOUR_MS);
	up(0, 20);
	cr_assert_eq(look(batch).releases, 1);
	fleet_advance(&fleet, 30 * OTA_SECOND_MS);
	cr_assert_eq(look(batch).releases, 2);
	cr_assert_str_eq(fleet_task(&fleet, 19), "pending/in_flight");
}

Test(pace, a_step_of_the_wall_clock_changes_no_rate)
{
	up(0, 20);
	batch_of("\"rate\":{\"perMinute\":60}");
	pushed();
	fleet.now.wall_ms += OTA_DAY_MS;
	fleet_advance(&fleet, 2 * OTA_SECOND_MS);
	fleet.now.wall_ms -= (int64_t)2 * OTA_DAY_MS;
	fleet_advance(&fleet, 2 * OTA_SECOND_MS);
	cr_assert_eq(pushed(), 4);
}

Test(pace, a_device_that_left_ten_minutes_ago_holds_no_place_and_takes_it_back_when_it_returns)
{
	up(0, 2);
	int64_t batch = batch_of("\"maxInFlight\":1");
	struct ota_flow flow;

	cr_assert_eq(pushed(), 1);
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 10 * OTA_MINUTE_MS - 1);
	cr_assert_eq(pushed(), 0);
	fleet_advance(&fleet, 1);
	cr_assert_eq(pushed(), 1);
	cr_assert_eq(ota_flow_load(fleet.store, batch, &flow, NULL), 0);
	cr_assert_eq(flow.parked, 1);
	up(0, 1);
	up(2, 3);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1, "the offer it left with");
	cr_assert_eq(ota_flow_load(fleet.store, batch, &flow, NULL), 0);
	cr_assert_eq(flow.parked, 0);
	finish(1);
	cr_assert_str_eq(fleet_task(&fleet, 2), "pending/in_flight", "the returned one holds the only place");
	finish(0);
	cr_assert_eq(fleet_pushes(&fleet, 2), 1);
}

Test(pace, what_is_parked_and_ends_is_parked_no_longer)
{
	up(0, 1);
	int64_t batch = batch_of("\"maxInFlight\":1");
	struct ota_flow flow;

	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 11 * OTA_MINUTE_MS);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"revoke\"}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_eq(ota_flow_load(fleet.store, batch, &flow, NULL), 0);
	cr_assert_eq(flow.parked, 0);
}

static void pull(int device)
{
	fleet_send(&fleet, device, OTA_TOPIC_FIRMWARE_GET, "{\"id\":\"7\",\"params\":{\"module\":\"default\"}}");
}

Test(pace, a_device_that_asks_takes_a_release_like_any_other)
{
	up(0, 20);
	int64_t batch = batch_of("\"rate\":{\"perMinute\":6}");

	pushed();
	pull(7);
	cr_assert_str_eq(fleet_task(&fleet, 7), "pending/rate");
	command("pauseBatch", batch);
	fleet_advance(&fleet, 20 * OTA_SECOND_MS);
	command("resumeBatch", batch);
	pull(7);
	cr_assert_str_eq(fleet_task(&fleet, 7), "pushed");
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 1), "pending/rate");
}

Test(pace, a_batch_without_places_holds_up_no_other)
{
	up(0, 20);
	fleet_batch(&fleet, "static",
		    ",\"strategy\":{\"maxInFlight\":1},\"targets\":{\"names\":[\"d0\",\"d1\",\"d2\",\"d3\"]}");
	fleet_batch(&fleet, "static",
		    ",\"strategy\":{\"rate\":{\"perMinute\":60}},\"targets\":{\"names\":[\"d10\",\"d11\",\"d12\",\"d13\"]}");
	fleet_advance(&fleet, 4 * OTA_SECOND_MS);
	cr_assert_eq(pushed(), 1 + 4);
}

/* Each fails and is tried again at once, so that there is always somebody to release. */
Test(pace, sixty_thousand_a_minute_are_reached)
{
	fleet_close(&fleet);
	open_devices(400);
	up(0, 400);
	batch_of("\"rate\":{\"perMinute\":60000},\"retries\":10,\"retryPause\":\"0s\",\"abortSample\":0");
	int64_t began = fleet.now.heard_ms;
	int count = 0;

	while (fleet.now.heard_ms < began + 1500) {
		for (int i = 0; i < devices; i++) {
			int got = fleet_pushes(&fleet, i);

			count += got;
			if (got)
				fleet_progress(&fleet, i, 5), fleet_progress(&fleet, i, -2);
		}
		fleet_advance(&fleet, 20);
	}
	cr_assert_geq(count, 1000 + 1400);
	cr_assert_leq(count, 1000 + 1501);
}

Test(pace, a_rest_is_a_rest_however_many_wait)
{
	int64_t next;

	up(0, 20);
	batch_of("\"rate\":{\"perMinute\":1}");
	cr_assert_eq(ota_engine_next_due(fleet.engine, &next, NULL), 0);
	cr_assert_gt(next, fleet.now.heard_ms + 100);
}

/* --- random --- */

static uint64_t seed;

static int draw(int below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int)((seed >> 33) % (uint64_t)below);
}

static void something_happens(int64_t batch)
{
	int device = draw(devices);
	bool online = fleet.connection_of[device] != 0;

	switch (draw(9)) {
	case 0:
	case 1:
		if (online)
			fleet_disconnect(&fleet, device);
		else
			fleet_connect(&fleet, device);
		return;
	case 2:
	case 3:
		if (online)
			fleet_progress(&fleet, device, draw(101));
		return;
	case 4:
		if (online)
			fleet_progress(&fleet, device, -1 - draw(4));
		return;
	case 5:
		if (online)
			pull(device);
		return;
	case 6:
		if (!draw(20))
			cJSON_Delete(fleet_ask(&fleet, "{\"command\":\"%s\",\"batch\":%lld}",
					       draw(2) ? "pauseBatch" : "resumeBatch", (long long)batch));
		return;
	default:
		fleet_advance(&fleet, draw(30) ? 1 + draw(3000) : 11 * OTA_MINUTE_MS);
	}
}

struct release {
	int64_t at, count;
};

static void releases_judge(const struct release *rows, int count, int64_t allowed)
{
	for (int first = 0, last = 0, sum = 0; last < count; last++) {
		sum += (int)rows[last].count;
		for (; rows[last].at - rows[first].at >= OTA_MINUTE_MS; first++)
			sum -= (int)rows[first].count;
		cr_assert_leq(sum, allowed, "%d releases in the minute up to %lld", sum, (long long)rows[last].at);
	}
}

enum { STEPS = 400 };

/* Time passes a little at a time where it matters: what a step releases is known to the step's own length. */
static void luck_run(int per_minute, int max_in_flight)
{
	static struct release rows[STEPS];
	char strategy[256];

	snprintf(strategy, sizeof(strategy),
		 "\"rate\":{\"perMinute\":%d},\"maxInFlight\":%d,\"retries\":10,\"retryPause\":\"%ds\",\"abortSample\":0,"
		 "\"upgradeTimeout\":\"2m\",\"pushTimeout\":\"5m\"", per_minute, max_in_flight, draw(20));
	int64_t batch = batch_of(strategy);
	struct sight before = look(batch);

	for (int i = 0; i < STEPS; i++) {
		int64_t began = fleet.now.heard_ms;

		something_happens(batch);
		struct sight now = look(batch);
		int64_t returned = before.parked > now.parked ? before.parked - now.parked : 0;
		cr_assert_eq(now.parked, now.parked_rows);
		if (now.releases > before.releases)
			cr_assert_leq(now.active - now.parked, max_in_flight + returned);
		bool short_step = fleet.now.heard_ms - began <= 3 * OTA_SECOND_MS;
		rows[i] = (struct release){ fleet.now.heard_ms, short_step ? now.releases - before.releases : 0 };
		before = now;
	}
	releases_judge(rows, STEPS, per_minute + per_minute / 60 + 1 + (3 * per_minute + 59) / 60);
}

Test(pace, whatever_happens_no_minute_has_more_than_the_rate_and_no_place_is_taken_twice)
{
	const char *given = getenv("SEED");

	seed = given ? strtoull(given, NULL, 10) : 20261120;
	printf("# SEED=%llu\n", (unsigned long long)seed);
	for (int round = 0; round < 6; round++) {
		fleet_close(&fleet);
		open_devices(30);
		luck_run(2 + draw(60), 1 + draw(8));
	}
}
