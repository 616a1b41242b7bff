/* Hooks and the children they run in. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/adapters/hook.h"
#include "agent/adapters/install_exec.h"
#include "agent/adapters/program.h"
#include "common/file.h"
#include "common/text.h"
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

static bool told(const char *words)
{
	return strstr(error.text, words) != NULL;
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
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EUNAVAILABLE);
	cr_expect(told("cannot run /bin/echo hello"), "%s", error.text);
}

Test(hook, every_exit_code_has_its_meaning)
{
	char verb[8], words[32];

	write_program("exit $1");
	cr_expect_eq(run_verb("0", 5000, &watch), 0);
	for (int code = 1; code <= 255; code++) {
		snprintf(verb, sizeof(verb), "%d", code);
		snprintf(words, sizeof(words), "exited with code %d", code);
		cr_expect_eq(run_verb(verb, 5000, &watch), code == 21 ? OTA_EUNAVAILABLE : OTA_EIO, "%d", code);
		cr_expect(told(words), "%s", error.text);
	}
}

Test(hook, the_table_of_exit_codes_has_each_once_and_says_what_it_means)
{
	for (int code = 0; code <= 255; code++) {
		const struct agent_hook_exit *row = agent_hook_exits();

		while (row->meaning && (code < row->low || code > row->high))
			row++;
		cr_assert_not_null(row->meaning, "%d", code);
		cr_expect_eq(row->code, code == 0 ? OTA_OK : code == 21 ? OTA_EUNAVAILABLE : OTA_EIO, "%d", code);
	}
}

/* By default; those that end nothing are left out, and the two the C library keeps for itself. */
static bool signal_ends(int number)
{
	static const int others[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, 32, 33};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i] == number)
			return false;
	return true;
}

Test(hook, every_signal_that_ends_it_is_told_by_number_and_name)
{
	char verb[8], words[48];

	write_program("ulimit -c 0; kill -$1 $$");
	for (int number = 1; number < NSIG; number++) {
		const char *name = sigdescr_np(number);

		if (!signal_ends(number))
			continue;
		snprintf(verb, sizeof(verb), "%d", number);
		snprintf(words, sizeof(words), "ended by signal %d%s%s", number, name ? " (" : "", name ? name : "");
		cr_expect_eq(run_verb(verb, 5000, &watch), OTA_EIO, "%d", number);
		cr_expect(told(words), "%d: %s", number, error.text);
	}
}

Test(hook, begins_with_no_signal_ignored_whatever_the_agent_ignores)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	write_program("grep SigIgn /proc/$$/status");
	cr_expect_eq(run_verb("install", 5000, &watch), 0);
	const char *mask = strstr(lines, "SigIgn:");
	cr_assert_not_null(mask, "%s", lines);
	/* 32 and 33 are libc's own, which nobody can reset: a sanitizer's runtime takes one. */
	cr_expect_eq(strtoull(mask + strlen("SigIgn:"), NULL, 16) & ~0x180000000ULL, 0, "%s", lines);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
}

Test(hook, that_is_ended_tells_what_it_said_last)
{
	write_program("echo progress 50 writing; kill -KILL $$");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EIO);
	cr_expect(told("install was ended by signal 9 (Killed); its last line: progress 50 writing"), "%s", error.text);
	write_program("echo progress 70 waiting; sleep 60");
	cr_expect_eq(run_verb("install", 300, &watch), OTA_ETIMEOUT);
	cr_expect(told("install took longer than 300ms and was ended; its last line: progress 70 waiting"), "%s", error.text);
}

Test(hook, that_fails_in_the_middle_of_its_progress_says_with_which_code)
{
	write_program("echo progress 50 writing; exit 7");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EIO);
	cr_expect(told("install exited with code 7; its last line: progress 50 writing"), "%s", error.text);
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

Test(hook, a_stopped_one_is_ended_at_its_deadline)
{
	int64_t began = ota_boot_ms();

	write_program("kill -STOP $$");
	cr_expect_eq(run_verb("install", 200, &watch), OTA_ETIMEOUT);
	cr_expect_lt(ota_boot_ms() - began, 10000);
}

/* --- output that has no end ------------------------------------------------------------------------------------------------ */

static long memory_kb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* A sanitizer keeps what was freed for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LITTLE_KB = 65536 };
#else
enum { LITTLE_KB = 4096 };
#endif

