/* What devices send too much of: the whole plugin over fakes, so that what is applied is seen. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/time.h"
#include "plugin/broker/callbacks.h"
#include "tests/unit/plugin/broker/fake_mosquitto.h"
#include "tests/unit/plugin/broker/fakes.h"
#include "tests/unit/plugin/broker/loaded.h"

#define INFORM "/ota/device/inform/pk/one"
#define PROGRESS "/ota/device/progress/pk/one"
#define REQUEST "/ota/device/request/pk/one"
#define BLOCKS "/sys/pk/one/thing/file/download"

static struct mosquitto device, other;

static void setup(void)
{
	loaded_reset();
	device = (struct mosquitto){.id = "pk.one|securemode=3|", .username = "one&pk"};
	other = (struct mosquitto){.id = "pk.two|x|", .username = "two&pk"};
	cr_assert_eq(load("allow"), 0, "%s", fake_log());
}

TestSuite(intake, .init = setup, .fini = loaded_end);

static int step(int number)
{
	char payload[64];
	snprintf(payload, sizeof(payload), "{\"params\":{\"step\":\"%d\"}}", number);
	return fake_publish(&device, PROGRESS, payload, 0);
}

/* How many applied events begin so. */
static size_t applied(const char *head)
{
	size_t count = 0;
	for (size_t i = 0; i < fakes_events(); i++)
		count += strncmp(fakes_event(i), head, strlen(head)) == 0;
	return count;
}

static const char *last_applied(const char *head)
{
	for (size_t i = fakes_events(); i-- > 0;)
		if (strncmp(fakes_event(i), head, strlen(head)) == 0)
			return fakes_event(i);
	return "";
}

static void use_up_steps(void)
{
	fake_auth(&device);
	for (int i = 0; i < OTA_DEVICE_STEPS_BURST; i++)
		cr_assert_eq(step(i), MOSQ_ERR_SUCCESS);
}

/* --- steps --- */

Test(intake, of_a_flood_of_steps_a_few_are_written_and_the_last_one_is)
{
	use_up_steps();
	for (int i = 0; i < 3000; i++)
		cr_assert_eq(step(i % 100), MOSQ_ERR_SUCCESS);
	cr_assert_eq(step(77), MOSQ_ERR_SUCCESS);
	fake_disconnect(&device);
	unload();
	cr_expect_leq(fakes_applied(), OTA_DEVICE_STEPS_BURST + 2 + OTA_DEVICE_STEPS_SECOND);
	cr_expect_str_eq(last_applied("progress one"), "progress one {\"params\":{\"step\":\"77\"}} r=0");
	cr_expect(strstr(fakes_event(fakes_events() - 1), "gone one"), "its steps come before its end");
}

Test(intake, a_step_that_waits_is_written_when_the_next_one_is_due)
{
	use_up_steps();
	step(55);
	cr_expect_leq(fakes_applied(), OTA_DEVICE_STEPS_BURST);
	/* The rule itself is a time. */
	for (int tries = 0; tries < 2000 && !strstr(last_applied("progress one"), "55"); tries++) {
		fake_tick();
		usleep(1000);
	}
	cr_expect(strstr(last_applied("progress one"), "55"), "%s", last_applied("progress one"));
}

Test(intake, the_servers_end_loses_no_step)
{
	use_up_steps();
	step(55);
	unload();
	cr_expect(strstr(last_applied("progress one"), "55"));
}

Test(intake, an_inform_never_overtakes_the_steps_before_it)
{
	use_up_steps();
	step(55);
	fake_publish(&device, INFORM, "booted", 0);
	unload();
	cr_expect_eq(fakes_applied(), OTA_DEVICE_STEPS_BURST + 2);
	cr_expect_str_eq(fakes_event(fakes_events() - 1), "inform one booted r=0");
}

Test(intake, of_a_flood_of_steps_the_ends_are_all_kept)
{
	use_up_steps();
	for (int i = 0; i < 20; i++) {
		step(50);
		step(i % 2 ? 100 : -2);
	}
	unload();
	size_t ends = 0;
	for (size_t i = 0; i < fakes_events(); i++)
		ends += strstr(fakes_event(i), "\"100\"") || strstr(fakes_event(i), "\"-2\"");
	cr_expect_eq(ends, 20);
}

