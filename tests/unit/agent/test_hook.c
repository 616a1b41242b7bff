/* Hooks and the children they run in. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/adapters/hook.h"
#include "agent/adapters/install_exec.h"
#include "common/file.h"
#include "common/time.h"
#include "tests/unit/support/scratch.h"

static char directory[SCRATCH_SIZE], program[SCRATCH_SIZE], image_path[SCRATCH_SIZE];
static char lines[2048];
static struct ota_error error;

static void setup(void)
{
	scratch_make(directory);
	scratch_path(program, directory, "hook");
	scratch_path(image_path, directory, "image");
	scratch_write(directory, "image", "the image");
	lines[0] = '\0';
	error = (struct ota_error){0};
}

static void teardown(void)
{
	scratch_remove(directory);
}

TestSuite(hook, .init = setup, .fini = teardown);

static void write_program(const char *body)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};

	ota_bytes_format(&text, "#!/bin/sh\n%s\n", body);
	cr_assert_eq(ota_file_replace(program, (struct ota_span){text.data, text.size}, 0755, NULL), 0);
}

static void keep_line(void *context, const char *line)
{
	size_t used = strlen(lines);

	(void)context;
	snprintf(lines + used, sizeof(lines) - used, "%s|", line);
}

static const struct agent_watch watch = {.stop_fd = -1, .line = keep_line};

static int run_verb(const char *verb, int64_t timeout_ms, const struct agent_watch *given)
{
	const struct ota_image image = {
		.path = image_path,
		.module = "mcu",
		.version = "2.0.0",
		.previous_version = "1.0.0",
		.size = 9,
		.sha256 = "abc",
	};
	const struct agent_hook hook = {.program = program, .verb = verb, .image = &image, .timeout_ms = timeout_ms};

	return agent_hook_run(&hook, given, NULL, &error);
}

Test(hook, gets_its_verb_and_a_clean_environment_and_nothing_else)
{
	setenv("OTA_TEST_SECRET", "1", 1);
	write_program("echo \"$1\"; env | grep -v -e '^PWD=' -e '^_=' -e '^SHLVL=' -e '^OLDPWD=' | sort");
	cr_assert_eq(run_verb("install", 5000, &watch), 0, "%s", error.text);
	cr_expect_not_null(strstr(lines, "install|OTA_FD=3|OTA_FILE="));
	cr_expect_not_null(
		strstr(lines, "|OTA_MODULE=mcu|OTA_PREVIOUS_VERSION=1.0.0|OTA_SHA256=abc|OTA_SIZE=9|OTA_VERSION=2.0.0|PATH=/"));
	cr_expect_null(strstr(lines, "SECRET"));
}

Test(hook, finds_the_image_open_at_its_start_and_read_only)
{
	write_program("cat <&3; echo; (echo x >&3) 2>/dev/null || echo read-only");
	cr_assert_eq(run_verb("install", 5000, &watch), 0);
	cr_expect_str_eq(lines, "the image|read-only|");
}

Test(hook, inherits_no_descriptor_of_ours)
{
	char path[SCRATCH_SIZE];
	int leak;

	scratch_write(directory, "leak", "");
	scratch_path(path, directory, "leak");
	leak = open(path, O_RDONLY); /* without close-on-exec, as a library would */
	write_program("ls -l /proc/$$/fd; true");
	cr_assert_eq(run_verb("install", 5000, &watch), 0);
	cr_expect_not_null(strstr(lines, "/image|"), "%s", lines);
	cr_expect_null(strstr(lines, "/leak"), "%s", lines);
	close(leak);
}

Test(hook, is_not_run_by_a_shell)
{
	snprintf(program, sizeof(program), "/bin/echo hello; touch %s", "/tmp/never");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_ENOTFOUND);
	cr_expect_not_null(strstr(error.text, "cannot run /bin/echo hello"));
}

Test(hook, exit_codes_have_their_meanings)
{
	write_program("exit 0");
	cr_expect_eq(run_verb("install", 5000, &watch), 0);
	write_program("exit 21");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EUNAVAILABLE);
	write_program("exit 1");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EIO);
	cr_expect_not_null(strstr(error.text, "install exited with 1"));
	write_program("kill -9 $$");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EIO);
	cr_expect_not_null(strstr(error.text, "137"));
}