static void expect_little_memory(long before_kb)
{
	cr_expect_lt(memory_kb() - before_kb, LITTLE_KB, "%ld KiB more", memory_kb() - before_kb);
}

Test(hook, a_gigabyte_without_a_line_end_is_one_line)
{
	long before_kb = memory_kb();

	write_program("head -c 1073741824 /dev/zero; echo; echo error too much; exit 1");
	cr_expect_eq(run_verb("install", 60000, &watch), OTA_EIO);
	cr_expect_str_eq(error.text, "too much");
	expect_little_memory(before_kb);
}

static unsigned logged;

static void count_line(void *context, const char *line)
{
	(void)context;
	if (logged++ == AGENT_HOOK_LINES_MAX)
		cr_expect_str_eq(line, "(more than 10000 lines: the rest is not logged)");
}

Test(hook, lines_without_end_do_not_fill_the_log_and_the_last_word_is_still_heard)
{
	const struct agent_watch counting = {.stop_fd = -1, .line = count_line};
	long before_kb = memory_kb();

	logged = 0;
	write_program("yes 'progress 1 of many' | head -n 1000000; echo error it is full; echo bye; exit 1");
	cr_expect_eq(run_verb("install", 60000, &counting), OTA_EIO);
	cr_expect_str_eq(error.text, "it is full");
	cr_expect_eq(logged, AGENT_HOOK_LINES_MAX + 1);
	expect_little_memory(before_kb);
}

Test(hook, a_gigabyte_on_standard_error_is_not_ours_to_read)
{
	int saved = dup(STDERR_FILENO), null_fd = open("/dev/null", O_WRONLY);
	long before_kb = memory_kb();

	write_program("head -c 1073741824 /dev/zero >&2; echo done");
	dup2(null_fd, STDERR_FILENO);
	cr_expect_eq(run_verb("install", 60000, &watch), 0);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null_fd);
	cr_expect_str_eq(lines, "done|");
	expect_little_memory(before_kb);
}

Test(hook, that_prints_for_ever_is_ended_at_its_deadline)
{
	write_program("yes no end 2>/dev/null");
	cr_expect_eq(run_verb("install", 300, &watch), OTA_ETIMEOUT);
	cr_expect(told("its last line: no end"), "%s", error.text);
}

/* The pipe is full again before the listener is done with the last line. */
static void listen_slowly(void *context, const char *line)
{
	(void)context;
	(void)line;
	usleep(1000);
}

Test(hook, that_leaves_a_child_printing_for_ever_is_over_when_it_is_over)
{
	const struct agent_watch slow = {.stop_fd = -1, .line = listen_slowly};
	int64_t began = ota_boot_ms();

	write_program("yes $(printf %0500d 1) 2>/dev/null & echo $! >$0.child; sleep 0.2; exit 0");
	cr_expect_eq(run_verb("restart", 30000, &slow), 0);
	cr_expect_lt(ota_boot_ms() - began, 5000);
	cr_expect(process_goes("hook.child"), "nobody reads what it prints");
}

/* --- descriptors ----------------------------------------------------------------------------------------------------------- */

Test(hook, may_close_what_it_was_given)
{
	write_program("exec <&- >&- 2>&- 3<&-; sleep 0.1; exit 4");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EIO);
	cr_expect(told("exited with code 4"), "%s", error.text);
	write_program("echo last words; exec >&-; exit 4");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EIO);
	cr_expect_str_eq(error.text, "last words");
}

Test(hook, of_an_agent_without_standard_descriptors_has_its_own)
{
	int saved[3];

	for (int fd = 0; fd < 3; fd++)
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	write_program("cat; cat <&3; echo; echo here");
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	int rc = run_verb("install", 5000, &watch);
	for (int fd = 0; fd < 3; fd++) {
		dup2(saved[fd], fd);
		close(saved[fd]);
	}
	cr_expect_eq(rc, 0, "%s", error.text);
	cr_expect_str_eq(lines, "the image|here|");
}

/* --- what cannot be run ---------------------------------------------------------------------------------------------------- */

static void expect_no_start(const char *words)
{
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EUNAVAILABLE, "%s: %s", words, error.text);
	cr_expect(told("cannot run ") && told("/hook: ") && told(words), "\"%s\" does not say \"%s\"", error.text, words);
	error = (struct ota_error){0};
	cr_expect_eq(agent_program_check(program, &error), OTA_EUNAVAILABLE, "seen beforehand: %s", words);
	cr_expect(told(words), "\"%s\" does not say \"%s\"", error.text, words);
}