Test(intake, steps_of_another_device_are_its_own)
{
	use_up_steps();
	fake_auth(&other);
	fake_publish(&other, "/ota/device/progress/pk/two", "{\"params\":{\"step\":1}}", 0);
	unload();
	cr_expect_eq(applied("progress two"), 1);
}

Test(intake, an_acknowledged_step_never_waits)
{
	use_up_steps();
	cr_expect_eq(fake_publish(&device, PROGRESS, "{\"params\":{\"step\":\"55\"}}", 1), MOSQ_ERR_SUCCESS);
	for (int tries = 0; tries < 2000 && fakes_applied() < OTA_DEVICE_STEPS_BURST + 1; tries++)
		usleep(1000);
	cr_expect_eq(fakes_applied(), OTA_DEVICE_STEPS_BURST + 1, "without a tick and without an end");
}

/* --- random streams --- */

enum { STREAMS = 60, MESSAGES = 60, ATTEMPTS = 3 };

struct stream {
	unsigned seed;
	char name[16], id[32], username[32], progress[64], inform[64];
	struct mosquitto client;
	int sent;                 /* numbers in `desc` tell the messages apart */
	bool strong[MESSAGES];    /* may be neither lost nor overtaken */
	int attempt[MESSAGES];    /* of a step that may wait, else 0 */
};

static unsigned chance(struct stream *stream, unsigned below)
{
	stream->seed = stream->seed * 1103515245U + 12345U;
	return (stream->seed >> 16) % below;
}

static void stream_say(struct stream *stream)
{
	static const int ends[] = {100, -1, -2, -4};
	char payload[96];
	int number = stream->sent++, attempt = 1 + (int)chance(stream, ATTEMPTS);
	unsigned kind = chance(stream, 20);
	bool strong = kind < 4;
	int value = kind == 1 ? ends[chance(stream, 4)] : (int)chance(stream, 100);
	const char *cancel = kind == 2 ? ",\"cancel\":\"refused\"" : "";
	snprintf(payload, sizeof(payload), "{\"params\":{\"step\":%d,\"desc\":\"n%d\",\"batch\":1,\"attempt\":%d%s}}", value,
		 number, attempt, cancel);
	stream->strong[number] = strong;
	stream->attempt[number] = strong ? 0 : attempt;
	if (kind == 0)
		snprintf(payload, sizeof(payload), "\"n%d\"", number);
	int code = fake_publish(&stream->client, kind == 0 ? stream->inform : stream->progress, payload, kind == 3);
	cr_assert_eq(code, MOSQ_ERR_SUCCESS, "message %d of seed %s", number, stream->name);
}

static void stream_run(struct stream *stream, unsigned seed)
{
	*stream = (struct stream){.seed = seed};
	snprintf(stream->name, sizeof(stream->name), "s%u", seed);
	snprintf(stream->id, sizeof(stream->id), "pk.s%u|", seed);
	snprintf(stream->username, sizeof(stream->username), "s%u&pk", seed);
	snprintf(stream->progress, sizeof(stream->progress), "/ota/device/progress/pk/s%u", seed);
	snprintf(stream->inform, sizeof(stream->inform), "/ota/device/inform/pk/s%u", seed);
	stream->client = (struct mosquitto){.id = stream->id, .username = stream->username};
	fake_auth(&stream->client);
	while (stream->sent < MESSAGES) {
		stream_say(stream);
		if (chance(stream, 15) == 0)
			fake_tick();
		if (chance(stream, 30) == 0) {
			fake_disconnect(&stream->client);
			fake_auth(&stream->client);
		}
	}
}

/* The number of a message of this stream, -1 = another event. */
static int number_of(const struct stream *stream, const char *event)
{
	char progress[32], inform[32];
	const char *number = strstr(event, "\"n");
	snprintf(progress, sizeof(progress), "progress %s ", stream->name);
	snprintf(inform, sizeof(inform), "inform %s ", stream->name);
	bool ours = strncmp(event, progress, strlen(progress)) == 0 || strncmp(event, inform, strlen(inform)) == 0;
	return ours && number ? (int)strtol(number + 2, NULL, 10) : -1;
}

/* The last step of an attempt that was told before `end`. */
static int last_said(const struct stream *stream, int attempt, int end)
{
	while (--end >= 0 && stream->attempt[end] != attempt)
		;
	return end;
}

