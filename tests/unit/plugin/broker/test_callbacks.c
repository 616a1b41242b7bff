#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/limits.h"
#include "plugin/broker/callbacks.h"
#include "tests/unit/plugin/broker/fake_mosquitto.h"
#include "tests/unit/plugin/broker/fakes.h"
#include "tests/unit/plugin/broker/loaded.h"
#include "tests/unit/plugin/broker/reports.h"

#define INFORM "/ota/device/inform/pk/one"
#define PROGRESS "/ota/device/progress/pk/one"
#define REQUEST "/ota/device/request/pk/one"

static struct mosquitto device, second, other, operator_;

static void setup(void)
{
	loaded_reset();
	device = (struct mosquitto){.id = "pk.one|securemode=3|", .username = "one&pk"};
	second = (struct mosquitto){.id = "pk.one|other|", .username = "one&pk"};
	other = (struct mosquitto){.id = "pk.two|x|", .username = "two&pk"};
	operator_ = (struct mosquitto){.id = "console", .username = "operator"};
	cr_assert_eq(load("allow"), 0, "%s", fake_log());
}

TestSuite(callbacks, .init = setup, .fini = loaded_end);

/* Until the worker has committed that many events and the broker's thread has sent and logged what came of it. */
static void settle(size_t events)
{
	cr_assert(fakes_wait_events(events), "%zu of %zu events", fakes_events(), events);
	for (int tries = 0; tries < 200 && (fake_published() == 0 || tries < 3); tries++) {
		fake_tick();
		usleep(1000);
	}
}

static void stays(void)
{
	usleep((OTA_ADMITTED_MS + 10) * 1000); /* the rule itself is a time */
	fake_tick();
}

/* --- loading --- */

Test(callbacks, a_second_instance_is_refused)
{
	void *first = plugin;
	cr_expect_neq(load("allow"), 0);
	cr_expect(strstr(fake_log(), "per_listener_settings"));
	plugin = first;
}

Test(callbacks, nothing_stays_registered_after_the_end)
{
	cr_expect_geq(fake_registered(), 7);
	unload();
	cr_expect_eq(fake_registered(), 0);
}

Test(callbacks, a_listeners_own_plugin_is_refused)
{
	unload();
	identifier[0] = &device;
	cr_expect_neq(load("allow"), 0);
	cr_expect(strstr(fake_log(), "per_listener_settings"));
	cr_expect_eq(fake_registered(), 0);
	identifier[0] = NULL;
	cr_expect_eq(load("allow"), 0, "the refusal left nothing behind");
}

Test(callbacks, a_bad_option_stops_the_start_by_name)
{
	unload();
	cr_expect_neq(load("maybe"), 0);
	cr_expect(strstr(fake_log(), "ota_others"));
}

Test(callbacks, devices_without_proof_are_warned_of_at_each_start)
{
	cr_expect(strstr(fake_log(), "devices_not_authenticated"));
}

Test(callbacks, the_interface_version_is_5_or_none)
{
	int offered[] = {5, 4, 3, 2}, old[] = {4, 3, 2};
	cr_expect_eq(mosquitto_plugin_version(4, offered), 5);
	cr_expect_eq(mosquitto_plugin_version(3, old), -1);
}

Test(callbacks, a_reload_is_answered_as_each_version_wants_it)
{
	cr_expect_eq(fake_reload(), MOSQ_ERR_PLUGIN_DEFER);
	unload();
	fake_offer_connect_event(true);
	cr_assert_eq(load("allow"), 0);
	cr_expect_eq(fake_reload(), MOSQ_ERR_SUCCESS);
}

Test(callbacks, the_end_leaves_nothing_registered)
{
	cr_expect_geq(fake_registered(), 6);
	unload();
	cr_expect_eq(fake_registered(), 0, "2.0 does not unregister for us");
}

Test(callbacks, a_start_with_nothing_to_replay_reads_no_journal)
{
	unload();
	cr_expect_not(strstr(fake_log(), "_failed"), "%s", fake_log());
	cr_expect(strstr(fake_log(), "waiting=0"), "%s", fake_log());
}

