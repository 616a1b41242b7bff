/* Whose sessions devices may open, and those that may not come in at all: disabled by an operator. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/plugin/broker/fake_mosquitto.h"
#include "tests/unit/plugin/broker/fakes.h"
#include "tests/unit/plugin/broker/loaded.h"

#define INFORM "/ota/device/inform/pk/one"

static struct mosquitto device, other, operator_;

static void setup(void)
{
	loaded_reset();
	device = (struct mosquitto){.id = "pk.one|securemode=3|", .username = "one&pk"};
	other = (struct mosquitto){.id = "pk.two|x|", .username = "two&pk"};
	operator_ = (struct mosquitto){.id = "console", .username = "operator"};
	cr_assert_eq(load("allow"), 0, "%s", fake_log());
}

TestSuite(logins, .init = setup, .fini = loaded_end);

/* --- stored sessions --- */

Test(logins, the_id_of_a_stored_session_is_its_devices)
{
	struct mosquitto stored = {.id = "s|", .username = "one&pk", .keeps_session = true};
	struct mosquitto thief = {.id = "s|", .username = "two&pk"};
	fake_auth(&stored);
	fake_disconnect(&stored);
	fake_tick();
	cr_expect_eq(fake_auth(&thief), MOSQ_ERR_AUTH);
	cr_expect(strstr(fake_log(), "client_id_taken"));
	stored.keeps_session = false;
	cr_expect_eq(fake_auth(&stored), MOSQ_ERR_SUCCESS, "its own device ends it");
	fake_disconnect(&stored);
	fake_tick();
	cr_expect_eq(fake_auth(&thief), MOSQ_ERR_SUCCESS);
}

/* The broker's own file told it of the session; we see it only when it goes over: BASIC_AUTH(new), DISCONNECT(old), then what is
 * queued is checked (READ) and sent. */
Test(logins, a_restored_session_goes_to_nobody_else)
{
	struct mosquitto restored = {.id = "s|", .username = "one&pk"};
	struct mosquitto thief = {.id = "s|", .username = "two&pk", .keeps_session = true};
	struct mosquitto *const clients[] = {&thief};
	fake_know(clients, 1);
	cr_expect_eq(fake_auth(&thief), MOSQ_ERR_SUCCESS);
	fake_disconnect(&restored);
	cr_expect_eq(fake_acl(&thief, MOSQ_ACL_READ, "telemetry", false), MOSQ_ERR_ACL_DENIED);
	cr_expect_eq(fake_acl(&thief, MOSQ_ACL_SUBSCRIBE, "/ota/device/upgrade/pk/two", false), MOSQ_ERR_ACL_DENIED);
	fake_tick();
	cr_assert_eq(fake_kicked(), 1);
	cr_expect_str_eq(fake_kick(0), "s|");
	cr_expect_eq(fake_auth(&thief), MOSQ_ERR_AUTH, "its owner is known now");
	cr_expect_eq(fake_auth(&restored), MOSQ_ERR_SUCCESS);
	fake_disconnect(&thief); /* the old one's object, once more */
	cr_expect_eq(fake_acl(&restored, MOSQ_ACL_READ, "telemetry", false), MOSQ_ERR_SUCCESS);
}

Test(logins, a_failed_login_cuts_nobody)
{
	struct mosquitto failing = {.id = device.id, .username = "two&pk"};
	fake_auth(&device);
	fake_auth(&failing);
	fake_disconnect(&failing); /* since 2.0.13 with the victim's id, which was let in a moment ago */
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_WRITE, INFORM, false), MOSQ_ERR_SUCCESS);
}

/* --- what is on its way --- */