Test(hook, the_error_line_is_told_or_else_the_last_one)
{
	write_program("echo first; echo 'error no U-Boot here'; echo last; exit 3");
	cr_expect_eq(run_verb("check", 5000, &watch), OTA_EIO);
	cr_expect_str_eq(error.text, "no U-Boot here");
	write_program("echo first; printf 'last without newline'; exit 3");
	cr_expect_eq(run_verb("check", 5000, &watch), OTA_EIO);
	cr_expect_str_eq(error.text, "last without newline");
	cr_expect_not_null(strstr(lines, "last without newline|"));
}

Test(hook, lines_are_cleaned_and_bounded)
{
	write_program("printf 'bell\\007 \\377 end\\n'; head -c 5000 /dev/zero | tr '\\0' x; echo; echo 'error done'; exit 1");
	cr_expect_eq(run_verb("check", 5000, &watch), OTA_EIO);
	cr_expect_null(strchr(lines, '\a'));
	cr_expect_not_null(strstr(lines, "\xef\xbf\xbd end|"));
	cr_expect_str_eq(error.text, "done");
}

static bool process_is_gone(const char *pid_file)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	char path[SCRATCH_SIZE];

	scratch_path(path, directory, pid_file);
	cr_assert_eq(ota_file_read(path, 64, &text, NULL), 0);
	return kill((pid_t)strtol(text.data, NULL, 10), 0) < 0;
}

static bool process_goes(const char *pid_file)
{
	int64_t end = ota_boot_ms() + 5000;

	while (!process_is_gone(pid_file))
		if (ota_boot_ms() > end)
			return false;
	return true;
}

Test(hook, that_takes_too_long_is_ended_with_all_its_children)
{
	char body[1024];
	int64_t began = ota_boot_ms();

	snprintf(body, sizeof(body), "trap '' TERM; sleep 60 & echo $! >%s/child; echo $$ >%s/leader; wait; wait; sleep 60",
		 directory, directory);
	write_program(body);
	cr_expect_eq(run_verb("install", 300, &watch), OTA_ETIMEOUT);
	cr_expect_not_null(strstr(error.text, "took longer than"));
	cr_expect_lt(ota_boot_ms() - began, 10000);
	cr_expect(process_goes("child"));
	cr_expect(process_goes("leader"));
}

Test(hook, is_ended_at_once_when_the_agent_is_asked_to_stop)
{
	OTA_AUTO_CLOSE int stop_fd = eventfd(1, 0);
	const struct agent_watch stopped = {.stop_fd = stop_fd};
	int64_t began = ota_boot_ms();

	write_program("sleep 60");
	cr_expect_eq(run_verb("install", 30000, &stopped), OTA_ECANCELED);
	cr_expect_lt(ota_boot_ms() - began, 5000);
}

Test(hook, that_leaves_a_child_behind_is_over_when_it_is_over)
{
	int64_t began = ota_boot_ms();

	write_program("sleep 2 2>/dev/null & echo done");
	cr_expect_eq(run_verb("restart", 30000, &watch), 0);
	cr_expect_str_eq(lines, "done|");
	cr_expect_lt(ota_boot_ms() - began, 1500);
}

Test(hook, dies_with_a_killed_agent)
{
	char body[1024], path[SCRATCH_SIZE];
	pid_t agent;

	snprintf(body, sizeof(body), "echo $$ >%s/tmp; mv %s/tmp %s/hook.pid; exec sleep 60", directory, directory, directory);
	write_program(body);
	scratch_path(path, directory, "hook.pid");
	agent = fork();
	if (agent == 0) {
		run_verb("install", 60000, &watch);
		_exit(0);
	}
	for (int64_t end = ota_boot_ms() + 5000; access(path, F_OK) && ota_boot_ms() < end;)
		;
	cr_assert_eq(access(path, F_OK), 0);
	kill(agent, SIGKILL);
	waitpid(agent, NULL, 0);
	cr_expect(process_goes("hook.pid"));
}

Test(hook, exec_installer_reads_the_version_from_the_first_line)
{
	const struct agent_exec_options options = {.command = program, .timeout_ms = 5000};
	const struct ota_installer installer = agent_install_exec(&options);
	char version[OTA_VERSION_MAX + 1] = "";

	write_program("[ \"$1\" = version ] && [ \"$OTA_MODULE\" = mcu ] && echo 4.5.6 && echo more");
	cr_expect_eq(installer.version(installer.context, "mcu", &watch, version, &error), 0, "%s", error.text);
	cr_expect_str_eq(version, "4.5.6");
	write_program("echo 'no {version}'");
	cr_expect_eq(installer.version(installer.context, "mcu", &watch, version, &error), OTA_EINVALID);
	write_program("exit 1");
	cr_expect_eq(installer.version(installer.context, "mcu", &watch, version, &error), OTA_EIO);
}