Test(callbacks, a_start_replays_what_an_earlier_run_acknowledged)
{
	struct ota_journal *journal = NULL;
	unload();
	cr_assert_eq(reports_open(directory, 0, &journal, NULL), 0);
	reports_append(journal, 1, 3);
	ota_journal_free(journal);
	cr_assert_eq(load("allow"), 0, "%s", fake_log());
	fake_auth(&device);
	fake_publish(&device, INFORM, "new", 1);
	cr_assert(fakes_wait_events(5));
	for (size_t i = 0; i < 3; i++)
		cr_expect(strstr(fakes_event(i), "r=1"), "%s", fakes_event(i));
	cr_expect_str_eq(fakes_event(4), "inform one new r=0");
	unload();
	cr_expect_eq(fakes_applied(), 4);
}

/* --- logins --- */

Test(callbacks, a_login_is_answered_by_who_it_is)
{
	struct mosquitto barless = {.id = "pk.one", .username = "one&pk"}, thief = {.id = "a|b", .username = "operator"};
	struct mosquitto anonymous = {.id = "auto-1"};
	cr_expect_eq(fake_auth(&device), MOSQ_ERR_SUCCESS);
	cr_expect_eq(fake_auth(&barless), MOSQ_ERR_AUTH);
	cr_expect(strstr(fake_log(), "client_id_without_bar"));
	cr_expect_eq(fake_auth(&thief), MOSQ_ERR_AUTH);
	cr_expect_eq(fake_auth(&operator_), MOSQ_ERR_SUCCESS);
	cr_expect_eq(fake_auth(&anonymous), MOSQ_ERR_SUCCESS);
	unload();
	cr_assert_eq(load("defer"), 0);
	cr_expect_eq(fake_auth(&device), MOSQ_ERR_SUCCESS, "devices are ours to judge");
	cr_expect_eq(fake_auth(&operator_), MOSQ_ERR_PLUGIN_DEFER);
	cr_expect_eq(fake_auth(&anonymous), MOSQ_ERR_PLUGIN_DEFER);
}

Test(callbacks, the_id_of_a_live_device_is_not_given_to_another_one)
{
	struct mosquitto thief = {.id = device.id, .username = "two&pk"};
	fake_auth(&device);
	cr_expect_eq(fake_auth(&thief), MOSQ_ERR_AUTH);
	cr_expect(strstr(fake_log(), "client_id_taken"));
	fake_disconnect(&thief); /* the failed login ends with the victim's id on it */
	fake_publish(&device, INFORM, "1", 1);
	settle(2);
	cr_expect_eq(fake_published(), 1, "the victim is still there");
	fake_disconnect(&device);
	fake_tick();
	cr_expect_eq(fake_auth(&thief), MOSQ_ERR_SUCCESS, "free again");
}

/* --- presence --- */

Test(callbacks, a_silent_device_is_online_after_it_stayed)
{
	fake_auth(&device);
	fake_tick();
	cr_expect_eq(fakes_events(), 0);
	stays();
	cr_assert(fakes_wait_events(1));
	cr_expect_str_eq(fakes_event(0), "connected one 1");
	fake_disconnect(&device);
	cr_assert(fakes_wait_events(2));
	cr_expect_str_eq(fakes_event(1), "gone one 1");
}

Test(callbacks, the_connect_event_of_2_1_is_enough)
{
	unload();
	fake_offer_connect_event(true);
	cr_assert_eq(load("allow"), 0);
	fake_auth(&device);
	fake_connect_event(&device);
	cr_assert(fakes_wait_events(1));
	fake_offline_event(&device);
	cr_assert(fakes_wait_events(2));
	cr_expect_str_eq(fakes_event(1), "gone one 1");
}