static void write_raw(const char *text, mode_t mode)
{
	cr_assert_eq(ota_file_replace(program, ota_span_from_text(text), mode, NULL), 0);
}

Test(hook, that_is_not_there_says_so)
{
	expect_no_start("there is no such file");
	cr_assert_eq(symlink("/nowhere/at/all", program), 0);
	expect_no_start("a link to nothing");
}

Test(hook, without_its_execute_bit_says_so)
{
	write_raw("#!/bin/sh\nexit 0\n", 0644);
	expect_no_start("it is not executable (chmod +x; or mounted noexec)");
}

Test(hook, that_is_a_directory_or_a_device_says_so)
{
	cr_assert_eq(mkdir(program, 0755), 0);
	expect_no_start("it is a directory");
	cr_assert_eq(rmdir(program), 0);
	cr_assert_eq(mkfifo(program, 0755), 0);
	expect_no_start("it is no file");
}

Test(hook, that_is_empty_says_so)
{
	write_raw("", 0755);
	expect_no_start("it is empty");
}

Test(hook, whose_interpreter_is_missing_names_it)
{
	write_raw("#!/usr/bin/perl7 -w\nexit 0\n", 0755);
	expect_no_start("names /usr/bin/perl7, which is not there");
	write_raw("#!\n", 0755);
	expect_no_start("names no interpreter");
}

Test(hook, with_the_line_ends_of_windows_says_so)
{
	write_raw("#!/bin/sh\r\nexit 0\r\n", 0755);
	expect_no_start("its lines end as on Windows");
}

Test(hook, in_a_circle_of_links_says_so)
{
	cr_assert_eq(symlink(program, program), 0);
	expect_no_start("lead in a circle");
}

/* What the kernel alone can tell. */
Test(hook, that_is_no_program_says_so)
{
	write_raw("echo hello\n", 0755);
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EUNAVAILABLE);
	cr_expect(told("no program of this machine; a script begins with #!"), "%s", error.text);
	write_raw("\177ELF and then nothing", 0755);
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EUNAVAILABLE);
	cr_expect(told("no program of this machine"), "%s", error.text);
}

Test(hook, in_a_path_with_spaces_and_strange_letters_runs)
{
	scratch_path(program, directory, "a hook; of 'mine' $HOME \xff\xfe");
	write_program("echo here; exit 3");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EIO);
	cr_expect_str_eq(error.text, "here");
	write_program("exit 3");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EIO);
	cr_expect(told("$HOME") && told("install exited with code 3"), "%s", error.text);
	cr_expect(ota_text_is_utf8(ota_span_from_text(error.text)), "what is reported is UTF-8, whatever the path is");
}

Test(hook, of_a_long_path_is_told_by_its_end)
{
	char name[128];

	memset(name, 'x', sizeof(name));
	memcpy(name + 80, "the-hook", sizeof("the-hook"));
	scratch_path(program, directory, name);
	write_program("exit 3");
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EIO);
	cr_expect(told("...") && told("the-hook install exited with code 3"), "%s", error.text);
	cr_expect_lt(strlen(error.text), OTA_DESC_MAX, "fits a report");
	cr_assert_eq(chmod(program, 0644), 0);
	cr_expect_eq(run_verb("install", 5000, &watch), OTA_EUNAVAILABLE);
	cr_expect(told("the-hook: it is not executable (chmod +x; or mounted noexec)"), "%s", error.text);
	cr_expect_leq(strlen("install: ") + strlen(error.text), OTA_DESC_MAX, "fits a report with what was tried");
}

Test(hook, knows_nothing_of_an_environment_of_invalid_bytes)
{
	static char broken[] = "no equals sign \xc0\xaf";

	setenv("OTA_MODULE", "\xff\xfe", 1);
	setenv("LD_PRELOAD", "/nowhere/\xff.so", 1);
	putenv(broken);
	write_program("env | grep -a -c -e LD_PRELOAD -e 'no equals'; echo $OTA_MODULE");
	cr_expect_eq(run_verb("install", 5000, &watch), 0);
	cr_expect_str_eq(lines, "0|mcu|");
	unsetenv("LD_PRELOAD");
	unsetenv("OTA_MODULE");
}

/* --- what comes of it ------------------------------------------------------------------------------------------------------ */

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
