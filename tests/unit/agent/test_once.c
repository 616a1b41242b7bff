#include <criterion/criterion.h>

#include "agent/once.h"
#include "agent/status.h"
#include "tests/unit/agent/desk.h"

static struct desk desk;
static struct agent_once once;

static enum agent_once_next look(void)
{
	return agent_once_look(&once, &desk.core);
}

static void setup(void)
{
	desk_open(&desk);
	once = (struct agent_once){0};
}

TestSuite(once, .init = setup);

Test(once, idle_and_connected_it_settles)
{
	cr_expect_eq(look(), AGENT_ONCE_SETTLE);
	desk_simple(&desk, AGENT_EVENT_DOWN);
	cr_expect_eq(look(), AGENT_ONCE_GO_ON, "nothing can come");
	desk_simple(&desk, AGENT_EVENT_UP);
	cr_expect_eq(look(), AGENT_ONCE_SETTLE);
}

Test(once, work_that_failed_ends_it_when_the_server_has_heard)
{
	desk_push(&desk, "2.0.0", 7, 1);
	cr_expect_eq(look(), AGENT_ONCE_GO_ON);
	desk_fetched(&desk, AGENT_FETCH_PERMANENT, "server answered 404");
	cr_expect_eq(look(), AGENT_ONCE_GO_ON, "the report is not acknowledged");
	desk_acknowledge(&desk);
	cr_expect_eq(look(), AGENT_ONCE_END);
	cr_expect(desk.core.failed);
}

Test(once, a_cancel_is_no_failure)
{
	desk_push(&desk, "2.0.0", 7, 1);
	look();
	desk_fetched(&desk, AGENT_FETCH_TRANSIENT, "cut");
	desk_cancel(&desk, 7, 1);
	desk_acknowledge(&desk);
	cr_expect_eq(look(), AGENT_ONCE_END);
	cr_expect_not(desk.core.failed);
}

Test(once, each_state_has_its_status)
{
	static const struct {
		enum agent_state state;
		const char *text;
	} cases[] = {
		{AGENT_STARTING, "asking what runs"},
		{AGENT_IDLE, "connected, waiting for updates"},
		{AGENT_FETCHING, "downloading 2.0.0 (35 %)"},
		{AGENT_PAUSED, "waiting to go on with the download of 2.0.0 (35 %)"},
		{AGENT_STOPPING, "canceling 2.0.0"},
		{AGENT_INSTALLING, "installing 2.0.0"},
		{AGENT_RESTARTING, "waiting for the restart into 2.0.0"},
	};
	char text[AGENT_STATUS_SIZE];

	desk_push(&desk, "2.0.0", 7, 1);
	desk_received(&desk, 350);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		desk.core.state = cases[i].state;
		agent_status_print(text, &desk.core, "");
		cr_expect_str_eq(text, cases[i].text);
	}
	desk_simple(&desk, AGENT_EVENT_DOWN);
	agent_status_print(text, &desk.core, "");
	cr_expect_str_eq(text, "waiting for the restart into 2.0.0, not connected");
	desk.core.state = AGENT_IDLE;
	agent_status_print(text, &desk.core, "TLS: the broker's certificate has expired");
	cr_expect_str_eq(text, "not connected: TLS: the broker's certificate has expired");
}
