#include "agent/adapters/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/file.h"
#include "common/text.h"
#include "common/time.h"

enum { CHILD_COULD_NOT_START = 127 };

struct run {
	const struct agent_child *child;
	pid_t pid;
	int pid_fd; /* readable at its end */
	int output_fd;
	int errno_fd; /* carries errno when it could not be started; closed by a successful exec */
	unsigned lines;
	size_t used;
	char text[AGENT_CHILD_LINE_MAX]; /* the line in hand */
};

/* --- in the child ----------------------------------------------------------------------------------------------------------- */

static void child_say_errno(int errno_fd)
{
	int number = errno;
	ssize_t ignored = write(errno_fd, &number, sizeof(number));

	(void)ignored;
	_exit(CHILD_COULD_NOT_START);
}

static void child_reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Ignored signals stay ignored over an exec, and the MQTT library ignores this one. */
	signal(SIGPIPE, SIG_DFL);
}

/* We are the fork of a process with threads: only async-signal-safe calls from here on. */
static void child_exec(const struct agent_child *child, int output_fd, int errno_fd, pid_t parent)
{
	enum { ERRNO_FD = AGENT_CHILD_IMAGE_FD + 1 };
	int null_fd = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CHILD_COULD_NOT_START); /* it died before the line above */
	child_reset_signals();
	/* Out of the way of the numbers below first. */
	int output = fcntl(output_fd, F_DUPFD, ERRNO_FD + 1);
	int fail = fcntl(errno_fd, F_DUPFD, ERRNO_FD + 1);
	int image = child->image_fd >= 0 ? fcntl(child->image_fd, F_DUPFD, ERRNO_FD + 1) : -1;
	if (null_fd < 0 || output < 0 || fail < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(fail, ERRNO_FD) < 0 || (image >= 0 && dup2(image, AGENT_CHILD_IMAGE_FD) < 0))
		child_say_errno(errno_fd);
	if (image < 0)
		close(AGENT_CHILD_IMAGE_FD);
	fcntl(ERRNO_FD, F_SETFD, FD_CLOEXEC);
	close_range(ERRNO_FD + 1, ~0U, 0);
	execve(child->arguments[0], (char *const *)(uintptr_t)child->arguments, (char *const *)(uintptr_t)child->environment);
	child_say_errno(ERRNO_FD);
}

/* --- in the parent ---------------------------------------------------------------------------------------------------------- */

static void run_line(struct run *run)
{
	OTA_AUTO_BYTES struct ota_bytes clean = {0};

	if (run->child->line && run->lines++ < AGENT_CHILD_LINES_MAX) {
		ota_text_clean(&clean, (struct ota_span){run->text, run->used});
		run->child->line(run->child->context, clean.data ? clean.data : "");
	}
	run->used = 0;
}

/* False at the end of the output, or when nothing more waits. */
static bool run_read(struct run *run)
{
	char piece[AGENT_CHILD_LINE_MAX];
	ssize_t size = read(run->output_fd, piece, sizeof(piece));

	if (size < 0)
		return errno == EINTR;
	for (ssize_t i = 0; i < size; i++) {
		if (piece[i] == '\n')
			run_line(run);
		else if (run->used < sizeof(run->text))
			run->text[run->used++] = piece[i];
	}
	return size > 0;
}

/* What the child's own children print later is theirs: the end of the child is the end of the run, whoever still holds the
 * pipe. */
static void run_finish_output(struct run *run)
{
	while (run_read(run))
		;
	if (run->used)
		run_line(run);
}

static void run_end_group(struct run *run)
{
	struct pollfd ended = {.fd = run->pid_fd, .events = POLLIN};

	kill(-run->pid, SIGTERM);
	poll(&ended, 1, AGENT_CHILD_GRACE_MS);
	/* Also when the leader is gone: its group may not be. */
	kill(-run->pid, SIGKILL);
}

enum run_end { RUN_GOES_ON, RUN_ENDED, RUN_STOPPED };

