#include <criterion/criterion.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/notify.h"
#include "tests/unit/support/scratch.h"

static char directory[SCRATCH_SIZE], name[SCRATCH_SIZE];
static int manager;

/* What the service manager is: a datagram socket that is only read. */
static void manager_listen(const char *where)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size = strlen(where);

	memcpy(address.sun_path, where, size);
	if (where[0] == '@')
		address.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(manager, (struct sockaddr *)&address,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (where[0] == '/'))),
		     0);
	setenv("NOTIFY_SOCKET", where, 1);
}

static void setup(void)
{
	scratch_make(directory);
	scratch_path(name, directory, "notify");
	manager_listen(name);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static void teardown(void)
{
	close(manager);
	scratch_remove(directory);
	unsetenv("NOTIFY_SOCKET");
}

static const char *heard(void)
{
	static char text[512];
	ssize_t size = recv(manager, text, sizeof(text) - 1, 0);

	text[size > 0 ? size : 0] = '\0';
	return text;
}

static int64_t watchdog_of(const char *usec, const char *pid)
{
	struct ota_notify notify;
	int64_t watchdog_ms;

	setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	ota_notify_open(&notify);
	watchdog_ms = notify.watchdog_ms;
	ota_notify_close(&notify);
	return watchdog_ms;
}

TestSuite(service_notify, .init = setup, .fini = teardown);

Test(service_notify, the_manager_hears_each_word)
{
	struct ota_notify notify;

	setenv("WATCHDOG_USEC", "30000000", 1);
	ota_notify_open(&notify);
	ota_notify_ready(&notify);
	cr_expect_str_eq(heard(), "READY=1");
	ota_notify_status(&notify, "connected to mqtts://b");
	cr_expect_str_eq(heard(), "STATUS=connected to mqtts://b");
	ota_notify_ping(&notify);
	cr_expect_str_eq(heard(), "WATCHDOG=1");
	ota_notify_stopping(&notify);
	cr_expect_str_eq(heard(), "STOPPING=1");
	ota_notify_close(&notify);
}

Test(service_notify, an_abstract_socket_is_one_too)
{
	struct ota_notify notify;
	char abstract[64];

	close(manager);
	snprintf(abstract, sizeof(abstract), "@ota-notify-%d", (int)getpid());
	manager_listen(abstract);
	ota_notify_open(&notify);
	ota_notify_ready(&notify);
	cr_expect_str_eq(heard(), "READY=1");
	ota_notify_close(&notify);
}

Test(service_notify, a_status_is_one_line_of_bounded_length)
{
	struct ota_notify notify;
	char text[3 * OTA_STATUS_MAX] = "a\nREADY=1\nb";

	memset(text + strlen(text), 'c', sizeof(text) - strlen(text) - 1);
	ota_notify_open(&notify);
	ota_notify_status(&notify, text);
	cr_expect_eq(strlen(heard()), strlen("STATUS=") + OTA_STATUS_MAX);
	ota_notify_status(&notify, "a\nREADY=1");
	cr_expect_str_eq(heard(), "STATUS=a READY=1");
	ota_notify_close(&notify);
}

Test(service_notify, nobody_there_is_no_fault)
{
	static const char *const wrong[] = {"", "@", "relative", "/nowhere/at/all", "vsock:2:1"};

	for (size_t i = 0; i <= sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct ota_notify notify;

		unsetenv("NOTIFY_SOCKET");
		if (i < sizeof(wrong) / sizeof(wrong[0]))
			setenv("NOTIFY_SOCKET", wrong[i], 1);
		ota_notify_open(&notify);
		ota_notify_ready(&notify);
		ota_notify_ping(&notify);
		ota_notify_stopping(&notify);
		ota_notify_close(&notify);
	}
	cr_expect_str_eq(heard(), "");
}

Test(service_notify, a_manager_that_does_not_read_does_not_hold_us_up)
{
	struct ota_notify notify;

	ota_notify_open(&notify);
	for (int i = 0; i < 10000; i++)
		ota_notify_status(&notify, "again");
	cr_expect_str_eq(heard(), "STATUS=again");
	ota_notify_close(&notify);
}

Test(service_notify, the_watchdog_is_fed_twice_as_often_as_it_asks)
{
	char mine[16], other[16];

	snprintf(mine, sizeof(mine), "%d", (int)getpid());
	snprintf(other, sizeof(other), "%d", (int)getpid() + 1);
	cr_expect_eq(watchdog_of("30000000", NULL), 15000);
	cr_expect_eq(watchdog_of("30000000", mine), 15000);
	cr_expect_eq(watchdog_of("30000000", other), 0, "it is somebody else's");
	cr_expect_eq(watchdog_of("500", mine), 1, "never faster than a millisecond");
	cr_expect_eq(watchdog_of("0", mine), 0);
	cr_expect_eq(watchdog_of("soon", mine), 0);
	cr_expect_eq(watchdog_of("99999999999999999999", mine), 0);
}

Test(service_notify, no_ping_where_nobody_watches)
{
	struct ota_notify notify;

	ota_notify_open(&notify);
	ota_notify_ping(&notify);
	cr_expect_str_eq(heard(), "");
	ota_notify_close(&notify);
}