static void stream_check(const struct stream *stream)
{
	int last[ATTEMPTS + 1] = {-1, -1, -1, -1}, last_strong = -1;
	for (size_t i = 0; i <= fakes_events(); i++) {
		int number = i < fakes_events() ? number_of(stream, fakes_event(i)) : MESSAGES;
		if (number < 0)
			continue;
		if (number < MESSAGES && !stream->strong[number]) {
			cr_expect_gt(number, last[stream->attempt[number]], "seed %s: a step goes back", stream->name);
			cr_expect_gt(number, last_strong, "seed %s: %d is overtaken", stream->name, number);
			last[stream->attempt[number]] = number;
			continue;
		}
		int next = last_strong + 1;
		while (next < MESSAGES && !stream->strong[next])
			next++;
		cr_expect_eq(number, next, "seed %s: %d is lost or overtaken", stream->name, next);
		for (int attempt = 1; attempt <= ATTEMPTS; attempt++)
			cr_expect_eq(last[attempt], last_said(stream, attempt, number), "seed %s, before %d", stream->name,
				     number);
		last_strong = number;
	}
}

Test(intake, whatever_a_device_says_in_any_order_the_last_word_of_each_attempt_is_applied)
{
	static struct stream streams[STREAMS];
	unsigned first = getenv("OTA_SEED") ? (unsigned)strtoul(getenv("OTA_SEED"), NULL, 10) : 1;
	for (unsigned i = 0; i < STREAMS; i++)
		stream_run(&streams[i], first + i);
	unload();
	for (unsigned i = 0; i < STREAMS; i++)
		stream_check(&streams[i]);
}

/* --- too much --- */

/* The answer to the first message that is refused, after at most `limit`. */
static int until_refused(const char *topic, int qos, int limit, int *ret_taken)
{
	int code = MOSQ_ERR_SUCCESS;
	for (*ret_taken = 0; *ret_taken <= limit; ++*ret_taken) {
		code = fake_publish(&device, topic, "x", qos);
		if (code != MOSQ_ERR_SUCCESS)
			break;
	}
	return code;
}

Test(intake, too_many_reports_are_dropped_at_qos_0_and_put_off_at_qos_1)
{
	int taken = 0;
	fake_auth(&device);
	cr_expect_eq(until_refused(INFORM, 0, 2 * OTA_DEVICE_REPORTS_BURST, &taken), MOSQ_ERR_ACL_DENIED);
	cr_expect_geq(taken, OTA_DEVICE_REPORTS_BURST);
	cr_expect(strstr(fake_log(), "report_dropped"));
	int code = fake_publish(&device, INFORM, "x", 1);
	cr_expect(code != MOSQ_ERR_SUCCESS && code != MOSQ_ERR_ACL_DENIED, "%d: without a PUBACK it comes again", code);
	cr_expect(strstr(fake_log(), "report_put_off"));
}

Test(intake, a_reconnect_fills_no_bucket)
{
	int taken = 0;
	fake_auth(&device);
	until_refused(INFORM, 0, 2 * OTA_DEVICE_REPORTS_BURST, &taken);
	fake_disconnect(&device);
	cr_expect_eq(fake_auth(&device), MOSQ_ERR_SUCCESS);
	until_refused(INFORM, 0, OTA_DEVICE_REPORTS_BURST, &taken);
	cr_expect_lt(taken, OTA_DEVICE_REPORTS_BURST / 4);
	fake_auth(&other);
	cr_expect_eq(fake_publish(&other, "/ota/device/inform/pk/two", "x", 0), MOSQ_ERR_SUCCESS);
}

Test(intake, a_device_that_floods_is_cut_off_and_shut_out_and_nobody_else)
{
	int taken = 0, code = MOSQ_ERR_ACL_DENIED;
	fake_auth(&device);
	fake_auth(&other);
	until_refused(INFORM, 0, 2 * OTA_DEVICE_REPORTS_BURST, &taken);
	for (int i = 0; i < 3 * OTA_DEVICE_PATIENCE_BURST && code == MOSQ_ERR_ACL_DENIED; i++)
		code = fake_publish(&device, INFORM, "x", 0);
	cr_expect(code != MOSQ_ERR_SUCCESS && code != MOSQ_ERR_ACL_DENIED, "%d closes the connection", code);
	cr_expect(strstr(fake_log(), "device_floods"));
	cr_expect(strstr(fake_log(), "username=one&pk"));
	fake_disconnect(&device);
	cr_expect_eq(fake_auth(&device), MOSQ_ERR_AUTH);
	cr_expect_eq(fake_publish(&other, "/ota/device/inform/pk/two", "x", 0), MOSQ_ERR_SUCCESS);
	cr_expect_eq(fake_auth(&other), MOSQ_ERR_SUCCESS);
}