Test(callbacks, a_subscription_shows_a_device)
{
	fake_auth(&device);
	fake_acl(&device, MOSQ_ACL_READ, "/ota/device/upgrade/pk/one", false);
	fake_acl(&device, MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/one", false);
	cr_assert(fakes_wait_events(1));
	cr_expect_str_eq(fakes_event(0), "connected one 1");
}

Test(callbacks, a_failed_login_elsewhere_never_shows_a_device)
{
	fake_auth(&device);
	fake_disconnect(&device);
	stays();
	fake_auth(&other);
	fake_publish(&other, "/ota/device/inform/pk/two", "1", 1);
	cr_assert(fakes_wait_events(2));
	cr_expect_str_eq(fakes_event(0), "connected two 2");
}

Test(callbacks, the_older_connection_of_a_device_is_kicked_in_the_tick)
{
	struct mosquitto *const clients[] = {&device, &second};
	fake_know(clients, 2);
	fake_auth(&device);
	fake_publish(&device, INFORM, "1", 1);
	fake_auth(&second);
	fake_publish(&second, INFORM, "2", 1);
	cr_expect_eq(fake_kicked(), 0, "never while a packet is handled");
	fake_tick();
	cr_assert_eq(fake_kicked(), 1);
	cr_expect_str_eq(fake_kick(0), device.id);
	cr_expect_not(device.connected);
	cr_assert(fakes_wait_events(5));
	cr_expect_str_eq(fakes_event(2), "gone one 1");
	cr_expect_str_eq(fakes_event(3), "connected one 2");
}

/* --- rights --- */

Test(callbacks, rights_become_the_brokers_answers)
{
	fake_auth(&device);
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_WRITE, INFORM, false), MOSQ_ERR_SUCCESS);
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_WRITE, INFORM, true), MOSQ_ERR_ACL_DENIED);
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/one", false), MOSQ_ERR_SUCCESS);
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_READ, "/ota/device/upgrade/pk/two", false), MOSQ_ERR_ACL_DENIED);
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_READ, REQUEST, false), MOSQ_ERR_ACL_DENIED);
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_WRITE, "weather", false), MOSQ_ERR_SUCCESS);
	cr_expect_eq(fake_acl(&device, 99, INFORM, false), MOSQ_ERR_ACL_DENIED, "an access of a later version");
	unload();
	cr_assert_eq(load("defer"), 0);
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_WRITE, "weather", false), MOSQ_ERR_PLUGIN_DEFER);
	cr_expect_eq(fake_acl(&operator_, MOSQ_ACL_SUBSCRIBE, "/ota/device/inform/+/+", false), MOSQ_ERR_PLUGIN_DEFER);
	cr_expect_eq(fake_acl(&operator_, MOSQ_ACL_WRITE, "/ota/device/upgrade/pk/one", false), MOSQ_ERR_ACL_DENIED);
}

Test(callbacks, a_will_is_stopped_whenever_the_broker_asks_for_it)
{
	struct mosquitto again = {.id = device.id, .username = device.username};
	fake_auth(&device);
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_WRITE, PROGRESS, false), MOSQ_ERR_SUCCESS);
	fake_auth(&again); /* takes the id over; 2.0.11 sends the old one's will before it tells its end */
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_WRITE, PROGRESS, false), MOSQ_ERR_ACL_DENIED);
	fake_disconnect(&device);
	fake_disconnect(&again);
	cr_expect_eq(fake_acl(&again, MOSQ_ACL_WRITE, PROGRESS, false), MOSQ_ERR_ACL_DENIED);
}

/* --- messages --- */

Test(callbacks, a_report_reaches_the_engine_and_its_push_the_device)
{
	fake_auth(&device);
	cr_expect_eq(fake_publish(&device, INFORM, "hello", 1), MOSQ_ERR_SUCCESS);
	settle(2);
	cr_expect_str_eq(fakes_event(0), "connected one 1");
	cr_expect_str_eq(fakes_event(1), "inform one hello r=0");
	cr_assert_eq(fake_published(), 1);
	cr_expect_str_eq(fake_message(0)->client_id, device.id);
	cr_expect_eq(fake_message(0)->qos, 1);
	cr_expect_not(fake_message(0)->retain);
	cr_expect_eq(fake_allocated(), 0);
	cr_expect(strstr(fake_log(), "fake_applied"), "the worker's lines are written by the broker's thread");
}

