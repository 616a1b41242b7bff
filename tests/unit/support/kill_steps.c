#include "tests/unit/support/kill_steps.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

/* Old machines have the short names, new ones only those with "at". */
static const uint64_t changing[] = {
	SYS_write,     SYS_pwrite64,  SYS_fsync,  SYS_fdatasync, SYS_ftruncate,
	SYS_fallocate, SYS_renameat2, SYS_linkat, SYS_unlinkat,  SYS_mkdirat,
#ifdef SYS_rename
	SYS_rename, SYS_link, SYS_unlink, SYS_mkdir,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
};

static bool call_changes(uint64_t number, uint64_t flags)
{
	for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++)
		if (changing[i] == number)
			return true;
	return number == SYS_openat && (flags & O_CREAT);
}

static void child_run(int (*run)(void))
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(99);
	raise(SIGSTOP);
	_exit(run() == 0 ? 0 : 1);
}

/* Whether the child stands before a call that changes a file. */
static bool stands_before_change(pid_t child)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	return call_changes(info.entry.nr, info.entry.args[2]);
}

static enum kill_steps_end child_follow(pid_t child, int step)
{
	int status = 0, changes = 0;

	for (;;) {
		int passed = 0;

		if (waitpid(child, &status, 0) < 0)
			return KILL_STEPS_FAILED;
		if (WIFEXITED(status))
			return WEXITSTATUS(status) == 0 ? KILL_STEPS_DONE : KILL_STEPS_FAILED;
		if (WIFSIGNALED(status))
			return KILL_STEPS_FAILED;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			passed = WSTOPSIG(status);
		} else if (stands_before_change(child) && ++changes == step) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			return KILL_STEPS_KILLED;
		}
		ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)passed);
	}
}

enum kill_steps_end kill_at_step(int (*run)(void), int step)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		child_run(run);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return KILL_STEPS_FAILED;
	if (!WIFSTOPPED(status))
		return KILL_STEPS_REFUSED;
	ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(intptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	ptrace(PTRACE_SYSCALL, child, NULL, NULL);
	return child_follow(child, step);
}
