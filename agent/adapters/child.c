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

#include "agent/adapters/program.h"
#include "common/file.h"
#include "common/time.h"

enum {
	CHILD_COULD_NOT_START = 127,
	PIECE_SIZE = 16384, /* of its output, read at once */
};

struct run {
	const struct agent_child *child;
	pid_t pid;
	int pid_fd; /* readable at its end */
	int output_fd;
	int errno_fd; /* carries errno when it could not be started; closed by a successful exec */
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

/* Ignored signals stay ignored over an exec: the MQTT library ignores SIGPIPE, nohup SIGHUP. */
static void child_reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
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
	if (run->child->line)
		run->child->line(run->child->context, (struct ota_span){run->text, run->used});
	run->used = 0;
}

static void run_add(struct run *run, struct ota_span part)
{
	size_t room = sizeof(run->text) - run->used;
	size_t size = part.size < room ? part.size : room;

	memcpy(run->text + run->used, part.data, size);
	run->used += size;
}

static void run_take(struct run *run, struct ota_span piece)
{
	const char *end;

	while ((end = memchr(piece.data, '\n', piece.size))) {
		size_t size = (size_t)(end - piece.data);

		run_add(run, (struct ota_span){piece.data, size});
		run_line(run);
		piece = (struct ota_span){end + 1, piece.size - size - 1};
	}
	run_add(run, piece);
}

/* How many bytes it was; 0 at the end of the output, or when nothing more waits. */
static size_t run_read(struct run *run)
{
	char piece[PIECE_SIZE];
	ssize_t size;

	do
		size = read(run->output_fd, piece, sizeof(piece));
	while (size < 0 && errno == EINTR);
	if (size <= 0)
		return 0;
	run_take(run, (struct ota_span){piece, (size_t)size});
	return (size_t)size;
}

/* What the child's own children print later is theirs: the end of the child is the end of the run, whoever still holds the pipe.
 * Its own words are in the pipe by now; more than a pipe holds comes from somebody who goes on printing. */
static void run_finish_output(struct run *run)
{
	int capacity = fcntl(run->output_fd, F_GETPIPE_SZ);
	size_t size, all = 0;

	do
		all += size = run_read(run);
	while (size > 0 && all < (size_t)(capacity > 0 ? capacity : 0));
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
		*output_open = run_read(run) > 0;
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
			return ota_fail(error, OTA_ETIMEOUT, "%s took too long and was ended", run->child->arguments[0]);
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
	return size == sizeof(number) ? agent_program_blame(run->child->arguments[0], number, error) : 0;
}

/* No pipe, no process: nobody's fault who is told of it. */
static int run_unstarted(const struct agent_child *child, struct ota_error *error)
{
	ota_fail_errno(error, "cannot start %s", child->arguments[0]);
	return ota_error_recode(error, OTA_EUNAVAILABLE);
}

int agent_child_run(const struct agent_child *child, const struct agent_watch *watch, struct agent_child_end *ret_end,
		    struct ota_error *error)
{
	struct run run = {.child = child};
	int output[2], errors[2], status = 0, rc;
	pid_t parent = getpid();

	if (pipe2(output, O_CLOEXEC) < 0)
		return run_unstarted(child, error);
	OTA_AUTO_CLOSE int output_read = run.output_fd = output[0];
	OTA_AUTO_CLOSE int output_write = output[1];
	if (pipe2(errors, O_CLOEXEC) < 0)
		return run_unstarted(child, error);
	OTA_AUTO_CLOSE int errors_read = run.errno_fd = errors[0];
	OTA_AUTO_CLOSE int errors_write = errors[1];
	fcntl(output_read, F_SETFL, O_NONBLOCK);
	run.pid = fork();
	if (run.pid < 0)
		return run_unstarted(child, error);
	if (run.pid == 0)
		child_exec(child, output_write, errors_write, parent);
	/* From both sides, so that the group exists before either needs it. */
	setpgid(run.pid, run.pid);
	close(output_write);
	close(errors_write);
	output_write = errors_write = -1;
	OTA_AUTO_CLOSE int pid_fd = run.pid_fd = pidfd_open(run.pid, 0);
	rc = pid_fd < 0 ? run_unstarted(child, error) : run_started(&run, error);
	if (pid_fd < 0)
		kill(-run.pid, SIGKILL);
	if (!rc)
		rc = run_supervise(&run, watch, error);
	while (waitpid(run.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!rc)
		*ret_end = (struct agent_child_end){.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
						    .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
	(void)errors_read;
	return rc;
}