Test(callbacks, nothing_is_sent_to_a_connection_that_is_gone)
{
	fake_auth(&device);
	fakes_hold_on("hello");
	fake_publish(&device, INFORM, "hello", 1);
	cr_assert(fakes_wait_held());
	fake_disconnect(&device);
	struct mosquitto again = {.id = device.id, .username = device.username};
	fake_auth(&again);
	fakes_go_on();
	settle(3);
	cr_expect_eq(fake_published(), 0, "not even under the same client id");
}

Test(callbacks, nothing_is_sent_to_a_connection_that_was_replaced)
{
	fake_auth(&device);
	fakes_hold_on("hello");
	fake_publish(&device, INFORM, "hello", 1);
	cr_assert(fakes_wait_held());
	fake_auth(&second);
	fake_acl(&second, MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/one", false);
	fakes_go_on();
	cr_assert(fakes_wait_events(4));
	settle(4);
	cr_expect_eq(fake_published(), 0, "the engine decides again for the newer one");
}

Test(callbacks, a_message_the_broker_does_not_take_is_given_up)
{
	fake_refuse_publish(true);
	fake_auth(&device);
	fake_publish(&device, INFORM, "hello", 1);
	settle(2);
	fake_refuse_publish(false);
	fake_publish(&device, INFORM, "again", 1);
	settle(3);
	cr_expect_eq(fake_published(), 1);
	cr_expect_eq(fake_allocated(), 0, "its memory is given back");
}

Test(callbacks, foreign_topics_pass_untouched)
{
	fake_auth(&device);
	cr_expect_eq(fake_publish(&device, "weather", "x", 1), MOSQ_ERR_SUCCESS);
	cr_expect_eq(fake_publish(&device, "/sys/pk/one/thing/event/property/post", "x", 1), MOSQ_ERR_SUCCESS);
	cr_expect_eq(fake_publish(&operator_, "/sys/pk/one/thing/service/property/set", "x", 1), MOSQ_ERR_SUCCESS);
}

Test(callbacks, nobody_speaks_for_another_whatever_let_him_through)
{
	fake_auth(&device);
	fake_auth(&other);
	cr_expect_eq(fake_publish(&other, INFORM, "x", 1), MOSQ_ERR_ACL_DENIED);
	cr_expect_eq(fake_publish(&operator_, INFORM, "x", 1), MOSQ_ERR_ACL_DENIED);
	cr_expect_eq(fake_publish(&operator_, "/ota/device/upgrade/pk/one", "x", 1), MOSQ_ERR_ACL_DENIED);
	cr_expect_eq(fake_publish(&device, "/ota/device/upgrade/pk/one", "x", 1), MOSQ_ERR_ACL_DENIED);
	cr_expect_eq(fake_publish(&device, "/ota/device/unknown/pk/one", "x", 1), MOSQ_ERR_ACL_DENIED);
	unload();
	cr_expect_eq(fakes_events(), 0);
}

Test(callbacks, a_payload_is_taken_up_to_its_limit)
{
	char *payload = malloc(OTA_DEVICE_PAYLOAD_MAX + 2);
	memset(payload, 'x', OTA_DEVICE_PAYLOAD_MAX + 1);
	payload[OTA_DEVICE_PAYLOAD_MAX + 1] = '\0';
	fake_auth(&device);
	cr_expect_eq(fake_publish(&device, INFORM, payload, 1), MOSQ_ERR_ACL_DENIED, "refused, and the connection kept");
	payload[OTA_DEVICE_PAYLOAD_MAX] = '\0';
	cr_expect_eq(fake_publish(&device, INFORM, payload, 1), MOSQ_ERR_SUCCESS);
	unload();
	cr_expect_eq(fakes_applied(), 1);
	free(payload);
}

Test(callbacks, pulls_are_answered_but_leave_no_trace_in_the_journal)
{
	fake_auth(&device);
	cr_expect_eq(fake_publish(&device, REQUEST, "{}", 1), MOSQ_ERR_SUCCESS);
	settle(2);
	cr_expect_str_eq(fakes_event(1), "pull one {} r=0");
	cr_expect_eq(fake_published(), 1);
	cr_expect_eq(fakes_applied(), 0);
	cr_expect_eq(fake_publish(&device, "/sys/pk/one/thing/file/download", "{}", 1), MOSQ_ERR_SUCCESS);
}

/* Each sends so little that nobody refuses it for its own sake. */
static int one_of_many_publishes(int number, const char *payload)
{
	static char ids[512][16], usernames[512][16];
	static struct mosquitto clients[512];
	char topic[40];
	snprintf(ids[number], sizeof(ids[number]), "pk.m%d|", number);
	snprintf(usernames[number], sizeof(usernames[number]), "m%d&pk", number);
	snprintf(topic, sizeof(topic), "/ota/device/inform/pk/m%d", number);
	clients[number] = (struct mosquitto){.id = ids[number], .username = usernames[number]};
	return fake_publish(&clients[number], topic, payload, 1);
}

Test(callbacks, a_full_journal_closes_the_connection_at_qos_1_and_drops_at_qos_0)
{
	char *payload = malloc(OTA_DEVICE_PAYLOAD_MAX + 1);
	memset(payload, 'x', OTA_DEVICE_PAYLOAD_MAX);
	payload[OTA_DEVICE_PAYLOAD_MAX] = '\0';
	fakes_hold_on("hold");
	fake_auth(&device);
	fake_publish(&device, INFORM, "hold", 1);
	cr_assert(fakes_wait_held());
	int code = MOSQ_ERR_SUCCESS;
	for (int i = 0; i < 4000 && code == MOSQ_ERR_SUCCESS; i++)
		code = one_of_many_publishes(i / 8, payload);
	cr_expect(code != MOSQ_ERR_SUCCESS && code != MOSQ_ERR_ACL_DENIED, "%d closes the connection: no PUBACK", code);
	cr_expect_eq(fake_publish(&device, INFORM, payload, 0), MOSQ_ERR_ACL_DENIED);
	cr_expect(strstr(fake_log(), "journal is full"));
	fakes_go_on();
	free(payload);
	unload();
}

/* --- commands --- */

Test(callbacks, a_command_is_answered_to_its_connection_alone)
{
	cr_expect_eq(fake_control(&operator_, "help", 4), MOSQ_ERR_SUCCESS);
	settle(1);
	cr_assert_eq(fake_published(), 1);
	cr_expect_str_eq(fake_message(0)->client_id, "console");
	cr_expect_str_eq(fake_message(0)->topic, "$CONTROL/ota/v1/response");
	cr_expect_str_eq(fake_message(0)->payload, "answer to help");
	cr_expect_str_eq(fakes_event(0), "command help by console");
}

static int load_with_events(const char *others, const char *events)
{
	struct mosquitto_opt options[] = {
		OPTION("ota_store_dir", directory),
		OPTION("ota_package_dir", directory),
		OPTION("ota_journal_dir", directory),
		OPTION("ota_gateway_url", "http://127.0.0.1"),
		OPTION("ota_device_auth", "none"),
		OPTION("ota_others", others),
		OPTION("ota_events", events),
	};
	return mosquitto_plugin_init((mosquitto_plugin_id_t *)identifier, &plugin, options, sizeof(options) / sizeof(options[0]));
}

/* How many events an inform that writes one publishes. */
static size_t events_published(const char *others, const char *events)
{
	size_t count = 0, before = fake_published();
	unload();
	cr_assert_eq(load_with_events(others, events), 0, "%s", fake_log());
	fake_auth(&device);
	fake_publish(&device, INFORM, "tell", 1);
	for (int tries = 0; tries < 2000 && fake_published() == before; tries++) { /* the push comes behind the event */
		fake_tick();
		usleep(1000);
	}
	for (size_t i = before; i < fake_published(); i++)
		count += strcmp(fake_message(i)->topic, "$CONTROL/ota/v1/events") == 0;
	return count;
}

Test(callbacks, events_are_published_where_the_brokers_rules_say_who_may_read_them)
{
	cr_expect_eq(events_published("allow", "auto"), 0);
	cr_expect_eq(events_published("allow", "off"), 0);
	cr_expect_eq(events_published("defer", "off"), 0);
	cr_expect_eq(events_published("defer", "auto"), 1);
	cr_expect_eq(events_published("allow", "on"), 1);
}

Test(callbacks, an_event_goes_to_its_topic_and_to_no_connection)
{
	cr_assert_eq(events_published("defer", "on"), 1);
	const struct fake_message *message = NULL;
	for (size_t i = 0; i < fake_published(); i++)
		if (strcmp(fake_message(i)->topic, "$CONTROL/ota/v1/events") == 0)
			message = fake_message(i);
	cr_assert(message);
	cr_expect_str_eq(message->client_id, "", "by topic, so that the broker asks who may read");
	cr_expect_str_eq(message->payload, "{\"id\":7}");
	cr_expect_eq(message->qos, 0);
	cr_expect_not(message->retain);
}

Test(callbacks, no_push_and_no_answer_waits_behind_events)
{
	enum { INFORMS = 30 };
	size_t direct = 0, events = 0;
	unload();
	cr_assert_eq(load_with_events("defer", "on"), 0, "%s", fake_log());
	fakes_hold_on("hold");
	fake_auth(&device);
	fake_publish(&device, INFORM, "hold", 1);
	cr_assert(fakes_wait_held());
	for (int i = 0; i < INFORMS; i++)
		fake_publish(&device, INFORM, "tell", 1); /* all in the next commit */
	fakes_go_on();
	for (int tries = 0; tries < 2000 && events < INFORMS; tries++) {
		fake_tick();
		usleep(1000);
		events = direct = 0;
		for (size_t i = 0; i < fake_published(); i++) {
			bool is_event = strcmp(fake_message(i)->topic, "$CONTROL/ota/v1/events") == 0;
			events += is_event;
			direct += !is_event && events == 0;
		}
	}
	cr_expect_eq(events, INFORMS);
	cr_expect_eq(direct, INFORMS + 1, "every push goes before the first event");
}

Test(callbacks, an_answer_does_not_reach_who_took_the_id_over)
{
	struct mosquitto again = {.id = operator_.id, .username = operator_.username};
	fakes_hold_on("hold");
	fake_auth(&device);
	fake_publish(&device, INFORM, "hold", 1);
	cr_assert(fakes_wait_held());
	fake_control(&operator_, "secret", 6);
	fake_auth(&again);
	fake_disconnect(&operator_);
	fakes_go_on();
	cr_assert(fakes_wait_events(3));
	settle(3);
	for (size_t i = 0; i < fake_published(); i++)
		cr_expect_str_neq(fake_message(i)->topic, "$CONTROL/ota/v1/response");
}

Test(callbacks, a_device_commands_nothing)
{
	fake_auth(&device);
	cr_expect_eq(fake_control(&device, "help", 4), MOSQ_ERR_SUCCESS, "anything else would close its connection");
	unload();
	cr_expect_eq(fakes_events(), 0);
}

Test(callbacks, too_many_and_too_long_commands_are_answered_at_once)
{
	static const char command[] = "{\"commands\":[{\"command\":\"getServer\",\"correlationData\":\"7\"}]}";
	char *long_command = calloc(1, OTA_PAYLOAD_MAX + 2);
	memset(long_command, ' ', OTA_PAYLOAD_MAX + 1);
	fakes_hold_on("hold");
	fake_auth(&device);
	fake_publish(&device, INFORM, "hold", 1);
	cr_assert(fakes_wait_held());
	for (int i = 0; i < OTA_QUEUE_COMMANDS_MAX; i++)
		fake_control(&operator_, "x", 1);
	cr_expect_eq(fake_published(), 0);
	fake_control(&operator_, command, sizeof(command) - 1);
	cr_assert_eq(fake_published(), 1);
	cr_expect_str_eq(fake_message(0)->payload,
			 "{\"responses\":[{\"command\":\"getServer\",\"correlationData\":\"7\",\"error\":"
			 "{\"code\":\"unavailable\",\"message\":\"too many commands are waiting; try again\"}}]}");
	fake_control(&operator_, long_command, OTA_PAYLOAD_MAX + 1);
	cr_assert_eq(fake_published(), 2);
	cr_expect(strstr(fake_message(1)->payload, "\"limit\""));
	free(long_command);
}