/* Nothing of them is taken, but the broker read every byte. */
Test(intake, messages_that_are_too_long_are_a_flood_one_is_none)
{
	static char longest[OTA_DEVICE_PAYLOAD_MAX + 2];
	int code = MOSQ_ERR_ACL_DENIED;
	memset(longest, 'x', sizeof(longest) - 1);
	fake_auth(&device);
	cr_expect_eq(fake_publish(&device, INFORM, longest, 0), MOSQ_ERR_ACL_DENIED);
	cr_expect(strstr(fake_log(), "at most 16384 bytes are allowed"));
	cr_expect_eq(fake_publish(&device, INFORM, "x", 0), MOSQ_ERR_SUCCESS, "one is borne");
	for (int i = 0; i < 3 * OTA_DEVICE_PATIENCE_BURST && code == MOSQ_ERR_ACL_DENIED; i++)
		code = fake_publish(&device, i % 2 ? INFORM : REQUEST, longest, 0);
	cr_expect(code != MOSQ_ERR_SUCCESS && code != MOSQ_ERR_ACL_DENIED, "%d closes the connection", code);
	cr_expect(strstr(fake_log(), "device_floods"));
}

Test(intake, steps_at_line_rate_are_a_flood_steps_of_a_hasty_sdk_are_none)
{
	int code = MOSQ_ERR_SUCCESS;
	use_up_steps();
	for (int i = 0; i < 600; i++) /* what C 4.x says in a second */
		cr_assert_eq(step(0), MOSQ_ERR_SUCCESS);
	for (int i = 0; i < 100000 && (code == MOSQ_ERR_SUCCESS || code == MOSQ_ERR_ACL_DENIED); i++)
		code = step(0);
	cr_expect(strstr(fake_log(), "device_floods"));
}

Test(intake, pulls_beyond_the_limit_are_not_answered)
{
	fake_auth(&device);
	for (int i = 0; i < 3 * OTA_DEVICE_PULLS_BURST; i++)
		cr_expect_eq(fake_publish(&device, REQUEST, "{}", 1), MOSQ_ERR_SUCCESS);
	fake_publish(&device, INFORM, "end", 1);
	cr_assert(fakes_wait_events(OTA_DEVICE_PULLS_BURST + 2));
	unload();
	cr_expect_eq(applied("pull one"), OTA_DEVICE_PULLS_BURST);
}

/* One block after the other is asked for without end; whoever asks again and again while one waits is cut off as for refusals. */
Test(intake, who_asks_for_blocks_while_one_waits_is_cut_off)
{
	static const char request[] = "{\"params\":{\"fileInfo\":{\"streamId\":1,\"fileId\":1},"
				      "\"fileBlock\":{\"size\":256,\"offset\":0}}}";
	int asked = 0;
	fake_auth(&device);
	while (asked < 3 * OTA_DEVICE_PATIENCE_BURST && fake_publish(&device, BLOCKS, request, 0) == MOSQ_ERR_SUCCESS)
		asked++;
	cr_expect_geq(asked, OTA_DEVICE_PATIENCE_BURST, "%d", asked);
	cr_expect_lt(asked, 2 * OTA_DEVICE_PATIENCE_BURST, "%d", asked);
	cr_expect(strstr(fake_log(), "device_floods"));
}

Test(intake, requests_for_blocks_that_are_too_long_are_a_flood_one_is_none)
{
	static char request[4 * OTA_BLOCK_REQUEST_MAX];
	memset(request, ' ', sizeof(request) - 1);
	fake_auth(&device);
	for (int i = 0; i < OTA_DEVICE_PATIENCE_BURST; i++)
		cr_assert_eq(fake_publish(&device, BLOCKS, request, 0), MOSQ_ERR_SUCCESS, "%d", i);
	int more = 0;
	while (more < OTA_DEVICE_PATIENCE_BURST && fake_publish(&device, BLOCKS, request, 0) == MOSQ_ERR_SUCCESS)
		more++;
	cr_expect_lt(more, OTA_DEVICE_PATIENCE_BURST);
}