/* Waits for one thing to happen. A closed output is no longer watched, or the loop would spin on it. */
static enum run_end run_wait(struct run *run, int stop_fd, int timeout_ms, bool *output_open)
{
	struct pollfd fds[] = {
		{.fd = run->pid_fd, .events = POLLIN},
		{.fd = stop_fd, .events = POLLIN},
		{.fd = *output_open ? run->output_fd : -1, .events = POLLIN},
	};

	if (poll(fds, sizeof(fds) / sizeof(fds[0]), timeout_ms) < 0)
		return RUN_GOES_ON;
	if (fds[2].revents)
		*output_open = run_read(run);
	if (fds[0].revents)
		return RUN_ENDED;
	return fds[1].revents ? RUN_STOPPED : RUN_GOES_ON;
}

static int run_supervise(struct run *run, const struct agent_watch *watch, struct ota_error *error)
{
	int64_t end_ms = ota_boot_ms() + run->child->timeout_ms;
	bool output_open = true;

	for (;;) {
		int64_t left_ms = run->child->timeout_ms ? end_ms - ota_boot_ms() : -1;

		if (run->child->timeout_ms && left_ms <= 0) {
			run_end_group(run);
			return ota_fail(error, OTA_ETIMEOUT, "%s took longer than %lld s and was ended", run->child->arguments[0],
					(long long)(run->child->timeout_ms / OTA_SECOND_MS));
		}
		switch (run_wait(run, watch->stop_fd, (int)(left_ms > OTA_HOUR_MS ? OTA_HOUR_MS : left_ms), &output_open)) {
		case RUN_GOES_ON:
			break;
		case RUN_ENDED:
			run_finish_output(run);
			return 0;
		case RUN_STOPPED:
			run_end_group(run);
			return ota_fail(error, OTA_ECANCELED, "%s was stopped", run->child->arguments[0]);
		}
	}
}

static int run_started(struct run *run, struct ota_error *error)
{
	int number;
	ssize_t size;

	do
		size = read(run->errno_fd, &number, sizeof(number));
	while (size < 0 && errno == EINTR);
	if (size != sizeof(number))
		return 0;
	errno = number;
	return ota_fail_errno(error, "cannot run %s", run->child->arguments[0]);
}

static int status_code(int status)
{
	enum { SIGNALED = 128 }; /* as a shell tells it */

	return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALED + WTERMSIG(status);
}

int agent_child_run(const struct agent_child *child, const struct agent_watch *watch, int *ret_status, struct ota_error *error)
{
	struct run run = {.child = child};
	int output[2], errors[2], status = 0, rc;
	pid_t parent = getpid();

	if (pipe2(output, O_CLOEXEC) < 0)
		return ota_fail_errno(error, "cannot make a pipe");
	OTA_AUTO_CLOSE int output_read = run.output_fd = output[0];
	OTA_AUTO_CLOSE int output_write = output[1];
	if (pipe2(errors, O_CLOEXEC) < 0)
		return ota_fail_errno(error, "cannot make a pipe");
	OTA_AUTO_CLOSE int errors_read = run.errno_fd = errors[0];
	OTA_AUTO_CLOSE int errors_write = errors[1];
	fcntl(output_read, F_SETFL, O_NONBLOCK);
	run.pid = fork();
	if (run.pid < 0)
		return ota_fail_errno(error, "cannot start %s", child->arguments[0]);
	if (run.pid == 0)
		child_exec(child, output_write, errors_write, parent);
	/* From both sides, so that the group exists before either needs it. */
	setpgid(run.pid, run.pid);
	close(output_write);
	close(errors_write);
	output_write = errors_write = -1;
	OTA_AUTO_CLOSE int pid_fd = run.pid_fd = pidfd_open(run.pid, 0);
	rc = pid_fd < 0 ? ota_fail_errno(error, "cannot watch %s", child->arguments[0]) : run_started(&run, error);
	if (pid_fd < 0)
		kill(-run.pid, SIGKILL);
	if (!rc)
		rc = run_supervise(&run, watch, error);
	while (waitpid(run.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!rc)
		*ret_status = status_code(status);
	(void)errors_read;
	return rc;
}