/* The broker sends at its next turn, to whoever has the id then. */
Test(logins, an_answer_waits_for_no_successor)
{
	struct mosquitto successor = {.id = operator_.id, .username = "somebody"};
	struct mosquitto other_id = {.id = "else", .username = "somebody"};
	fake_control(&operator_, "x", 1);
	cr_assert(fakes_wait_events(1));
	for (int tries = 0; tries < 2000 && fake_published() == 0; tries++) {
		fake_acl(&device, MOSQ_ACL_READ, INFORM, false); /* any callback hands it over */
		usleep(1000);
	}
	cr_assert_eq(fake_published(), 1);
	cr_expect_eq(fake_auth(&successor), MOSQ_ERR_AUTH, "the connection that asked still lives");
	cr_expect(strstr(fake_log(), "answer_on_its_way"));
	fake_disconnect(&operator_);
	cr_expect_eq(fake_auth(&successor), MOSQ_ERR_AUTH, "and has gone");
	cr_expect_eq(fake_auth(&other_id), MOSQ_ERR_SUCCESS);
	fake_tick();
	cr_expect_eq(fake_auth(&successor), MOSQ_ERR_SUCCESS);
}

Test(logins, an_id_stays_its_devices_until_the_next_tick)
{
	struct mosquitto thief = {.id = device.id, .username = "two&pk"};
	fake_auth(&device);
	fake_disconnect(&device);
	cr_expect_eq(fake_auth(&thief), MOSQ_ERR_AUTH, "an offer to the device may be on its way");
	cr_expect_eq(fake_auth(&device), MOSQ_ERR_SUCCESS, "its own return is no theft");
	fake_disconnect(&device);
	fake_tick();
	cr_expect_eq(fake_auth(&thief), MOSQ_ERR_SUCCESS);
}

/* --- shut out --- */

/* The order stands before the answer. */
static void command(const char *text)
{
	size_t before = fake_published();
	fake_control(&operator_, text, strlen(text));
	for (int tries = 0; tries < 2000 && fake_published() == before; tries++) {
		fake_tick();
		usleep(1000);
	}
	cr_assert_gt(fake_published(), before);
}

Test(logins, a_disabled_device_is_denied_everything_kicked_and_kept_out)
{
	struct mosquitto *const clients[] = {&device, &other};
	fake_know(clients, 2);
	fake_auth(&device);
	fake_auth(&other);
	fake_publish(&device, INFORM, "1", 1);
	command("disable one&pk");
	static const char *const topics[] = {INFORM, "/ota/device/upgrade/pk/one", "weather"};
	for (size_t i = 0; i < 3; i++)
		for (int access = MOSQ_ACL_READ; access <= MOSQ_ACL_SUBSCRIBE; access *= 2)
			cr_expect_eq(fake_acl(&device, access, topics[i], false), MOSQ_ERR_ACL_DENIED, "%s", topics[i]);
	cr_expect_eq(fake_publish(&device, "weather", "1", 1), MOSQ_ERR_ACL_DENIED, "whatever let it through");
	cr_expect_eq(fake_acl(&other, MOSQ_ACL_WRITE, "weather", false), MOSQ_ERR_SUCCESS);
	fake_tick();
	cr_assert_eq(fake_kicked(), 1);
	cr_expect_str_eq(fake_kick(0), device.id);
	cr_expect_eq(fake_auth(&device), MOSQ_ERR_AUTH);
	cr_expect(strstr(fake_log(), "device_disabled"));
	command("enable one&pk");
	cr_expect_eq(fake_auth(&device), MOSQ_ERR_SUCCESS);
	cr_expect_eq(fake_acl(&device, MOSQ_ACL_WRITE, INFORM, false), MOSQ_ERR_SUCCESS);
}

Test(logins, a_device_that_was_let_in_a_moment_before_is_kicked_too)
{
	struct mosquitto *const clients[] = {&device};
	fake_know(clients, 1);
	fake_auth(&device); /* and says nothing */
	command("disable one&pk");
	fake_tick();
	cr_assert_eq(fake_kicked(), 1);
	cr_expect_str_eq(fake_kick(0), device.id);
}

Test(logins, who_was_disabled_stays_out_after_a_restart)
{
	unload();
	fakes_disable("pk", "one");
	cr_assert_eq(load("allow"), 0);
	cr_expect_eq(fake_auth(&device), MOSQ_ERR_AUTH);
	cr_expect_eq(fake_auth(&other), MOSQ_ERR_SUCCESS);
}
