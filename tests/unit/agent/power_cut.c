/*
 * Power cut: preloaded into a program, it counts what the program changes on disk - each fsync, rename, unlink, link, symlink,
 * truncation, mkdir and each file opened for writing - and kills the program right before the n-th of them.
 *
 * n stands in the file OTA_POWER_CUT names, as a native 64-bit integer, and is counted down there, so that the count goes on over
 * an exec. It stays at 0 after the kill: a process started later with the same file runs on, and counts into the negative.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic int64_t *left;

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void attach(void)
{
	const char *path = getenv("OTA_POWER_CUT");
	int (*open_file)(const char *, int, ...) = (int (*)(const char *, int, ...))real("open");
	int fd = path ? open_file(path, O_RDWR | O_CLOEXEC) : -1;
	void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page != MAP_FAILED)
		left = page;
	if (fd >= 0)
		close(fd);
}

static void count(void)
{
	if (left && atomic_fetch_sub(left, 1) == 1)
		kill(getpid(), SIGKILL);
}

#define COUNTED(type, name, parameters, arguments)                      \
	type name parameters                                            \
	{                                                               \
		type(*next) parameters = (type(*) parameters)real(#name); \
		count();                                                \
		return next arguments;                                  \
	}

COUNTED(int, fsync, (int fd), (fd))
COUNTED(int, rename, (const char *from, const char *to), (from, to))
COUNTED(int, unlink, (const char *path), (path))
COUNTED(int, link, (const char *from, const char *to), (from, to))
COUNTED(int, chmod, (const char *path, mode_t mode), (path, mode))
COUNTED(int, symlink, (const char *target, const char *path), (target, path))
COUNTED(int, ftruncate, (int fd, off_t size), (fd, size))
COUNTED(int, ftruncate64, (int fd, off_t size), (fd, size))
COUNTED(int, mkdir, (const char *path, mode_t mode), (path, mode))
COUNTED(int, mkostemp, (char *pattern, int flags), (pattern, flags))
COUNTED(int, mkostemp64, (char *pattern, int flags), (pattern, flags))

static int open_counted(const char *name, const char *path, int flags, mode_t mode)
{
	int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))real(name);

	if ((flags & O_ACCMODE) != O_RDONLY)
		count();
	return next(path, flags, mode);
}

/* With O_CREAT there is a mode; without it whatever stands there is not looked at. */
#define OPEN(name)                                              \
	int name(const char *path, int flags, ...)              \
	{                                                       \
		va_list more;                                   \
		mode_t mode;                                    \
		va_start(more, flags);                          \
		mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; \
		va_end(more);                                   \
		return open_counted(#name, path, flags, mode);  \
	}

OPEN(open)
OPEN(open64)