Test(intake, who_connects_in_a_loop_is_refused_and_his_last_connection_stays)
{
	int refused = 0;
	for (int i = 0; i < OTA_DEVICE_CONNECTS_BURST + 10; i++)
		refused += fake_auth(&device) == MOSQ_ERR_AUTH;
	cr_expect_geq(refused, 9);
	cr_expect(strstr(fake_log(), "connects_too_often"));
	cr_expect_eq(fake_publish(&device, INFORM, "x", 1), MOSQ_ERR_SUCCESS);
	cr_expect_eq(fake_auth(&other), MOSQ_ERR_SUCCESS);
}

Test(intake, a_flood_of_refusals_leaves_room_for_lines_about_others)
{
	fake_auth(&device);
	fake_auth(&other);
	for (int i = 0; i < 1000; i++)
		fake_acl(&device, MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/two", false);
	size_t lines = 0;
	for (const char *at = fake_log(); (at = strstr(at, "access_denied")); at++)
		lines++;
	cr_expect_leq(lines, OTA_DEVICE_LINES_BURST);
	fake_acl(&other, MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/one", false);
	cr_expect(strstr(fake_log(), "username=two&pk"));
}

Test(intake, what_another_device_floods_the_log_with_costs_a_device_nothing_of_its_share)
{
	static struct mosquitto many[4] = {{.id = "a|", .username = "a&pk"}, {.id = "b|", .username = "b&pk"},
					   {.id = "c|", .username = "c&pk"}, {.id = "d|", .username = "d&pk"}};
	fake_auth(&other);
	for (int i = 0; i < 4; i++) {
		fake_auth(&many[i]);
		for (int line = 0; line < OTA_DEVICE_LINES_BURST; line++)
			fake_acl(&many[i], MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/one", false);
	}
	for (int line = 0; line < 2 * OTA_DEVICE_LINES_BURST; line++) /* the log is full: its share stays */
		fake_acl(&other, MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/one", false);
	for (int tries = 0; tries < 1000 && !strstr(fake_log(), "username=two&pk"); tries++) { /* a line in 200 ms */
		usleep(1000);
		fake_acl(&other, MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/one", false);
	}
	cr_expect(strstr(fake_log(), "username=two&pk"));
}

static int until_cut(int access, const char *topic, int limit)
{
	int code = MOSQ_ERR_SUCCESS;
	for (int i = 0; i < limit && (code == MOSQ_ERR_SUCCESS || code == MOSQ_ERR_ACL_DENIED); i++)
		code = fake_acl(&device, access, topic, false);
	return code;
}

Test(intake, who_asks_for_topics_without_end_is_cut_off_granted_or_not)
{
	static const struct {
		int access;
		const char *topic;
	} cases[] = {{MOSQ_ACL_WRITE, "/ota/device/inform/pk/two"}, {MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/two"},
		     {MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/one"}, {MOSQ_ACL_UNSUBSCRIBE, "/ota/device/upgrade/pk/one"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unload();
		cr_assert_eq(load("allow"), 0);
		fake_auth(&device);
		fake_auth(&other);
		int code = until_cut(cases[i].access, cases[i].topic, 100000);
		cr_expect(code != MOSQ_ERR_SUCCESS && code != MOSQ_ERR_ACL_DENIED, "%s %d", cases[i].topic, code);
		cr_expect(strstr(fake_log(), "device_floods"));
		cr_expect_eq(fake_acl(&other, MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/two", false), MOSQ_ERR_SUCCESS);
	}
}

Test(intake, deliveries_and_foreign_topics_are_no_flood)
{
	fake_auth(&device);
	cr_expect_eq(until_cut(MOSQ_ACL_READ, "/ota/device/upgrade/pk/two", 20000), MOSQ_ERR_ACL_DENIED);
	cr_expect_eq(until_cut(MOSQ_ACL_SUBSCRIBE, "weather", 20000), MOSQ_ERR_SUCCESS);
}
